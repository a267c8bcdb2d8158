"""What does a change of the rate cost while 100,000 tasks wait?

CPU of the change itself; and for each waiter, at 100,000 and at 10,000: one
pass over the queue costs each the same, however many there are. No peer
re-times whoever waits.
"""

from __future__ import annotations

import statistics
from time import process_time

from ..clock import SteppedLoop, run_stepped
from ..contenders.bucket import Ours
from .face import Measured, Question, Row
from .queue_and_drain import pause

MANY, FEW = 100_000, 10_000
CHANGES = 8


def measure(contender: Ours) -> Measured:
    """Return the seconds of a change, and how it grows with the queue."""
    many, few = changing(contender, MANY), changing(contender, FEW)
    return {"change": many, "growth": (many / MANY) / (few / FEW)}


def changing(contender: Ours, waiters: int) -> float:
    """Return the CPU seconds of one change, the median of some."""

    async def main(loop: SteppedLoop) -> float:
        limiter = contender.make(waiters, 1000)
        await limiter.acquire(waiters)
        tasks = [loop.create_task(limiter.acquire()) for _ in range(waiters)]
        await loop.create_task(pause())
        costs = []
        for turn in range(CHANGES):
            start = process_time()
            limiter.time_period = 1000 + turn
            await loop.create_task(pause())
            costs.append(process_time() - start)
        loop.step(1000 + CHANGES)
        for task in tasks:
            await task
        return statistics.median(costs)

    return run_stepped(main)


QUESTION = Question(
    name="10",
    verb="tried",
    only=("ours",),
    measure=measure,
    rounds=1,
    rows=(
        Row("a rate change, 100,000 waiting", "change"),
        Row("- for each, over 10,000 waiting", "growth", "x", reach="<= 2"),
    ),
)
