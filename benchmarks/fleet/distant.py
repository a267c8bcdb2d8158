"""What a fleet reaches of its rate when its server is far away."""

from __future__ import annotations

import asyncio
import random
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from redis.asyncio import Redis

from aiolimiter import RateLimitExceeded
from aiolimiter._cli.engine import Server
from aiolimiter.redis import RedisLimiter

CLIENTS, TASKS = 4, 50
RATE, BURST, SECONDS = 100.0, 5.0, 10.0


class Way(NamedTuple):
    """Milliseconds there and back, at least and at most."""

    least: int
    most: int

    def __str__(self) -> str:
        few = f"{self.least} to " if self.least < self.most else ""
        return f"{few}{self.most} ms away"


WAYS = [Way(200, 200), Way(300, 300), Way(20, 140)]


async def reached(running: Server) -> dict[Way, float]:
    """Admitted, of what the limit allows; all ways one after the other."""
    return {way: await _admitted(running, way) for way in WAYS}


async def _admitted(running: Server, way: Way) -> float:
    clock = asyncio.get_running_loop().time
    async with AsyncExitStack() as stack:
        path = await stack.enter_async_context(_line(running.socket, way))
        limiters = []
        for _ in range(CLIENTS):
            client = Redis(unix_socket_path=str(path))
            await stack.enter_async_context(client)
            limiters.append(RedisLimiter(client, str(way), RATE, 1, burst=BURST))
        # Connections are made before it counts.
        await asyncio.gather(*(limiter.statistics() for limiter in limiters))
        end, admitted = clock() + SECONDS, 0

        async def take(limiter: RedisLimiter) -> None:
            nonlocal admitted
            with suppress(RateLimitExceeded):
                while (left := end - clock()) > 0:
                    await limiter.acquire(max_wait=left)
                    admitted += clock() <= end

        takers = (take(limiter) for limiter in limiters for _ in range(TASKS))
        await asyncio.gather(*takers)
    return admitted / (BURST + RATE * SECONDS)


@asynccontextmanager
async def _line(target: Path, way: Way) -> AsyncIterator[Path]:
    """Lay a slow line to the server's socket; its own socket is the path."""
    draw = random.Random(1)

    async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            await asyncio.sleep(draw.uniform(*way) / 2000)
            writer.write(data)
        writer.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        answers, asks = await asyncio.open_unix_connection(str(target))
        await asyncio.gather(carry(reader, asks), carry(answers, writer))

    with tempfile.TemporaryDirectory(prefix="al", dir="/tmp") as directory:
        path = Path(directory) / "s"
        async with await asyncio.start_unix_server(serve, str(path)):
            yield path
