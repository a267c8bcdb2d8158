"""When is ``acquire(10)`` admitted while three tasks loop on ``acquire(1)``?

On a limiter of 10 a second. Five such limiters, with the large request
arriving at other moments of the second; the latest admission counts. After
ten seconds it is said to starve.
"""

from __future__ import annotations

import asyncio
from math import inf
from time import perf_counter

from ..contenders.face import Contender
from .face import Measured, Question, Row

PATIENCE = 10.0
ARRIVALS = (0.2, 0.5, 0.83, 1.0, 1.37)


async def admitted_after(contender: Contender, arrival: float) -> float:
    """Return how long the large request waited, or infinity."""
    acquire = contender.weighted()

    async def small() -> None:
        while True:
            await acquire(1)

    greedy = [asyncio.ensure_future(small()) for _ in range(3)]
    await asyncio.sleep(arrival)
    start = perf_counter()
    try:
        await asyncio.wait_for(acquire(10), PATIENCE)
    except TimeoutError:
        return inf
    finally:
        for task in greedy:
            task.cancel()
    return perf_counter() - start


def measure(contender: Contender) -> Measured:
    """Return the longest wait, in seconds."""

    async def main() -> list[float]:
        return await asyncio.gather(*(admitted_after(contender, a) for a in ARRIVALS))

    return {"longest": max(asyncio.run(main()))}


QUESTION = Question(
    name="6",
    verb="weighted",
    measure=measure,
    rounds=1,
    idle=True,
    rows=(Row("`acquire(10)` of 10/s among small ones", "longest", reach="<= 2.2"),),
)
