"""Who shares one limit between processes, and how each is set up.

Everyone gets the same client, redis-py on a unix socket.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from importlib import import_module
from typing import NamedTuple

from redis.asyncio import Redis

Acquire = Callable[[], Awaitable[object]]


class Contender(NamedTuple):
    """A distribution, and what makes ``acquire`` of a socket, a name and a rate."""

    package: str
    make: Callable[[str, str, float], Awaitable[Acquire]]


async def ours(socket: str, name: str, rate: float) -> Acquire:
    """aiolimiter: books ahead, one trip at a time for all."""
    shared = import_module("aiolimiter.redis").RedisLimiter
    limiter = shared(Redis(unix_socket_path=socket), name, rate, 1)
    return limiter.acquire


async def pyrate_gcra(socket: str, name: str, rate: float) -> Acquire:
    """pyrate-limiter, its constant-state algorithm: polls."""
    pyrate = import_module("pyrate_limiter")
    state = import_module("pyrate_limiter.buckets.redis_state")
    store = state.RedisStateStore(Redis(unix_socket_path=socket), name)
    bucket = pyrate.StateBucket([pyrate.Rate(int(rate), 1000)], store=store)
    make = import_module("pyrate_limiter.limiter").SingleBucketFactory
    factory = make(bucket, schedule_leak=False)
    return _named(pyrate.Limiter(factory).try_acquire_async)


async def pyrate_log(socket: str, name: str, rate: float) -> Acquire:
    """pyrate-limiter, its default, a log of every admission: polls."""
    pyrate = import_module("pyrate_limiter")
    client = Redis(unix_socket_path=socket)
    rates = [pyrate.Rate(int(rate), 1000)]
    bucket = await pyrate.RedisBucket.init(rates, client, name)
    return _named(pyrate.Limiter(bucket).try_acquire_async)


def _named(acquire: Callable[[str], Awaitable[object]]) -> Acquire:
    return lambda: acquire("one")


async def steindamm(socket: str, name: str, rate: float) -> Acquire:
    """steindamm: reserves everything at once, and sleeps."""
    bucket = import_module("steindamm").AsyncRedisTokenBucket(
        connection=Redis(unix_socket_path=socket),
        name=name,
        capacity=rate,
        refill_frequency=1 / rate,
        refill_amount=1,
        max_sleep=0,
    )

    async def acquire() -> None:
        async with bucket:
            pass

    return acquire


async def throttled(socket: str, name: str, rate: float) -> Acquire:
    """throttled-py, GCRA with a timeout: polls."""
    peer = import_module("throttled.asyncio")
    quota = peer.per_duration(timedelta(seconds=1), int(rate), burst=int(rate))
    store = peer.RedisStore(server=f"unix://{socket}")
    limiter = peer.Throttled(
        key=name, using="gcra", quota=quota, store=store, timeout=1e9
    )
    return limiter.limit


async def limits(socket: str, name: str, rate: float) -> Acquire:
    """limits, a moving window asked every 10 ms, as its users do: it never waits."""
    make = import_module("limits.aio.storage").RedisStorage
    storage = make(f"async+redis+unix://{socket}", implementation="redispy")
    window = import_module("limits.aio.strategies").MovingWindowRateLimiter(storage)
    item = import_module("limits").RateLimitItemPerSecond(int(rate))

    async def acquire() -> None:
        while not await window.hit(item, name):  # noqa: ASYNC110 -- it sets no event
            await asyncio.sleep(0.01)

    return acquire


#: What it is called -> what it is.
CONTENDERS = {
    "ours": Contender("src", ours),
    "pyrate-limiter GCRA": Contender("pyrate-limiter", pyrate_gcra),
    "pyrate-limiter log": Contender("pyrate-limiter", pyrate_log),
    "steindamm": Contender("steindamm", steindamm),
    "throttled-py": Contender("throttled-py", throttled),
    "limits + sleep": Contender("limits", limits),
}
