"""What do a million cancelled waits leave behind, and does cancelling slow down?

Behind one live waiter that is never due: ten batches of 100,000 tasks that
wait, are cancelled and end. The cost of a cancel is CPU time from the first
``cancel()`` to the last task's end, in the tenth batch and in the first.
"""

from __future__ import annotations

import asyncio
import gc
import sys
from time import process_time

from ..contenders.face import Contender
from .bytes_for_each_waiter import resident
from .face import Measured, Question, Row
from .queue_and_drain import pause

BATCH = 100_000
BATCHES = 10


def measure(contender: Contender) -> Measured:
    """Return what is left for each cancelled wait, and the cost of cancels."""
    return asyncio.run(main(contender))


async def main(contender: Contender) -> Measured:
    """Cancel batch after batch behind one live waiter."""
    wait = await contender.blocked()
    alive = asyncio.ensure_future(wait())
    await asyncio.ensure_future(pause())
    blocks = held()
    costs = [await cancel_batch(wait)]
    # The first batch leaves the allocator's own high-water mark behind.
    size = resident()
    costs += [await cancel_batch(wait) for _ in range(BATCHES - 1)]
    found = {
        "left_blocks": (held() - blocks) / (BATCH * BATCHES),
        "left_bytes": (resident() - size) / (BATCH * (BATCHES - 1)),
        "cancel": costs[-1] / BATCH,
        "growth": costs[-1] / costs[0],
    }
    alive.cancel()
    return found


def held() -> int:
    """Return how many blocks of memory Python holds: exact, and free to ask."""
    gc.collect()
    return sys.getallocatedblocks()


async def cancel_batch(wait: object) -> float:
    """Make a batch wait, cancel it, and return the CPU seconds of that."""
    loop = asyncio.get_running_loop()
    tasks = [loop.create_task(wait()) for _ in range(BATCH)]
    await loop.create_task(pause())
    gc.collect()
    start = process_time()
    for task in tasks:
        task.cancel()
    for task in tasks:
        try:
            await task
        except asyncio.CancelledError:
            continue
    took = process_time() - start
    # A traceback outlives this call, and with it the last batch.
    tasks.clear()
    return took


QUESTION = Question(
    name="7",
    verb="blocked",
    measure=measure,
    rounds=1,
    rows=(
        Row(
            "1,000,000 cancelled: blocks each left", "left_blocks", "", reach="<= 0.001"
        ),
        Row("- by resident set", "left_bytes", "B"),
        Row("- cost of a cancel", "cancel", against="floor"),
        Row("- last 100,000 over first", "growth", "x", reach="<= 1.1"),
    ),
)
