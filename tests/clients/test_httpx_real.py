"""httpx and httpx2: what only a real server shows."""

from __future__ import annotations

import asyncio
import importlib
import io

import httpx2
import pytest

import aiolimiter.httpx2
from aiolimiter import AsyncLimiter

pytestmark = pytest.mark.real_time


@pytest.fixture(params=["httpx2", "httpx"])
def lib(request):
    """The library."""
    return importlib.import_module(request.param)


@pytest.fixture
def edge(lib):
    """The module of ours that binds it."""
    return importlib.import_module(f"aiolimiter.{lib.__name__}")


class Once(io.BytesIO):
    """A file that can't seek."""

    def seek(self, *_):
        raise io.UnsupportedOperation


def client_of(lib, edge, limit, inner=None, **settings):
    """A client with the transport, and the gate in it."""
    transport = edge.RateLimitTransport(limit, inner, **settings)
    return lib.AsyncClient(transport=transport), transport._gate


async def test_a_refused_body_does_not_cost_a_connection(site, lib, edge):
    """The connection of a refusal that was sent again is used again."""
    site.refuse(20, wait="0.001", body=b"x" * 2000)
    client, _ = client_of(lib, edge, AsyncLimiter(1e5, 1), resends=100)
    async with client:
        assert (await client.get(str(site.url))).text == "welcome"

    assert len(site.seen) == 21
    assert site.connections == 1


async def test_an_endless_refused_body_is_cut_off(site, lib, edge):
    """Of a refused body at most 64 kB is read; then its connection is closed."""
    site.refuse(1, wait="0.01", body=b"x" * 3_000_000)
    client, _ = client_of(lib, edge, AsyncLimiter(1000, 1))
    async with client:
        assert (await client.get(str(site.url))).status_code == 200

    assert site.connections == 2


async def test_the_last_refusal_can_be_read(site, lib, edge):
    """A refusal that is returned is unread, as it came."""
    site.refuse(1, wait="0.01", body=b"too many")
    client, _ = client_of(lib, edge, AsyncLimiter(1000, 1), resends=0)
    async with client, client.stream("GET", str(site.url)) as answer:
        assert not answer.is_closed
        assert await answer.aread() == b"too many"


@pytest.mark.parametrize(
    "body",
    [
        {"content": b"twice"},
        {"data": {"a": "twice"}},
        {"json": ["twice"]},
    ],
)
async def test_what_can_be_sent_again_is_the_same(site, lib, edge, body):
    """What is in memory is sent again as it was."""
    site.refuse(1, wait="0.01")
    client, _ = client_of(lib, edge, AsyncLimiter(1000, 1))
    async with client:
        assert (await client.post(str(site.url), **body)).status_code == 200

    assert site.bodies[0] == site.bodies[1]
    assert b"twice" in site.bodies[0]


async def test_a_file_that_cannot_seek_is_not_resent(site, lib, edge):
    """A file that can't be read twice is sent once."""
    site.refuse(1, wait="0.01")
    client, _ = client_of(lib, edge, AsyncLimiter(1000, 1))
    async with client:
        answer = await client.post(str(site.url), files={"f": Once(b"once")})

    assert answer.status_code == 429
    assert len(site.bodies) == 1
    assert b"once" in site.bodies[0]


async def test_no_connection_is_held_while_waiting(site, lib, edge):
    """A request that waits for its limit leaves the only connection to others."""
    slow = AsyncLimiter(1, 3600)
    slow.restrict(0)
    inner = lib.AsyncHTTPTransport(limits=lib.Limits(max_connections=1))
    client, gate = client_of(
        lib, edge, lambda request: slow if request.method == "POST" else None, inner
    )
    async with client:
        waiting = asyncio.create_task(client.post(str(site.url)))
        await asyncio.sleep(0.02)
        assert (await client.get(str(site.url))).status_code == 200
        waiting.cancel()
        await asyncio.wait([waiting])

    assert slow.statistics().waiting == 0
    assert gate.flying() == 0


async def test_httpx_timeouts_do_not(site, lib, edge):
    """A wait for the limit is no time of the client's: no timeout of it ends one."""
    limiter = AsyncLimiter(1, 1)
    client, _ = client_of(lib, edge, limiter)
    async with client:
        await client.get(str(site.url), timeout=0.8)
        await client.get(str(site.url), timeout=0.8)

    # Longer than the timeouts; the first may be late itself on a busy machine.
    assert site.span() > 0.8


async def test_flights_are_counted_out_on_every_exception(site, lib, edge):
    """Nobody there, no head in time, cancelled, then or later: nothing flies on."""
    client, gate = client_of(lib, edge, AsyncLimiter(1000, 1))
    async with client:
        with pytest.raises(lib.ConnectError):
            await client.get(str(site.url.with_port(1)))
        with pytest.raises(lib.ReadTimeout):
            await client.get(str(site.url / "slow"), timeout=0.05)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(client.get(str(site.url / "slow")), 0.05)
        async with client.stream("GET", str(site.url / "drip")) as answer:
            # It has landed with its head, and is not counted twice.
            assert gate.flying() == 0
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(answer.aread(), 0.05)

    assert gate.flying() == 0
    assert [known.flights for known in gate._hearings.values()] == [0]


async def test_a_websocket_handshake_is_limited_and_not_resent(site):
    """A websocket's handshake takes one, and is the caller's to repeat."""
    limiter = AsyncLimiter(10, 1e9)
    client, gate = client_of(httpx2, aiolimiter.httpx2, limiter)
    socket = str(site.url / "socket").replace("http", "ws")
    async with client:
        async with client.websocket(socket):
            assert limiter.statistics().level == pytest.approx(1)
        site.refuse(1, wait="0.01")
        with pytest.raises(Exception, match="429"):
            async with client.websocket(socket):
                pass

    assert len(site.seen) == 2
    assert gate.flying() == 0


async def test_hooks_keep_the_proxies_of_the_environment(lib, edge, monkeypatch):
    """A client with hooks has its proxies; one with a transport has none."""
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    limiter = AsyncLimiter(1000, 1)
    async with lib.AsyncClient(event_hooks=edge.event_hooks(limiter)) as client:
        assert client._mounts
    client, _ = client_of(lib, edge, limiter)
    async with client:
        assert not client._mounts
