"""
Three processes share one limit, and one of them is told to wait.

Notice:
- The limit is a `FileLimiter` in the client's transport, so the processes of one
  host need no server for it; a `RedisLimiter` in its place is for many hosts.
- The server refuses one request, and says: not for 1.5 s.  Whoever it was obeys, and
  so do the others, which have heard nothing from the server themselves.
- Then all go on, and the refused request is sent again: no process has seen a 429.
"""

import asyncio
import sys
import tempfile
from itertools import pairwise
from pathlib import Path

import httpx2
from aiohttp import web

from aiolimiter.httpx2 import RateLimitTransport
from aiolimiter.local import FileLimiter

PROCESSES, REQUESTS = 3, 12


async def work(url: str, path: str) -> None:
    """Ask one time after the other: what each process does."""
    limiter = FileLimiter(path, 20, 1, burst=3)
    async with httpx2.AsyncClient(transport=RateLimitTransport(limiter)) as client:
        statuses = {(await client.get(url)).status_code for _ in range(REQUESTS)}
    print("a process has seen", *statuses)


async def main() -> None:
    times: list[float] = []

    async def answer(_: web.Request) -> web.Response:
        times.append(asyncio.get_running_loop().time())
        if len(times) == PROCESSES * REQUESTS // 2:
            return web.Response(status=429, headers={"Retry-After": "1.5"})
        return web.Response()

    app = web.Application()
    app.router.add_get("/", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}/"
    with tempfile.TemporaryDirectory() as directory:
        command = [sys.executable, __file__, url, str(Path(directory) / "limit")]
        fleet = [
            await asyncio.create_subprocess_exec(*command) for _ in range(PROCESSES)
        ]
        for process in fleet:
            await process.wait()
    await runner.cleanup()
    silence = max(after - before for before, after in pairwise(times))
    print(len(times), "requests")
    print("for a second or more nobody asked:", silence >= 1)


if __name__ == "__main__":
    asyncio.run(work(*sys.argv[1:]) if sys.argv[1:] else main())

# a process has seen 200
# a process has seen 200
# a process has seen 200
# 37 requests
# for a second or more nobody asked: True
