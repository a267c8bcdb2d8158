"""What does it cost to queue 100,000 tasks, and to let them all through?

CPU time of the process, from making the tasks to the last one's end. All of
them really wait: the limiter is full, its clock stands still until they queue,
and then they are all due at once. The floor is tasks on bare futures.
"""

from __future__ import annotations

import gc
from time import process_time

from ..clock import SteppedLoop, run_stepped
from ..contenders.face import Contender
from ..contenders.floor import Floor
from .face import Measured, Question, Row

WAITERS = 100_000


def measure(contender: Contender) -> Measured:
    """Return CPU seconds for each waiter, and how they compare with the floor.

    The floor is measured in the same process, after a first time that warms up
    the allocator for both.
    """
    drained(Floor())
    mine, floor = drained(contender), drained(Floor())
    return mine | {f"{part}_x": mine[part] / floor[part] for part in mine}


def drained(contender: Contender) -> dict[str, float]:
    """Return CPU seconds for each waiter: in all, to queue, and to drain."""

    async def main(loop: SteppedLoop) -> dict[str, float]:
        queue = await contender.queue(WAITERS, loop)
        gc.collect()
        start = process_time()
        tasks = [loop.create_task(queue.wait()) for _ in range(WAITERS)]
        await loop.create_task(pause())
        queued = process_time()
        if any(task.done() for task in tasks):
            msg = "a task did not wait"
            raise RuntimeError(msg)
        queue.open()
        for task in tasks:
            await task
        end = process_time()
        return {
            "cpu": (end - start) / WAITERS,
            "queue": (queued - start) / WAITERS,
            "drain": (end - queued) / WAITERS,
        }

    return run_stepped(main)


async def pause() -> None:
    """End after every task made before it has run up to its first wait."""


WORK = "100,000 wait, all due: CPU each"

QUESTION = Question(
    name="3",
    verb="queue",
    measure=measure,
    rows=(
        Row(WORK, "cpu_x", "x", "floor", "<= 1.2", size="cpu"),
        Row("- of which queueing", "queue_x", "x", "floor", size="queue"),
        Row("- of which letting through", "drain_x", "x", "floor", size="drain"),
    ),
)
