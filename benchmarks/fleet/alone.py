"""The numbers that need no peer: one big gather, a crash, one acquire in each store."""

from __future__ import annotations

import asyncio
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

from redis import Redis
from redis.asyncio import Redis as AsyncRedis

from aiolimiter._cli.engine import Server
from aiolimiter.local import FileLimiter
from aiolimiter.redis import RedisKeyedLimiter, RedisLimiter

from .crew import worker
from .saturated import scripts

# Where the guide puts a file, if it is there.
SHARED = next(Path("/dev").glob("shm"), None)


async def one_gather(running: Server) -> float:
    """Trips for 20,000 acquires in one gather, with room for all."""
    with Redis(unix_socket_path=str(running.socket)) as admin:
        async with AsyncRedis(unix_socket_path=str(running.socket)) as client:
            limiter = RedisLimiter(client, "gather", 1e6, 1)
            await limiter.acquire()
            before = scripts(admin)
            await asyncio.gather(*(limiter.acquire() for _ in range(20_000)))
            return scripts(admin) - before


async def after_a_crash(running: Server) -> float:
    """Seconds the next process waits after one with 200 waiters was killed."""
    spec = {"socket": str(running.socket), "name": "crash", "rate": 20, "seconds": 60}
    with worker("ours", tasks=200, **spec) as crashing:
        crashing.wait_until_ready()
        crashing.go()
        await asyncio.sleep(2.0)
        crashing.kill()
        async with AsyncRedis(unix_socket_path=str(running.socket)) as client:
            await client.ping()
            start = time.perf_counter()
            await RedisLimiter(client, "crash", 20, 1).acquire()
            return time.perf_counter() - start


async def cancelled(running: Server) -> float:
    """Units that are lost of 1,000 that are cancelled as they are granted, at 50/s."""
    async with AsyncRedis(unix_socket_path=str(running.socket)) as client:
        limiter = RedisLimiter(client, "cancelled", 50, 1, burst=2_000)
        tasks = [asyncio.create_task(_cancelled(limiter)) for _ in range(1_000)]
        await asyncio.gather(*tasks, return_exceptions=True)
        # What nobody has goes back after a breath.
        await asyncio.sleep(0.1)
        level = (await limiter.statistics()).level
        return level + 50 * 0.1 if level else 0.0


async def _cancelled(limiter: RedisLimiter) -> None:
    line = limiter._line  # noqa: SLF001 -- no task is cancelled in just that tick
    assert line is not None, "it has a limit"
    turn = line.ask(1.0, None)
    await asyncio.wait([turn])
    line.lost(turn, 1.0)


async def keys_at_once(running: Server) -> tuple[float, float]:
    """Seconds for one acquire of each of 10,000 keys at once, and connections."""
    path = str(running.socket)
    with Redis(unix_socket_path=path) as admin:
        async with AsyncRedis(unix_socket_path=path, max_connections=10) as client:
            limits = RedisKeyedLimiter(client, "keys", 10, 60)
            before = admin.info("clients")["connected_clients"]
            start = time.perf_counter()
            await asyncio.gather(*(limits[key].acquire() for key in range(10_000)))
            took = time.perf_counter() - start
            return took, admin.info("clients")["connected_clients"] - before


async def change_heard(running: Server) -> float:
    """Seconds until a busy process goes by another one's change."""
    async with AsyncRedis(unix_socket_path=str(running.socket)) as client:
        one, other = (RedisLimiter(client, "change", 100, 1) for _ in range(2))
        tasks = [asyncio.create_task(other.acquire()) for _ in range(500)]
        await asyncio.sleep(0.5)
        start = time.perf_counter()
        await one.change(max_rate=1_000, time_period=1)
        while other.max_rate != 1_000:  # noqa: ASYNC110 -- nobody is told
            await asyncio.sleep(0.001)
        took = time.perf_counter() - start
        await asyncio.gather(*tasks)
        return took


async def stores(running: Server, rounds: int) -> dict[str, float]:
    """Seconds for an acquire with room: a file, a trip, SQLite; in turn."""
    seen: dict[str, list[float]] = {"file": [], "redis": [], "sqlite": []}
    with tempfile.TemporaryDirectory(dir=SHARED) as scratch:
        file = FileLimiter(Path(scratch) / "limit", 1e6, 1)
        base = _sqlite(Path(scratch) / "base")
        async with AsyncRedis(unix_socket_path=str(running.socket)) as client:
            redis = RedisLimiter(client, "alone", 1e6, 1)
            for _ in range(rounds):
                seen["file"].append(await _each(file.acquire, 20_000))
                seen["redis"].append(await _each(redis.acquire, 1_000))
                seen["sqlite"].append(await _each(base, 5_000))
    return {name: statistics.median(times) for name, times in seen.items()}


async def _each(acquire: Callable[[], Any], times: int) -> float:
    start = time.perf_counter()
    for _ in range(times):
        await acquire()
    return (time.perf_counter() - start) / times


def _sqlite(path: Path) -> Callable[[], Any]:
    """Make the same bucket in SQLite, as fast as it goes: one statement, no sync."""
    base = sqlite3.connect(path, isolation_level=None)
    base.execute("pragma journal_mode = wal")
    base.execute("pragma synchronous = off")
    base.execute("create table bucket (level real, at real)")
    base.execute("insert into bucket values (0, 0)")
    statement = (
        "update bucket set level = max(0, level - (?1 - at) * 1e6) + 1, at = ?1 "
        "where max(0, level - (?1 - at) * 1e6) + 1 <= 1e6 returning level"
    )

    async def acquire() -> None:
        with closing(base.execute(statement, (time.monotonic(),))) as rows:
            rows.fetchall()

    return acquire
