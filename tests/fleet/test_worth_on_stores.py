"""What is settled is worth on real stores what it is worth in one process."""

from __future__ import annotations

import asyncio
import contextlib

import pytest
from redis.asyncio import Redis

from aiolimiter import AsyncLimiter
from aiolimiter.local import FileLimiter
from aiolimiter.redis import RedisLimiter

from .test_worth import ROWS, used

pytestmark = pytest.mark.real_time

# Twenty times as fast as in life, and counted when the first burst is over.
HURRY, SECONDS, SINCE = 20, 20.0, 5.0


async def test_settling_is_worth_it_on_every_store(shared_server, name, tmp_path):
    """On servers and files four processes use as much as one, of what one uses."""
    async with contextlib.AsyncExitStack() as stack:
        clients = [
            await stack.enter_async_context(
                Redis(unix_socket_path=str(shared_server(kind).socket))
            )
            for kind in ("valkey", "redis")
        ]
        together = []
        # All at once, so that what holds up one holds up all.
        for row, (rate, estimate, actual, answered) in enumerate(ROWS):
            limit = rate, 60 / HURRY
            fleets = [[AsyncLimiter(*limit)]]
            fleets += [[FileLimiter(tmp_path / str(row), *limit) for _ in range(4)]]
            fleets += [
                [RedisLimiter(client, f"{name}-{row}", *limit) for _ in range(4)]
                for client in clients
            ]
            rest = estimate, actual, answered / HURRY
            together += [
                used(fleet, *rest, seconds=SECONDS, since=SINCE) for fleet in fleets
            ]
        use = await asyncio.gather(*together)
    worth = [
        [shared / alone for shared in of_one]
        for alone, *of_one in (use[i : i + 4] for i in range(0, 12, 4))
    ]

    assert min(map(min, worth)) >= 0.95, worth
