"""aiohttp: the middleware, with a real server."""

from __future__ import annotations

import asyncio
import io
import os
import time

import aiohttp
import pytest
import yarl

from aiolimiter import AsyncLimiter, CombinedLimiter, KeyedLimiter, RateLimitExceeded
from aiolimiter.aiohttp import RateLimitMiddleware, host

pytestmark = pytest.mark.real_time


def session_of(limit, *, timeout=None, connector=None, **settings):
    """A session whose requests pass the middleware."""
    limited = RateLimitMiddleware(limit, **settings)
    session = aiohttp.ClientSession(
        middlewares=(limited,), timeout=timeout, connector=connector
    )
    return session, limited._gate


async def test_requests_are_sent_at_the_rate(site):
    """A session with the middleware sends no faster than its limiter admits."""
    session, gate = session_of(AsyncLimiter(50, 1, burst=1))
    async with session:
        await asyncio.gather(*(session.get(site.url) for _ in range(6)))

    # The first may be late itself on a busy machine.
    assert site.span() >= 0.05
    assert [known.flights for known in gate._hearings.values()] == [0]


async def test_a_refusal_pauses_everybody_and_is_sent_again(site):
    """After a 429 nobody sends until its Retry-After is over."""
    site.refuse(1, wait="0.3")
    session, _ = session_of(AsyncLimiter(1000, 1))
    async with session:
        answers = await asyncio.gather(session.get(site.url), session.get(site.url))
        later = await session.get(site.url)

    assert [answer.status for answer in [*answers, later]] == [200] * 3
    assert len(site.seen) == 4
    assert site.seen[-1] - site.seen[0] >= 0.29


async def test_the_last_refusal_is_returned_not_raised(site):
    """When it was sent as often as allowed, the caller has the server's answer."""
    site.refuse(9, wait="0.01", body=b"too many")
    session, _ = session_of(AsyncLimiter(1000, 1))
    async with session, session.get(site.url) as answer:
        assert answer.status == 429
        assert await answer.read() == b"too many"

    assert len(site.seen) == 3


async def test_a_long_pause_is_returned_not_slept(site):
    """A pause above max_delay is the caller's to know."""
    site.refuse(1, wait="86400")
    session, _ = session_of(AsyncLimiter(1000, 1))
    async with session, session.get(site.url) as answer:
        assert answer.status == 429


async def test_a_generator_body_is_never_sent_twice(site):
    """A body that comes from a generator is not sent again, and never empty."""

    async def body():
        yield b"once"

    site.refuse(1, wait="0.01")
    session, _ = session_of(AsyncLimiter(1000, 1))
    async with session, session.post(site.url, data=body()) as answer:
        assert answer.status == 429

    assert site.bodies == [b"once"]


async def test_a_file_that_cannot_seek_is_not_resent(site):
    """A file that can't be read twice is sent once."""
    reader, writer = os.pipe()
    os.write(writer, b"once")
    os.close(writer)
    site.refuse(1, wait="0.01")
    session, _ = session_of(AsyncLimiter(1000, 1))
    with os.fdopen(reader, "rb") as pipe:
        async with session, session.post(site.url, data=pipe) as answer:
            assert answer.status == 429

    assert site.bodies == [b"once"]


@pytest.mark.parametrize(
    "make",
    [
        lambda: {"data": b"twice"},
        lambda: {"data": io.BytesIO(b"twice")},
        lambda: {"data": {"a": "twice"}},
        lambda: {"json": ["twice"]},
    ],
)
async def test_what_can_be_sent_again_is_the_same(site, make):
    """Bytes, forms and files that seek are sent again as they were."""
    site.refuse(1, wait="0.01")
    session, _ = session_of(AsyncLimiter(1000, 1))
    async with session, session.post(site.url, **make()) as answer:
        assert answer.status == 200

    assert site.bodies[0] == site.bodies[1]
    assert b"twice" in site.bodies[0]


async def test_a_503_post_is_not_resent_without_an_idempotency_key(site):
    """What the server may have begun is sent again only if that does no harm."""
    session, _ = session_of(AsyncLimiter(1000, 1))
    async with session:
        site.refuse(1, wait="0.01", status=503)
        assert (await session.post(site.url)).status == 503
        site.refuse(1, wait="0.01", status=503)
        fields = {"Idempotency-Key": "7"}
        assert (await session.post(site.url, headers=fields)).status == 200


async def test_a_refused_body_does_not_cost_a_connection(site):
    """The connection of a refusal that was sent again is used again."""
    site.refuse(20, wait="0.001", body=b"x" * 2000)
    session, _ = session_of(AsyncLimiter(1e5, 1), resends=100)
    async with session:
        assert (await session.get(site.url)).status == 200

    assert len(site.seen) == 21
    assert site.connections == 1


async def test_an_endless_refused_body_is_cut_off(site):
    """Of a refused body at most 64 kB is read; then its connection is closed."""
    site.refuse(1, wait="0.01", body=b"x" * 3_000_000)
    session, _ = session_of(AsyncLimiter(1000, 1))
    async with session:
        assert (await session.get(site.url)).status == 200

    assert site.connections == 2


