"""A request's cost can be settled when it is known: after the response."""

from __future__ import annotations

import asyncio

import pytest

from aiolimiter import (
    AsyncLimiter,
    CombinedLimiter,
    KeyedLimiter,
    KeyedSlidingWindowLimiter,
    SlidingWindowLimiter,
)
from aiolimiter.asgi import RateLimitMiddleware

from ..fleet.memory import Memory, process
from .asking import ask, connection, hello, now


def costing(actual, seconds=0.0):
    """An application that knows what it has cost when it has answered."""

    async def app(scope, receive, send):
        await hello(scope, receive, send)
        await asyncio.sleep(seconds)
        scope["aiolimiter"].settle(actual)

    return app


LIMITS = [
    AsyncLimiter,
    SlidingWindowLimiter,
    KeyedLimiter,
    KeyedSlidingWindowLimiter,
    lambda *limit: KeyedLimiter(*limit, max_keys=9),
]


@pytest.mark.parametrize("make", LIMITS)
@pytest.mark.parametrize(("estimate", "actual"), [(40, 10), (40, 40), (40, 70), (0, 7)])
async def test_a_cost_is_settled_after_the_response(make, estimate, actual):
    """What the application says in the end is what a request has cost."""
    limiter = make(100, 60)
    app = RateLimitMiddleware(costing(actual), limiter, cost=estimate, settle=True)
    answer = await ask(app)

    assert answer.status == 200
    assert answer.read("ratelimit") == [("default", {"r": 100 - estimate})]
    assert limiter.statistics().level == actual


@pytest.mark.parametrize("make", LIMITS)
async def test_an_estimate_that_is_not_settled_stays(make):
    """Also when the application fails: what was done may have cost it."""

    async def app(scope, receive, send):
        raise KeyError

    limiter = make(100, 60)
    limited = RateLimitMiddleware(app, limiter, cost=40, settle=True)
    with pytest.raises(KeyError):
        await ask(limited)

    assert limiter.statistics().level == 40


async def test_a_debt_is_waited_for():
    """What was more than the limit holds is waited for by those who come next."""
    limiter = AsyncLimiter(10, 10)
    app = RateLimitMiddleware(costing(25), limiter, cost=0, settle=True)
    answers = [await ask(app), await ask(app)]
    await asyncio.sleep(int(answers[1]["retry-after"]))

    assert [answer.status for answer in answers] == [200, 429]
    assert answers[1]["retry-after"] in {"15", "16"}
    assert (await ask(app)).status == 200


async def test_what_leaked_meanwhile_does_not_come_back():
    """Settling down gives back what the bucket would have without the rest."""
    limiter = AsyncLimiter(10, 10)
    app = RateLimitMiddleware(costing(0, seconds=6), limiter, cost=4, settle=True)
    first = asyncio.create_task(ask(app))
    await asyncio.sleep(5)
    limiter.try_acquire(9)
    await first

    assert limiter.statistics().level == pytest.approx(8)


async def test_after_the_response_of_the_middleware_it_is_too_late():
    """Once the application has returned, nothing can be settled."""
    scopes = []

    async def app(scope, receive, send):
        scopes.append(scope)

    await ask(RateLimitMiddleware(app, AsyncLimiter(5), settle=True))

    with pytest.raises(RuntimeError, match=r"^can't settle: its block is left; "):
        scopes[0]["aiolimiter"].settle(1)


async def test_an_open_settlement_slows_nobody_afterwards():
    """When all have returned, the limiter goes its quick way again."""
    limiter = AsyncLimiter(5, 60)
    app = RateLimitMiddleware(hello, limiter, settle=True)
    await ask(app)

    assert limiter._line.meter.quiet


async def test_what_is_not_limited_settles_as_well():
    """The application need not know what of it is limited."""
    key = {"/free": None}.get
    app = RateLimitMiddleware(
        costing(3), KeyedLimiter(2), key=lambda s: key(s["path"], 1), settle=True
    )
    skipped = RateLimitMiddleware(costing(3), AsyncLimiter(1), settle=True, skip="/")
    wrong = RateLimitMiddleware(costing(-3), AsyncLimiter(1), settle=True, skip="/")

    assert [(await ask(app, "/free")).status for _ in range(3)] == [200] * 3
    assert [(await ask(skipped)).status for _ in range(3)] == [200] * 3
    with pytest.raises(ValueError, match=r"^actual must"):
        await ask(wrong)


