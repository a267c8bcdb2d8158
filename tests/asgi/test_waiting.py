"""A request may wait for its turn: not long, and not in a crowd."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest

from aiolimiter import AsyncLimiter, CombinedLimiter, KeyedLimiter
from aiolimiter.asgi import RateLimitMiddleware

from .asking import ask, connection, hello, now


async def finish(app, **details):
    answer = await ask(app, **details)
    return answer.status, now()


async def test_a_request_waits_its_turn():
    """Within `max_wait` a request waits; beyond it is refused at once."""
    app = RateLimitMiddleware(hello, AsyncLimiter(1, 10), max_wait=20)
    done = await asyncio.gather(*(finish(app) for _ in range(4)))

    assert done == [(200, 0), (200, 10), (200, 20), (429, 0)]


async def test_who_has_waited_is_told_that_nothing_is_left():
    """After a wait, what is left is 0."""
    app = RateLimitMiddleware(hello, AsyncLimiter(1, 10), max_wait=20)
    await ask(app)

    assert (await ask(app))["ratelimit"] == '"default";r=0'


async def test_waiting_is_bounded_in_number_and_time():
    """Of a crowd only `max_waiting` wait, none longer than `max_wait`."""
    limit = AsyncLimiter(10, 1)
    app = RateLimitMiddleware(hello, limit, max_wait=2, max_waiting=5)
    done = await asyncio.gather(*(finish(app) for _ in range(10_000)))

    assert Counter(status for status, _ in done) == {200: 15, 429: 9_985}
    assert max(at for _, at in done) == pytest.approx(0.5)
    assert {at for status, at in done if status == 429} == {0}


async def test_clients_that_leave_while_they_wait_take_nothing():
    """Waits that are cancelled make room, in the crowd and in the limit."""
    limit = KeyedLimiter(1, 10)
    app = RateLimitMiddleware(hello, limit, max_wait=1e6, max_waiting=10_000)
    crowd = [asyncio.create_task(ask(app)) for _ in range(10_001)]
    await asyncio.sleep(1)
    assert await finish(app) == (429, 1)
    for waiting in crowd[1:]:
        waiting.cancel()
    await asyncio.sleep(0)

    assert await finish(app) == (200, 10)


async def test_a_wait_that_becomes_too_long_is_refused():
    """What happens meanwhile may make a wait hopeless; it ends by `max_wait`."""
    limit = AsyncLimiter(1, 10)
    app = RateLimitMiddleware(hello, limit, max_wait=12)
    await ask(app)
    waiting = asyncio.create_task(finish(app))
    await asyncio.sleep(1)
    limit.pause(100)

    status, at = await waiting
    assert (status, at <= 12) == (429, True)


async def test_several_limits_make_wait():
    """A request waits for several limits at once, too."""
    limit = CombinedLimiter(a=AsyncLimiter(1, 10), b=AsyncLimiter(1, 5))
    app = RateLimitMiddleware(hello, limit, max_wait=20, cost={"a": 1, "b": 1})

    assert [await finish(app), await finish(app)] == [(200, 0), (200, 10)]


async def test_a_cancelled_request_was_not_there():
    """A request that ends while it waits leaves no trace."""
    limit = AsyncLimiter(1, 10)
    app = RateLimitMiddleware(hello, limit, max_wait=100)
    await ask(app)
    task = asyncio.create_task(app(connection(), None, None))
    await asyncio.sleep(3)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)

    assert limit.statistics().waiting == app._gate._waiting == 0
