"""A server that is far away: connections take several trips, trips take long."""

from __future__ import annotations

import asyncio
import contextlib
import random
import time

import pytest
from redis.asyncio import Redis

from aiolimiter import BackendError
from aiolimiter._core.shared.slots import serve
from aiolimiter.redis import RedisKeyedLimiter, RedisLimiter

from . import engine
from .memory import Memory, process
from .replay import excess
from .test_courier import Client, call
from .wire import wire


class Distant(Memory):
    """A store whose trips take between *least* and *most* seconds, there and back."""

    def __init__(self, least: float, most: float) -> None:
        super().__init__()
        self._draw = random.Random(1)
        self._ways = least / 2, most / 2

    async def trip(self, request):
        """Serve half-way."""
        self.requests.append(request)
        await asyncio.sleep(self._draw.uniform(*self._ways))
        now = int((asyncio.get_running_loop().time() + self.ahead) * 1e6)
        changed, reply = serve(self.state, now, request)
        self.state = changed or self.state
        await asyncio.sleep(self._draw.uniform(*self._ways))
        return reply


async def saturate(limiters, tasks, seconds, clock):
    """Let all take what they can; when each was admitted, for each limiter."""
    end = clock() + seconds
    ran = [[] for _ in limiters]

    async def worker(place):
        with contextlib.suppress(Exception):
            while True:
                await limiters[place].acquire(max_wait=end - clock())
                if clock() > end:
                    return
                ran[place].append((clock(), 1.0))

    await asyncio.gather(*(worker(i) for i in range(len(ran)) for _ in range(tasks)))
    return ran


