"""
What a limit costs a client of HTTP: CPU time of a request, beside the bare client.

The server answers ``RateLimit`` and runs in a process of its own.  Each client
makes its requests in short turns with all others of its library; the best turn
of each counts, since what disturbs only ever adds.  What ours adds is small beside
that, so it is measured alone as well: from before a request to after its response.

    python -m benchmarks.clients
"""

from __future__ import annotations

import asyncio
import importlib
import platform
import sys
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from importlib.metadata import version
from time import process_time
from typing import Any

from aiohttp import web

from aiolimiter import AsyncLimiter, headers
from aiolimiter._http.gate import Gate
from benchmarks.peers import PINS, directory

TURNS, REQUESTS = 60, 40
PEERS = ("pyrate-limiter", "httpx-limiter")
HEAD = [
    (b"RateLimit", b'"default";r=50;t=1'),
    (b"Content-Type", b"text/plain; charset=utf-8"),
    (b"Content-Length", b"7"),
    (b"Date", b"Thu, 26 Nov 2026 02:00:00 GMT"),
    (b"Server", b"Python/3.11 aiohttp/3.14"),
]
Get = Callable[[], Awaitable[object]]


async def serve() -> None:
    """Answer until the standard input is closed."""

    async def answer(_: web.Request) -> web.Response:
        return web.Response(text="welcome", headers={"RateLimit": '"default";r=50;t=1'})

    app = web.Application()
    app.router.add_get("/", answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    print(runner.addresses[0][1], flush=True)
    await asyncio.to_thread(sys.stdin.read)
    await runner.cleanup()


def unlimited() -> AsyncLimiter:
    # It is never full, so what is measured is the way through it.
    return AsyncLimiter(1e9, 1)


# The peers' transports: they wait, and read no response.
def of_pyrate(name: str) -> Any:
    import pyrate_limiter as pyrate

    extra: Any = importlib.import_module(f"pyrate_limiter.extras.{name}_limiter")
    never_full: Any = pyrate.Limiter(pyrate.Rate(10**9, pyrate.Duration.SECOND))
    if name == "aiohttp":
        return extra.RateLimitedSession(never_full)
    return extra.AsyncRateLimiterTransport(never_full)


def of_httpx_limiter() -> Any:
    import httpx_limiter
    from httpx_limiter.pyrate import PyrateAsyncLimiter

    return httpx_limiter.AsyncRateLimitedTransport.create(
        limiter=PyrateAsyncLimiter.create(httpx_limiter.Rate.create(10**9, 1)),
    )


async def of_httpx(name: str, url: str, stack: AsyncExitStack) -> dict[str, Get]:
    lib: Any = importlib.import_module(name)
    edge: Any = importlib.import_module(f"aiolimiter.{name}")
    transport = edge.RateLimitTransport
    hooks = edge.event_hooks(unlimited())
    ways: dict[str, dict[str, Any]] = {
        "bare": {},
        "limits": {"transport": transport(unlimited(), believe=None)},
        "believes": {"transport": transport(unlimited())},
        "hooks, believes": {"event_hooks": hooks},
        "pyrate-limiter": {"transport": of_pyrate(name)},
    }
    if name == "httpx":
        ways["httpx-limiter"] = {"transport": of_httpx_limiter()}
    gets: dict[str, Get] = {}
    for way, settings in ways.items():
        client = await stack.enter_async_context(lib.AsyncClient(**settings))
        gets[way] = lambda client=client: client.get(url)
    return gets


async def of_aiohttp(url: str, stack: AsyncExitStack) -> dict[str, Get]:
    import aiohttp

    from aiolimiter.aiohttp import RateLimitMiddleware

    async def nothing(request: Any, handler: Any) -> Any:
        return await handler(request)

    ways: dict[str, tuple[Any, ...]] = {
        "bare": (),
        "a middleware that does nothing": (nothing,),
        "limits": (RateLimitMiddleware(unlimited(), believe=None),),
        "believes": (RateLimitMiddleware(unlimited()),),
    }
    gets: dict[str, Get] = {}
    for way, middlewares in ways.items():
        session = aiohttp.ClientSession(middlewares=middlewares)
        session = await stack.enter_async_context(session)

        async def get(session: aiohttp.ClientSession = session) -> None:
            async with session.get(url) as response:
                await response.read()

        gets[way] = get
    peer = of_pyrate("aiohttp")
    stack.push_async_callback(peer._session.close)  # noqa: SLF001 -- no other way

    async def get_by_peer() -> None:
        async with await peer.get(url) as response:
            await response.read()

    gets["pyrate-limiter"] = get_by_peer
    return gets


def of_nothing() -> dict[str, Get]:
    def way(believe: Any) -> Get:
        gate: Gate[None] = Gate(
            unlimited(),
            key=lambda _: "host",
            cost=1,
            max_wait=None,
            max_pause=3600,
            fallback=1,
            tell=None,
            believe=believe,
            name=lambda _: "host",
        )

        async def get() -> None:
            flight = await gate.enter(None)
            assert flight is not None
            await flight.land(None, 200, HEAD)

        return get

    return {"limits": way(None), "believes": way(headers.read)}


async def best(gets: dict[str, Get]) -> dict[str, float]:
    """Return the microseconds of a request, each way."""
    least = dict.fromkeys(gets, float("inf"))
    for _ in range(TURNS):
        for way, get in gets.items():
            begun = process_time()
            for _ in range(REQUESTS):
                await get()
            least[way] = min(least[way], (process_time() - begun) / REQUESTS * 1e6)
    return least


async def main() -> None:
    # At the end, so that what is installed comes first.
    sys.path += [str(directory(peer, sys.executable)) for peer in PEERS]
    pipe = asyncio.subprocess.PIPE
    command = [sys.executable, "-m", "benchmarks.clients", "serve"]
    server = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe)
    assert server.stdin is not None
    assert server.stdout is not None
    url = f"http://127.0.0.1:{int(await server.stdout.readline())}/"
    for way, time in (await best(of_nothing())).items():
        print(f"ours alone, {way}: {time:.1f} us")
    print("\n| client | CPU, us | / bare |\n| --- | --- | --- |")
    for name in ("httpx2", "httpx", "aiohttp"):
        async with AsyncExitStack() as stack:
            if name == "aiohttp":
                gets = await of_aiohttp(url, stack)
            else:
                gets = await of_httpx(name, url, stack)
            times = await best(gets)
        for way, time in times.items():
            print(f"| {name}, {way} | {time:.0f} | {time / times['bare']:.3f} |")
    server.stdin.close()
    await server.wait()
    packages = ", ".join(
        [f"{n} {version(n)}" for n in ("httpx2", "httpx", "aiohttp")]
        + [f"{n} {PINS[n]}" for n in PEERS]
    )
    print(f"\nCPython {platform.python_version()}; {packages}.")


if __name__ == "__main__":
    asyncio.run(serve() if sys.argv[1:] == ["serve"] else main())
