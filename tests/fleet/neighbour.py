"""
Another process of a fleet, with an HTTP client: it asks whenever it reads a line.

    python neighbour.py SOCKET NAME URL LIBRARY
"""

from __future__ import annotations

import asyncio
import importlib
import sys
from typing import Any

from redis.asyncio import Redis

from aiolimiter.redis import RedisLimiter


def session(library: str, limiter: Any) -> Any:
    """Return a client of *library* that *limiter* limits, and sends nothing again."""
    if library == "aiohttp":
        aiohttp: Any = importlib.import_module("aiohttp")
        middleware = importlib.import_module("aiolimiter.aiohttp").RateLimitMiddleware
        limited = middleware(limiter, resends=0)
        return aiohttp.ClientSession(middlewares=(limited,))
    lib: Any = importlib.import_module(library)
    edge: Any = importlib.import_module(f"aiolimiter.{library}")
    return lib.AsyncClient(transport=edge.RateLimitTransport(limiter, resends=0))


async def status(client: Any, url: str) -> int:
    """Ask, and return the status of the answer."""
    answer = await client.get(url)
    if hasattr(answer, "status_code"):
        return int(answer.status_code)
    await answer.read()
    return int(answer.status)


async def main(socket: str, name: str, url: str, library: str) -> None:
    """Ask once for each line."""
    async with Redis(unix_socket_path=socket) as store:
        limiter = RedisLimiter(store, name, 100, 1)
        async with session(library, limiter) as client:
            while await asyncio.to_thread(sys.stdin.readline):
                print(await status(client, url), flush=True)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
