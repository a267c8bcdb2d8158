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
from .face import Measured, Question, Row

WAITERS = 100_000


def measure(contender: Contender) -> Measured:
    """Return CPU seconds for each waiter: in all, to queue, and to drain."""

    async def main(loop: SteppedLoop) -> Measured:
        queue = await contender.queue(WAITERS, loop)  # type: ignore[attr-defined]
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


QUESTION = Question(
    name="3",
    verb="queue",
    measure=measure,
    rows=(
        Row("100,000 wait, all due: CPU each", "cpu", against="floor", reach="<= 1.2"),
        Row("- of which queueing", "queue", against="floor"),
        Row("- of which letting through", "drain", against="floor"),
    ),
)
