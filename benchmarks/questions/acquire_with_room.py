"""What does ``await limiter.acquire()`` cost while there is room?

For a peer it is the call that does the same; for limits, which cannot wait,
it is ``hit``. Timed by pyperf, in one coroutine.
"""

from __future__ import annotations

import asyncio
from time import perf_counter
from typing import Any

from .face import Question, Row


def timed(contender: Any, loops: int) -> float:
    """Return the seconds that `loops` awaited calls took."""

    async def main() -> float:
        acquire = contender.acquire()
        start = perf_counter()
        for _ in range(loops):
            await acquire()
        return perf_counter() - start

    return asyncio.run(main())


QUESTION = Question(
    name="2",
    verb="acquire",
    timed=timed,
    rows=(
        Row("`await acquire()`, room", "seconds", against="aiolimiter", reach="< 0.5"),
    ),
)
