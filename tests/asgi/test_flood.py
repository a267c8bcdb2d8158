"""A flood of strangers: no request costs more than one did before it, nor memory."""

from __future__ import annotations

import tracemalloc

import pytest

from aiolimiter import KeyedLimiter, KeyedSlidingWindowLimiter
from aiolimiter.asgi import RateLimitMiddleware

from ..steps import counted
from .asking import ask, connection, hello


def stranger(n: int) -> str:
    return f"10.{n >> 16}.{n >> 8 & 255}.{n & 255}"


async def nothing(message) -> None:
    """Send nothing."""


async def come(app, first: int, last: int) -> list[int]:
    """Steps of each request of so many strangers."""
    each = []
    for n in range(first, last):
        scope = connection(client=stranger(n))
        with counted() as steps:
            await app(scope, None, nothing)
        each.append(steps.count)
    return each


async def flooded(limit, strangers: int) -> list[int]:
    """Steps of each of the next requests, after so many others."""
    app = RateLimitMiddleware(hello, limit)
    for n in range(strangers):
        await app(connection(client=stranger(n)), None, nothing)
    return await come(app, strangers, strangers + 500)


@pytest.mark.parametrize("make", [KeyedLimiter, KeyedSlidingWindowLimiter])
async def test_a_stranger_costs_as_many_steps_after_a_flood_as_before(make):
    """Sixteen times the clients, kept and come, cost no request more."""
    few = await flooded(make(1, 3600, max_keys=125), 500)
    many = await flooded(make(1, 3600, max_keys=2000), 8000)

    assert sum(many) < 1.1 * sum(few)
    assert max(many) < 1.5 * max(few)


async def test_a_flood_of_keys_is_bounded():
    """Clients that come once and never again do not fill the memory."""
    limit = KeyedLimiter(1, 3600, max_keys=250)
    # `client_address` keeps a few thousand addresses, which would be in the way.
    app = RateLimitMiddleware(hello, limit, key=lambda scope: scope["client"][0])
    sizes = []
    tracemalloc.start()
    for n in range(8000):
        await app(connection(client=stranger(n)), None, nothing)
        assert len(limit) <= 250
        if n % 2000 == 1999:
            sizes.append(tracemalloc.get_traced_memory()[0])
    tracemalloc.stop()

    assert max(sizes[1:]) < 1.05 * sizes[0]


async def test_a_flood_does_not_drive_out_who_has_used_up_its_limit():
    """Those nearest to new go first; who owes the most is still refused."""
    limit = KeyedLimiter(5, 3600, max_keys=500)
    app = RateLimitMiddleware(hello, limit)
    for _ in range(5):
        await ask(app, client="192.0.2.7")
    for n in range(5000):
        await app(connection(client=stranger(n)), None, nothing)

    assert (await ask(app, client="192.0.2.7")).status == 429


async def test_rotating_the_addresses_of_one_network_is_no_way_round():
    """Whoever has a network of IPv6 is one client, whatever address it takes."""
    limit = KeyedLimiter(3, 3600)
    app = RateLimitMiddleware(hello, limit)
    statuses = [
        (await ask(app, client=f"2001:db8:0:7:{n:x}::{n:x}")).status
        for n in range(1, 1000)
    ]

    assert statuses.count(200) == 3
    assert len(limit) == 1


async def test_a_flood_of_handshakes_is_refused():
    """Handshakes of one client count as its requests do, and are not accepted."""
    app = RateLimitMiddleware(hello, KeyedLimiter(3, 3600))
    await ask(app)
    extensions = {"websocket.http.response": {}}
    answers = [
        await ask(app, kind="websocket", extensions=extensions) for _ in range(1000)
    ]

    accepted = [a for a in answers if a.messages[0]["type"] == "websocket.accept"]
    assert len(accepted) == 2
    assert {a.status for a in answers[2:]} == {429}
