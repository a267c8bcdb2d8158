"""What does ``async with limiter`` cost while there is room?

One coroutine loops over it, so that entering and leaving are measured and not
the event loop. Timed by pyperf.
"""

from __future__ import annotations

import asyncio
from time import perf_counter
from typing import Any

from .face import Question, Row


def timed(contender: Any, loops: int) -> float:
    """Return the seconds that `loops` blocks took."""

    async def main() -> float:
        limiter = contender.entered()
        start = perf_counter()
        for _ in range(loops):
            async with limiter:
                pass
        return perf_counter() - start

    return asyncio.run(main())


QUESTION = Question(
    name="1",
    verb="entered",
    timed=timed,
    rows=(
        Row("`async with`, room", "seconds", against="lock", reach="< 0.9"),
        Row("`async with`, room", "seconds", against="aiolimiter", reach="< 0.35"),
    ),
)
