"""A million clients, each for the first time: what does a request cost, and in memory?

Counts CPU time of each call of the middleware, so what else the machine does is not
in it; what was there before is kept out of the garbage collector's way.
"""

from __future__ import annotations

import asyncio
import gc
import os
from pathlib import Path
from time import thread_time_ns
from typing import Any, NamedTuple

from .programs import MUCH, hello, ours

CLIENTS = 1_000_000
KEPT = 100_000


class Stage(NamedTuple):
    """What a tenth of the clients cost."""

    mean: float
    worst: float
    memory: int


def memory() -> int:
    """Megabytes of this process that are resident (Linux)."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") // 1_000_000


async def _nothing(_message: Any) -> None:
    pass


async def stage(app: Any, clients: range) -> Stage:
    """Let so many come, and tell what they cost: microseconds, and megabytes."""
    total = worst = 0
    for n in clients:
        client = f"10.{n >> 16}.{n >> 8 & 255}.{n & 255}"
        scope = {"type": "http", "path": "/", "headers": [], "client": (client, 50123)}
        before = thread_time_ns()
        await app(scope, None, _nothing)
        took = thread_time_ns() - before
        total += took
        worst = max(worst, took)
    return Stage(total / len(clients) / 1e3, worst / 1e3, memory())


async def stages() -> list[Stage]:
    """Let all come."""
    app = ours(hello, 100, MUCH)
    gc.collect()
    gc.freeze()
    return [await stage(app, range(n, n + KEPT)) for n in range(0, CLIENTS, KEPT)]


def main() -> None:
    """Measure and print."""
    print(f"| of {CLIENTS:,} clients, {KEPT:,} kept | CPU us each | worst, us | MB |")
    print("| --- | --- | --- | --- |")
    for number, one in enumerate(asyncio.run(stages()), 1):
        if number in {1, 2, 5, 10}:
            came = f"up to {number * KEPT:,}"
            print(f"| {came} | {one.mean:.1f} | {one.worst:.0f} | {one.memory} |")


if __name__ == "__main__":
    main()
