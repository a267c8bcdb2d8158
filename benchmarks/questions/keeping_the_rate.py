"""Does a limiter reach its rate, and what does each grant cost?

Fifty tasks loop on a limiter that holds one; what came out, divided by what
was configured. From the first grant to the last, so that where the clock was
stopped does not count.
"""

from __future__ import annotations

import asyncio
from time import perf_counter, process_time

from ..contenders.face import Contender
from .face import Measured, Question, Row

TASKS = 50
SECONDS = {100: 2.0, 1000: 1.0, 10_000: 0.7, 50_000: 0.7}


async def loop_on(
    contender: Contender, rate: int, seconds: float
) -> tuple[float, float]:
    """Return achieved / configured, and CPU seconds for each grant."""
    acquire = contender.paced(rate)
    first = last = 0.0
    granted = 0
    end = perf_counter() + seconds

    async def one() -> None:
        nonlocal first, last, granted
        # Asks the clock: a limiter too slow for the rate never makes it wait.
        while last < end:
            await acquire()
            last = perf_counter()
            first = first or last
            granted += 1

    cpu = process_time()
    tasks = [asyncio.ensure_future(one()) for _ in range(TASKS)]
    await asyncio.wait(tasks, timeout=seconds)
    cpu = process_time() - cpu
    for task in tasks:
        task.cancel()
    achieved = (granted - 1) / (last - first) if granted > 1 else 0.0
    return achieved / rate, cpu / max(1, granted)


def measure(contender: Contender) -> Measured:
    """Return both numbers for every rate, and how the CPU for a grant grows."""
    found: dict[str, float] = {}
    for rate, seconds in SECONDS.items():
        achieved, cpu = asyncio.run(loop_on(contender, rate, seconds))
        found[f"rate_{rate}"] = achieved
        found[f"cpu_{rate}"] = cpu
    found["cpu_growth"] = found["cpu_50000"] / found["cpu_10000"]
    return found


QUESTION = Question(
    name="5",
    verb="paced",
    measure=measure,
    rounds=3,
    rows=(
        Row("achieved of 100 a second", "rate_100", "", reach=">= 0.995"),
        Row("achieved of 1,000 a second", "rate_1000", "", reach=">= 0.995"),
        Row("achieved of 10,000 a second", "rate_10000", "", reach=">= 0.995"),
        Row("achieved of 50,000 a second", "rate_50000", ""),
        Row("CPU for a grant at 10,000 a second", "cpu_10000"),
        Row("CPU for a grant at 50,000 a second", "cpu_50000"),
        Row("- 50,000 over 10,000", "cpu_growth", "x", reach="<= 1"),
    ),
)
