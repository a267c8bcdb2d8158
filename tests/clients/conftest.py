"""A real server on 127.0.0.1, for the tests of every client."""

from __future__ import annotations

import asyncio

import pytest
import yarl
from aiohttp import web


class Site:
    """
    A site that can refuse, and remembers what it saw.

    Attributes:
        seen: When requests came, on the loop's clock.
        bodies: What was in them.
        connections: How many connections there were.
    """

    def __init__(self) -> None:
        self.seen: list[float] = []
        self.bodies: list[bytes] = []
        self.connections = 0
        self.url = yarl.URL()
        self._refusals: list[web.Response] = []
        self._peers: set[object] = set()

    def refuse(self, times, *, wait, status=429, body=b""):
        """Refuse the next requests so many *times*."""
        self._refusals += [
            web.Response(status=status, body=body, headers={"Retry-After": wait})
            for _ in range(times)
        ]

    def span(self) -> float:
        """Seconds between the first request and the last."""
        return self.seen[-1] - self.seen[0]

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Answer a request."""
        self.seen.append(asyncio.get_running_loop().time())
        if request.transport not in self._peers:
            self._peers.add(request.transport)
            self.connections += 1
        self.bodies.append(await request.read())
        if self._refusals:
            return self._refusals.pop(0)
        if request.path == "/away":
            raise web.HTTPFound(location="/")
        if request.path == "/slow":
            await asyncio.sleep(10)
        if request.path == "/login" and "Authorization" not in request.headers:
            digest = {"WWW-Authenticate": 'Digest realm="r", nonce="n", qop="auth"'}
            return web.Response(status=401, headers=digest)
        if request.path == "/drip":
            drip = web.StreamResponse()
            await drip.prepare(request)
            await drip.write(b"wel")
            await asyncio.sleep(10)
        if request.path == "/socket":
            socket = web.WebSocketResponse()
            await socket.prepare(request)
            async for _ in socket:
                pass
            return socket
        return web.Response(text="welcome")


@pytest.fixture
async def site():
    """A site of our own."""
    site = Site()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", site.answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    site.url = yarl.URL(f"http://127.0.0.1:{runner.addresses[0][1]}/")
    yield site
    await runner.cleanup()
