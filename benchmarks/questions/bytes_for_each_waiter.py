"""How much memory does a waiting task take?

By tracemalloc, which counts what Python asked for to the byte and gives the
same number every time. The resident set, which counts what the machine gave,
is the check beside it: it also has the allocator's rounding.
"""

from __future__ import annotations

import gc
import os
import tracemalloc
from pathlib import Path

from ..clock import SteppedLoop, run_stepped
from ..contenders.face import Contender
from .face import Measured, Question, Row
from .queue_and_drain import pause

WAITERS = 50_000


def resident() -> int:
    """Return the resident set of this process in bytes (0 where unknown)."""
    statm = Path("/proc/self/statm")
    if not statm.exists():
        return 0
    return int(statm.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def traced() -> int:
    """Return the bytes that Python holds, or 0 while it does not count."""
    return tracemalloc.get_traced_memory()[0]


def measure(contender: Contender) -> Measured:
    """Return bytes for each waiter, as Python and as the machine counts."""

    async def main(loop: SteppedLoop) -> float:
        queue = await contender.queue(WAITERS, loop)
        gc.collect()
        held, size = traced(), resident()
        tasks = [loop.create_task(queue.wait()) for _ in range(WAITERS)]
        await loop.create_task(pause())
        gc.collect()
        grown = traced() - held or resident() - size
        queue.open()
        for task in tasks:
            await task
        return grown / WAITERS

    by_machine = run_stepped(main)
    tracemalloc.start()
    by_python = run_stepped(main)
    return {"bytes": by_python, "resident": by_machine}


QUESTION = Question(
    name="4",
    verb="queue",
    measure=measure,
    rounds=1,
    rows=(
        Row("bytes for each waiter", "bytes", "B", "floor", "<= 1.25"),
        Row("- by resident set", "resident", "B", "floor"),
    ),
)
