"""What users of a fleet write, as type checkers see it; it is never run."""

from __future__ import annotations

from typing import assert_type

import redis.asyncio
import valkey.asyncio

from aiolimiter import Decision, LimiterStatistics
from aiolimiter.local import FileLimiter
from aiolimiter.redis import RedisKeyedLimiter, RedisLimiter


async def clients(sentinel: redis.asyncio.Sentinel) -> list[RedisLimiter]:
    """Every client that the guide names is one."""
    return [
        RedisLimiter(redis.asyncio.Redis(), "name", 10, 60),
        RedisLimiter(redis.asyncio.RedisCluster(host="node"), "name", 10),
        RedisLimiter(sentinel.master_for("main"), "name", [(10, 1), (100, 60)]),
        RedisLimiter(valkey.asyncio.Valkey(), "name", 10, burst=5, timeout=0.5),
        RedisLimiter(valkey.asyncio.ValkeyCluster(host="node"), "name", 10),
    ]


async def changed(limiter: RedisLimiter | FileLimiter) -> None:
    """A limit is changed by names, all or some or none."""
    await limiter.change(max_rate=5, time_period=1.0, burst=3)
    await limiter.change()
    await limiter.change(5)  # type: ignore[call-arg]  # by name only
    assert_type((await limiter.statistics()).burst, float)


async def verbs(limiter: RedisLimiter | FileLimiter) -> None:
    """The verbs that need the store are awaited."""
    async with limiter:
        pass
    await limiter.acquire(2, max_wait=1.5)
    assert_type(await limiter.try_acquire(), Decision)
    assert_type(await limiter.has_capacity(3), bool)
    statistics: LimiterStatistics = await limiter.statistics()
    assert_type(statistics.level, float)
    await limiter.pause(30)
    await limiter.restrict(5)
    async with limiter.reserve(900) as reservation:
        await reservation.settle(650)
        assert_type(reservation.amount, float)


def decorated(limiter: RedisLimiter, keyed: RedisKeyedLimiter) -> None:
    """A decorated function keeps its signature."""

    @limiter
    async def fetch(url: str) -> bytes:
        return url.encode()

    @keyed["ann"]
    async def send(text: str) -> int:
        return len(text)

    assert_type(fetch("url").close(), None)
    assert_type(send("text").close(), None)
    fetch(1).close()  # type: ignore[arg-type]


def mistakes(client: redis.asyncio.Redis) -> None:
    """A policy that is none is found without running."""
    RedisLimiter(client, "name", 10, on_error="never")  # type: ignore[arg-type]
