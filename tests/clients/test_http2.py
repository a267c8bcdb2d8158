"""httpx and httpx2 over HTTP/2, with a real server."""

from __future__ import annotations

import asyncio
import importlib
import socket

import pytest
from hypercorn.asyncio import serve
from hypercorn.config import Config

from aiolimiter import AsyncLimiter

pytestmark = pytest.mark.real_time


@pytest.fixture(params=["httpx2", "httpx"])
def lib(request):
    """The library, with HTTP/2."""
    pytest.importorskip("h2", reason="NOT RUN: no h2: pip install 'httpx2[http2]'")
    return importlib.import_module(request.param)


class Streams:
    """
    An application that notes when its streams came, and over which connections.

    Attributes:
        seen: When they came.
        peers: The connections, as what is at their other ends.
        versions: Which versions of HTTP they spoke.
    """

    def __init__(self):
        self.seen, self.peers, self.versions = [], set(), set()
        self._refusals = 0

    def refuse(self, times):
        """Refuse the next streams so many *times*."""
        self._refusals = times

    async def __call__(self, scope, receive, send):
        assert scope["type"] == "http", "asks whether there is a lifespan: none"
        self.seen.append(asyncio.get_running_loop().time())
        self.peers.add(scope["client"])
        self.versions.add(scope["http_version"])
        head = {"type": "http.response.start", "status": 200, "headers": []}
        if self._refusals:
            self._refusals -= 1
            head |= {"status": 429, "headers": [(b"retry-after", b"1")]}
        await send(head)
        await send({"type": "http.response.body", "body": b"welcome"})


@pytest.fixture
async def streams():
    """Streams that are served."""
    streams = Streams()
    config = Config()
    # It owns the descriptor it is given.
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    streams.url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
    config.bind = [f"fd://{listener.detach()}"]
    config.errorlog = None
    over = asyncio.Event()
    serving = asyncio.create_task(serve(streams, config, shutdown_trigger=over.wait))
    yield streams
    over.set()
    await serving


def client_of(lib, limiter):
    """A client that speaks nothing else."""
    edge = importlib.import_module(f"aiolimiter.{lib.__name__}")
    inner = lib.AsyncHTTPTransport(http1=False, http2=True, retries=20)
    return lib.AsyncClient(transport=edge.RateLimitTransport(limiter, inner))


async def test_http2_streams_are_limited_one_by_one(streams, lib):
    """Streams of one connection wait for their turns, each for its own."""
    async with client_of(lib, AsyncLimiter(50, 1, burst=1)) as client:
        answers = await asyncio.gather(*(client.get(streams.url) for _ in range(6)))

    assert [answer.status_code for answer in answers] == [200] * 6
    assert streams.versions == {"2"}
    assert len(streams.peers) == 1
    # The first may be late itself on a busy machine.
    assert streams.seen[-1] - streams.seen[0] >= 0.05


async def test_a_refused_stream_is_sent_again_on_its_connection(streams, lib):
    """A refusal over HTTP/2 costs a stream, and not the connection."""
    streams.refuse(1)
    async with client_of(lib, AsyncLimiter(1000, 1)) as client:
        answer = await client.get(streams.url)

    assert answer.status_code == 200
    assert len(streams.peers) == 1
    assert streams.seen[1] - streams.seen[0] >= 0.9
