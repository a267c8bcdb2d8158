"""For how long is the loop blocked at a time by 10,000 at several limits as one?

CPU time of the longest callback from when they come until the last is let
through, but for that in which the tasks are made; the garbage collector waits.
Requests and tokens as of a language model, whose tokens are the scarcer.
"""

from __future__ import annotations

import asyncio
import gc
import random
from collections.abc import Iterator
from contextlib import contextmanager
from time import thread_time
from unittest.mock import patch

from aiolimiter import AsyncLimiter, CombinedLimiter, SlidingWindowLimiter

from ..clock import SteppedLoop, run_stepped
from ..contenders.bucket import Ours
from .face import Measured, Question, Row
from .how_cost_grows import PERIOD, Limiter, mixed
from .queue_and_drain import pause

MANY = 10_000


def measure(contender: Ours) -> Measured:  # noqa: ARG001 -- nobody else is asked
    """Return the seconds of the longest callback, of two buckets and two windows."""
    return {"buckets": longest(AsyncLimiter), "windows": longest(SlidingWindowLimiter)}


def longest(kind: type[Limiter]) -> float:
    """Return the CPU seconds of the longest callback."""

    async def main(loop: SteppedLoop) -> float:
        random.seed(1)
        both = CombinedLimiter(requests=kind(500, PERIOD), tokens=kind(600_000, PERIOD))
        await both.acquire(requests=500, tokens=600_000)
        tasks = [
            loop.create_task(both.acquire(requests=1, tokens=mixed()))
            for _ in range(MANY)
        ]
        # This one goes on afterwards in a callback of its own, which is timed.
        with timed() as took:
            await loop.create_task(pause())
            while not all(task.done() for task in tasks):
                loop.step(1.001)
                await asyncio.sleep(0)
        return max(took)

    return run_stepped(main)


@contextmanager
def timed() -> Iterator[list[float]]:
    """Time each callback that begins in the block."""
    took: list[float] = []
    run = asyncio.Handle._run  # noqa: SLF001 -- the only place all of them pass

    def timing(handle: asyncio.Handle) -> None:
        start = thread_time()
        run(handle)
        took.append(thread_time() - start)

    gc.collect()
    gc.disable()
    with patch.object(asyncio.Handle, "_run", timing):
        yield took
    gc.enable()


QUESTION = Question(
    name="14",
    verb="tried",
    only=("ours",),
    measure=measure,
    rounds=1,
    rows=(
        Row(f"longest callback, {MANY:,}: two buckets", "buckets", reach="<= 0.02"),
        Row(f"longest callback, {MANY:,}: two windows", "windows", reach="<= 0.02"),
    ),
)
