"""What estimates that are settled are worth in a fleet, beside one process."""

from __future__ import annotations

import asyncio
import random
import tempfile
from collections.abc import Sequence
from contextlib import AsyncExitStack
from inspect import isawaitable
from pathlib import Path
from typing import Any, NamedTuple

from redis.asyncio import Redis

from aiolimiter import AsyncLimiter
from aiolimiter._cli.engine import Server
from aiolimiter.local import FileLimiter
from aiolimiter.redis import RedisLimiter

PROCESSES, WORKERS = 4, 60
# Twenty times as fast as in life, and counted when the first burst is over.
HURRY, SECONDS, SINCE = 20, 20.0, 5.0


class Row(NamedTuple):
    """A limit of a minute, what is asked for and used, and when that is known."""

    rate: int
    estimate: int
    actual: int
    answered: float

    def __str__(self) -> str:
        return f"{self.rate:,} a minute, {self.estimate} -> {self.actual}"


ROWS = [Row(90_000, 900, 650, 2), Row(90_000, 4000, 500, 3), Row(30_000, 2000, 300, 5)]


class Worth(NamedTuple):
    """What all used, as a part of what one process uses alone."""

    server: float
    file: float


async def worth(running: Server) -> dict[Row, Worth]:
    """Run all rows at once, each in one process, on the server and in a file."""
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(
            Redis(unix_socket_path=str(running.socket))
        )
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        fleets = [_fleets(client, scratch, row) for row in ROWS]
        each = [_used(fleet, row) for three in fleets for fleet, row in three]
        used = await asyncio.gather(*each)
    threes = zip(ROWS, used[::3], used[1::3], used[2::3], strict=True)
    return {row: Worth(server / one, file / one) for row, one, server, file in threes}


def _fleets(client: Redis, scratch: Path, row: Row) -> list[tuple[list[Any], Row]]:
    limit = row.rate, 60 / HURRY
    name = f"settled-{row.rate}-{row.estimate}"
    return [
        ([AsyncLimiter(*limit)], row),
        ([RedisLimiter(client, name, *limit) for _ in range(PROCESSES)], row),
        ([FileLimiter(scratch / name, *limit) for _ in range(PROCESSES)], row),
    ]


async def _used(limiters: Sequence[Any], row: Row) -> float:
    """How much is used by workers who estimate, and settle when they are answered."""
    loop = asyncio.get_running_loop()
    chance, start, total = random.Random(1), loop.time(), 0.0
    since, until = start + SINCE, start + SECONDS

    async def work(limiter: Any) -> None:
        nonlocal total
        while loop.time() < until:
            async with limiter.reserve(row.estimate) as reservation:
                if since < loop.time() < until:
                    total += row.actual
                await asyncio.sleep(row.answered / HURRY * (0.5 + chance.random()))
                settled = reservation.settle(row.actual)
                if isawaitable(settled):
                    await settled

    await asyncio.gather(*(work(limiters[i % len(limiters)]) for i in range(WORKERS)))
    return total
