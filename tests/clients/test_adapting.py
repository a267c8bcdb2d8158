"""`adapt=True`: a client whose limit is too high finds out by how much."""

from __future__ import annotations

import asyncio

import aiohttp
import httpx2
import pytest

from aiolimiter import (
    AdaptiveLimiter,
    AsyncLimiter,
    CombinedLimiter,
    KeyedLimiter,
    SlidingWindowLimiter,
)
from aiolimiter.aiohttp import RateLimitMiddleware
from aiolimiter.httpx2 import RateLimitTransport, event_hooks

from .scene import Server, Shared, now, until

PAGE = "https://api.example.com/page"


def transported(limit, server, **settings):
    """A client with the transport."""
    inner = httpx2.MockTransport(answering(server))
    return httpx2.AsyncClient(transport=RateLimitTransport(limit, inner, **settings))


def hooked(limit, server, **settings):
    """A client with the hooks."""
    return httpx2.AsyncClient(
        transport=httpx2.MockTransport(answering(server)),
        event_hooks=event_hooks(limit, **settings),
    )


def answering(server):
    async def answer(_):
        status, fields = await server.answer()
        return httpx2.Response(status, headers=fields)

    return answer


async def used(limit, server, make=transported, tasks=60, seconds=60):
    """Want more than there is, for a minute; return how much of it was taken."""
    async with make(limit, server, adapt=True) as client:
        request = client.build_request("GET", PAGE)
        await until(seconds, lambda: client.send(request), tasks)
    return server.taken / (seconds * server.rate)


@pytest.mark.parametrize("make", [transported, hooked])
@pytest.mark.parametrize("trip", [0.05, 0.1])
async def test_twice_too_fast_most_is_used(make, trip):
    """Twice too fast, whole seconds: 0.8 is used, 15 refused; by obeying, 0.36."""
    server = Server(told=False, trip=trip)
    limiter = AsyncLimiter(200, 1, burst=50)

    assert await used(limiter, server, make) >= 0.8
    assert server.refusals <= 15


@pytest.mark.parametrize(("factor", "refusals"), [(1.2, 15), (5, 60), (10, 170)])
async def test_whatever_the_factor_is_most_is_used(factor, refusals):
    """A fifth too fast or ten times: what is refused, it is at the beginning."""
    server = Server(told=False)

    assert await used(AsyncLimiter(100 * factor, 1, burst=20), server) >= 0.75
    assert server.refusals <= refusals


@pytest.mark.parametrize(
    # At 800 a second 40 are in flight when the first refusal comes.
    ("rate", "seconds", "tasks", "refusals"),
    [(5, 60, 20, 15), (800, 15, 100, 60)],
)
async def test_what_suits_one_rate_suits_another(rate, seconds, tasks, refusals):
    """Twice too fast, at 5 a second and at 800, most is used."""
    server = Server(rate, rate / 5, trip=0.05, told=False)
    limiter = AsyncLimiter(2 * rate, 1, burst=rate / 5)

    assert await used(limiter, server, tasks=tasks, seconds=seconds) >= 0.75
    assert server.refusals <= refusals


async def test_where_the_number_is_right_nothing_changes():
    """A limit that is as fast as the server is used whole, and nothing is refused."""
    server = Server(told=False)

    assert await used(AsyncLimiter(100, 1, burst=20), server) >= 0.99
    assert server.refusals == 0


async def test_a_server_that_says_what_is_left_is_believed_as_before():
    """A fifth too fast, with RateLimit: nothing is refused, and all is used."""
    server = Server()

    assert await used(AsyncLimiter(120, 1, burst=20), server) >= 0.97
    assert server.refusals <= 3


async def test_the_users_number_is_never_passed():
    """With a server that takes anything it is the user's number, also a new one."""
    server = Server(1e6, 1e6, trip=0, told=False)
    limiter = AsyncLimiter(50, 1, burst=1)
    async with transported(limiter, server, adapt=True) as client:
        await until(10, lambda: client.get(PAGE), 5)
        changed = now()
        limiter.max_rate = 10
        await until(changed + 10, lambda: client.get(PAGE), 5)
    first = [at for at in server.arrivals if at <= 10]
    second = [at for at in server.arrivals if at > changed]

    assert 450 <= len(first) <= 501
    assert 95 <= len(second) <= 106


async def test_who_else_uses_the_limit_hears_of_the_pause():
    """The pause is the limiter's, not only of the rate that is found out."""
    server = Server(1, 1, trip=0, told=False)
    limiter = AsyncLimiter(1000, 1)
    async with transported(limiter, server, adapt=True, resends=0) as client:
        await client.get(PAGE)
        assert (await client.get(PAGE)).status_code == 429

    assert limiter.try_acquire().retry_after > 0.9


async def test_a_cost_above_one_is_taken_of_both():
    """A request of 3 takes 3, also where a twentieth of a second holds less."""
    server = Server(1e6, 1e6, trip=0, told=False)
    limiter = AsyncLimiter(30, 10)
    async with transported(limiter, server, adapt=True, cost=3) as client:
        await asyncio.gather(*(client.get(PAGE) for _ in range(12)))

    assert now() >= (12 - 1) * 3 / 3 - 1e-6


@pytest.mark.parametrize(
    "limit",
    [
        KeyedLimiter(10),
        AdaptiveLimiter(10),
        CombinedLimiter(requests=AsyncLimiter(10)),
        Shared(10),
        lambda _: AsyncLimiter(10),
    ],
)
def test_only_one_limit_of_this_process_adapts(limit):
    """Where the limit is not one with a number, that is said at once."""
    with pytest.raises(TypeError, match=r"^adapt=True is for one limit of this "):
        RateLimitTransport(limit, adapt=True, tell="requests")


def test_a_cost_that_differs_can_not_be_adapted_to():
    """A cost that is a function has no rate of requests, which is said at once."""
    with pytest.raises(TypeError, match=r"^adapt=True needs a cost that is one "):
        RateLimitTransport(AsyncLimiter(10), adapt=True, cost=lambda _: 1)


def test_a_limit_that_is_none_can_not_be_adapted_to():
    """An infinite number is no ceiling."""
    with pytest.raises(ValueError, match=r"^max_rate must be "):
        RateLimitTransport(AsyncLimiter(float("inf")), adapt=True)


@pytest.mark.real_time
@pytest.mark.parametrize("limit", [AsyncLimiter, SlidingWindowLimiter])
async def test_aiohttp_adapts_too(site, limit):
    """Of a session that adapts the rate is cut by a refusal, once."""
    limited = RateLimitMiddleware(limit(100, 1), adapt=True)
    site.refuse(1, wait="0.01")
    async with (
        aiohttp.ClientSession(middlewares=(limited,)) as session,
        session.get(site.url) as answer,
    ):
        assert answer.status == 200

    # Four fifths of what it begins at, and what it has risen since.
    assert 40 <= limited._gate.adapting.pace.rate < 48