@pytest.mark.parametrize(
    ("least", "most", "worth"),
    [(0.3, 0.3, 0.9), (0.24, 0.36, 0.9), (0.02, 0.14, 0.95), (0.08, 0.08, 0.95)],
)
@pytest.mark.parametrize("burst", [1, 100])
@pytest.mark.parametrize("count", [1, 4])
async def test_a_fleet_reaches_its_rate_far_away(least, most, worth, burst, count):
    """Whatever the way and the burst, a fleet has 0.9 or 0.95 of its rate, in turns."""
    store = Distant(least, most)
    limiters = [process(store, 100, burst=burst) for _ in range(count)]
    loop = asyncio.get_running_loop()
    ran = await saturate(limiters, 200 // count, 20.0, loop.time)
    shares = list(map(len, ran))

    assert worth <= sum(shares) / (burst + 2000) <= 1.01
    assert min(shares) / max(shares) > 0.5


async def test_a_process_near_the_store_books_as_little_as_before():
    """Where a turn is longer than a trip, no turn becomes longer."""
    store = Distant(0.001, 0.01)
    limiters = [process(store, 100, burst=1) for _ in range(2)]
    await saturate(limiters, 50, 10.0, asyncio.get_running_loop().time)

    assert {request.quantum for request in store.requests} == {50_000}


async def test_a_quantum_that_is_not_needed_any_more_goes_back():
    """When others come who keep the bucket filled, turns become shorter again."""
    store = Distant(0.08, 0.08)
    limiters = [process(store, 100, burst=1) for _ in range(4)]
    clock = asyncio.get_running_loop().time
    await saturate(limiters[:1], 50, 10.0, clock)
    alone = store.requests[-1].quantum
    await saturate(limiters, 50, 10.0, clock)

    assert alone > 80_000
    assert max(r.quantum for r in store.requests[-4:]) < 70_000


async def test_the_first_trip_may_take_as_long_as_a_connection():
    """Where no connection is yet, a trip may take five times as long."""
    client = Client(way=4.9)
    assert await asyncio.gather(*call(client, "a", timeout=1.0)) == ["a"]


async def test_a_trip_may_take_as_long_as_ten():
    """What is far away may take ten times what it took, to connect once more."""
    client = Client(way=0.5)
    for _ in range(2):
        await asyncio.gather(*call(client, "a", timeout=1.0))
    client.way = 2.0
    assert await asyncio.gather(*call(client, "a", timeout=1.0)) == ["a"]

    client.way = 60.0
    (late,) = call(client, "a", timeout=1.0)
    with pytest.raises(TimeoutError, match=r"^did not answer within [5-9]"):
        await late


async def test_one_call_finds_out_whether_a_server_is_back():
    """While the server does not answer, one waits for it and others fail at once."""
    client = Client(way=3600)
    clock = asyncio.get_running_loop().time
    await asyncio.gather(*call(client, "a"), return_exceptions=True)
    # It has just failed: nobody asks.
    failed = clock()
    ends = await asyncio.gather(*call(client, "b"), return_exceptions=True)
    assert isinstance(ends[0], TimeoutError)
    assert clock() == failed
    # Later one does, and only one.
    await asyncio.sleep(0.1)
    client.way = 2.0
    (probe,) = call(client, "c")
    await asyncio.sleep(0.1)
    ends = await asyncio.gather(*call(client, "d", "e"), return_exceptions=True)
    assert {type(end) for end in ends} == {type(ends[0])}
    assert clock() == pytest.approx(failed + 0.2, abs=0.01)
    assert await probe == "c"
    assert await asyncio.gather(*call(client, "f", "g")) == ["f", "g"]


async def test_what_fails_at_once_is_not_away():
    """One connection that breaks at once keeps no other call from being tried."""
    client = Client()
    client.error = OSError("cut")
    await asyncio.gather(*call(client, "a"), return_exceptions=True)
    client.error = None

    assert await asyncio.gather(*call(client, "b", "c")) == ["b", "c"]


@pytest.mark.real_time
async def test_a_server_200_ms_away_is_connected_to(own, name):
    """With the usual timeout, 40 acquires of 5 keys at 200 ms there and back run."""
    with engine.short_directory() as directory:
        path = directory / "w"
        async with (
            wire(own.socket, path) as line,
            Redis(unix_socket_path=str(path)) as client,
        ):
            line.way = lambda: 0.1
            limits = RedisKeyedLimiter(client, name, 100, 1)
            start = time.monotonic()
            for _ in range(2):
                waiting = [limits[key].acquire() for key in range(5) for _ in range(4)]
                await asyncio.gather(*waiting)
            assert time.monotonic() - start < 5


@pytest.mark.real_time
@pytest.mark.parametrize(
    ("least", "most", "worth"), [(0.3, 0.3, 0.9), (0.02, 0.14, 0.95)]
)
async def test_a_real_fleet_reaches_its_rate_far_away(own, name, least, most, worth):
    """Four clients of a real server behind a slow line get the rate, and not more."""
    draw = random.Random(1)
    with engine.short_directory() as directory:
        path = directory / "w"
        async with contextlib.AsyncExitStack() as stack:
            line = await stack.enter_async_context(wire(own.socket, path))
            line.way = lambda: draw.uniform(least / 2, most / 2)
            limiters = []
            for _ in range(4):
                client = Redis(unix_socket_path=str(path))
                await stack.enter_async_context(client)
                limiters.append(RedisLimiter(client, name, 100, 1, burst=5))
            # Connections are made before it counts.
            await asyncio.gather(*(limiter.statistics() for limiter in limiters))
            ran = await saturate(limiters, 50, 6.0, time.monotonic)
    everything = sorted(entry for one in ran for entry in one)

    assert len(everything) >= worth * (5 + 6.0 * 100)
    # What is late by a part of a trip may come together.
    assert excess(everything, 100, 5) <= 1 + 100 * 0.05


@pytest.mark.real_time
async def test_a_server_that_does_not_answer_is_an_error_soon(own, name):
    """A frozen server costs the first caller of all keys five deadlines, no other."""
    async with Redis(unix_socket_path=str(own.socket)) as client:
        limits = RedisKeyedLimiter(client, name, 10, 1, timeout=0.1)
        own.freeze()
        start = time.monotonic()
        for key in range(20):
            with pytest.raises(BackendError):
                await limits[key].acquire()
        own.thaw()

        assert 0.4 < time.monotonic() - start < 2.0
        await asyncio.sleep(0.3)
        await limits["new"].acquire()