async def test_several_costs_are_settled_by_name():
    """For several limits each may be told what it was."""

    async def app(scope, receive, send):
        await hello(scope, receive, send)
        scope["aiolimiter"].settle(tokens=55)

    tokens, requests = AsyncLimiter(100), AsyncLimiter(9)
    limit = CombinedLimiter(requests=requests, tokens=tokens)
    limited = RateLimitMiddleware(
        app, limit, cost={"requests": 1, "tokens": 60}, settle=True
    )

    assert (await ask(limited))["ratelimit"] == '"default";r=8'
    assert (tokens.statistics().level, requests.statistics().level) == (55, 1)
    assert (await ask(limited)).status == 429


async def test_a_shared_limit_is_settled_by_awaiting():
    """A shared limiter is told with a trip; where nothing was taken with none."""

    async def app(scope, receive, send):
        await hello(scope, receive, send)
        await scope["aiolimiter"].settle(1)

    limiter = process(Memory(), 10, 60)
    limited = RateLimitMiddleware(
        app, limiter, cost=6, settle=True, skip="/health", max_wait=1
    )
    answers = [await ask(limited) for _ in range(4)]

    assert [answer.status for answer in answers] == [200] * 4
    assert answers[0]["ratelimit"] == '"default";r=4'
    assert (await limiter.statistics()).level == pytest.approx(4)
    assert (await ask(limited, "/health")).status == 200


@pytest.mark.parametrize(("opened", "status"), [(None, 503), ("open", 200)])
async def test_a_store_outage_is_503_or_open_with_settling_too(opened, status):
    """While the store is away nothing is taken, and settling changes nothing."""

    async def app(scope, receive, send):
        await hello(scope, receive, send)
        await scope["aiolimiter"].settle(1)

    store = Memory()
    store.error = ConnectionError("away")
    limited = RateLimitMiddleware(
        app, process(store, 10, 60), settle=True, on_outage=opened
    )

    assert (await ask(limited)).status == status


async def test_a_request_waits_for_its_estimate():
    """With `max_wait` an estimate may wait for its turn, not in too large a crowd."""
    app = RateLimitMiddleware(
        costing(1), AsyncLimiter(1, 10), settle=True, max_wait=20, max_waiting=1
    )

    async def finish():
        return (await ask(app)).status, now()

    done = await asyncio.gather(*(finish() for _ in range(3)))

    assert done == [(200, 0), (200, 10), (429, 0)]


async def test_a_wait_for_an_estimate_that_is_cancelled_takes_nothing():
    """Who leaves while it waits leaves no trace."""
    limit = AsyncLimiter(1, 10)
    app = RateLimitMiddleware(hello, limit, settle=True, max_wait=100)
    await ask(app)
    task = asyncio.create_task(app(connection(), None, None))
    await asyncio.sleep(3)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)

    assert limit.statistics().waiting == app._gate._waiting == 0
    assert limit._line.meter.quiet


async def test_the_innermost_is_settled():
    """Of several that may be settled the application finds its nearest."""
    outer, inner = AsyncLimiter(9, 60), AsyncLimiter(9, 60)
    app = RateLimitMiddleware(costing(5), inner, cost=2, settle=True)
    answer = await ask(RateLimitMiddleware(app, outer, cost=3, settle=True))

    assert answer.status == 200
    assert (outer.statistics().level, inner.statistics().level) == (3, 5)
    assert outer._line.meter.quiet


async def test_a_flood_of_keys_that_may_settle_is_bounded():
    """A key is remembered while it may be settled; a flood does not fill memory."""
    limit = KeyedLimiter(1, 3600, max_keys=500)
    app = RateLimitMiddleware(hello, limit, settle=True)
    for n in range(5000):
        await ask(app, client=f"10.{n // 250}.{n % 250}.1")
        # Some that were settled a moment ago are still looked after.
        assert len(limit) <= 500 + 16