async def test_redirects_and_auth_steps_count_each(site):
    """Each hop of a redirect takes one, and each step of a login."""
    limiter = AsyncLimiter(10, 1e9)
    limited = RateLimitMiddleware(limiter)
    digest = aiohttp.DigestAuthMiddleware("user", "secret")
    async with aiohttp.ClientSession(middlewares=(digest, limited)) as session:
        async with session.get(site.url / "away") as answer:
            assert answer.status == 200
        assert limiter.statistics().level == pytest.approx(2)
        async with session.get(site.url / "login") as answer:
            assert answer.status == 200

    assert limiter.statistics().level == pytest.approx(4)


async def test_no_connection_is_held_while_waiting(site):
    """A request that waits for its limit leaves the only connection to others."""
    connector = aiohttp.TCPConnector(limit=1)
    slow = AsyncLimiter(1, 3600)
    slow.restrict(0)
    session, _ = session_of(
        lambda request: slow if request.method == "POST" else None,
        connector=connector,
    )
    async with session:
        waiting = asyncio.create_task(session.post(site.url))
        await asyncio.sleep(0.02)
        assert (await session.get(site.url)).status == 200
        waiting.cancel()
        await asyncio.wait([waiting])

    assert slow.statistics().waiting == 0


async def test_total_of_aiohttp_covers_the_wait_and_leaves_nobody_queued(site):
    """The session's total ends a wait, and nobody is left in the queue."""
    limiter = AsyncLimiter(1, 3600)
    limiter.restrict(0)
    session, gate = session_of(limiter, timeout=aiohttp.ClientTimeout(total=0.1))
    began = time.monotonic()
    async with session:
        with pytest.raises(TimeoutError):
            await session.get(site.url)

    assert 0.05 <= time.monotonic() - began < 5
    assert limiter.statistics().waiting == 0
    assert gate.flying() == 0


async def test_a_wait_that_is_too_long_is_the_plain_error(site):
    """A refusal by max_wait is RateLimitExceeded."""
    session, _ = session_of(AsyncLimiter(1, 3600), max_wait=lambda _: 0.1)
    async with session:
        await session.get(site.url)
        with pytest.raises(RateLimitExceeded):
            await session.get(site.url)


async def test_flights_are_counted_out_on_every_exception(site):
    """A request that fails, or is cancelled, leaves nothing in flight."""
    session, gate = session_of(AsyncLimiter(1000, 1))
    async with session:
        nobody = site.url.with_port(1)
        with pytest.raises(aiohttp.ClientConnectorError):
            await session.get(nobody)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(session.get(site.url / "slow"), 0.05)

    assert gate.flying() == 0
    assert [known.flights for known in gate._hearings.values()] == [0]


async def test_a_response_is_closed_if_its_reading_fails(site):
    """When `believe` raises, the connection is given back, and the error raised."""

    def believe(status, fields, *, now):
        raise LookupError(fields["Content-Type"])

    session, _ = session_of(AsyncLimiter(1000, 1), believe=believe)
    async with session:
        with pytest.raises(LookupError, match="text/plain"):
            await session.get(site.url)

        assert session.connector._acquired == set()


async def test_a_websocket_handshake_is_limited_and_not_resent(site):
    """A websocket's handshake takes one, and is the caller's to repeat."""
    limiter = AsyncLimiter(10, 1e9)
    session, _ = session_of(limiter)
    async with session:
        async with session.ws_connect(site.url / "socket"):
            pass
        site.refuse(1, wait="0.01")
        with pytest.raises(aiohttp.WSServerHandshakeError):
            await session.ws_connect(site.url / "socket")

    assert len(site.seen) == 2


async def test_a_429_on_one_host_does_not_slow_another(site):
    """With a limit for each host a pause is of one."""
    limits = KeyedLimiter(10, 1)
    site.refuse(1, wait="60")
    session, _ = session_of(limits, resends=0)
    async with session:
        await session.get(site.url)
        await session.get(site.url.with_host("localhost"))
    port = site.url.port

    assert not limits[f"127.0.0.1:{port}"].has_capacity()
    assert limits[f"localhost:{port}"].has_capacity()


async def test_the_port_is_part_of_the_host():
    """An unusual port is a host of its own; case and the usual port are not."""
    loop = asyncio.get_running_loop()
    hosts = [
        host(aiohttp.ClientRequest("GET", yarl.URL(url), loop=loop))
        for url in ("http://A.example:80/", "http://a.example:8080", "https://[::1]:9/")
    ]

    assert hosts == ["a.example", "a.example:8080", "[::1]:9"]


async def test_a_combined_limiter_needs_tell():
    """Without tell, nobody knows which member a server speaks of."""
    with pytest.raises(TypeError, match="say which"):
        RateLimitMiddleware(CombinedLimiter(AsyncLimiter(1)))
