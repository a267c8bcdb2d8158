"""One process of the fleet: tasks that take from the shared limit for ever."""

from __future__ import annotations

import asyncio
import sys
import time

from redis.asyncio import Redis

from ..redis import RedisLimiter

NAME = "demonstration"
TASKS = 25


async def work(socket: str, rate: float) -> None:
    """
    Print the instant of each admission, until standard input is closed.

    Args:
        socket: Where the server listens.
        rate: The limit, units a second.
    """
    client = Redis(unix_socket_path=socket)
    limiter = RedisLimiter(client, NAME, rate, 1, on_error="wait")

    async def take() -> None:
        while True:
            async with limiter:
                print(time.monotonic(), flush=True)

    print("ready", flush=True)
    # Closed when whoever started this is gone, by whatever means.
    await asyncio.to_thread(sys.stdin.readline)
    tasks = [asyncio.create_task(take()) for _ in range(TASKS)]
    await asyncio.to_thread(sys.stdin.read)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await client.aclose()


def main() -> None:
    """Work as the command line says: a socket and a rate."""
    asyncio.run(work(sys.argv[1], float(sys.argv[2])))
