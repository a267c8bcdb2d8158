"""What does ``async with limiter`` cost while there is room?

One coroutine loops over it, so that entering and leaving are measured and not
the event loop. Timed by pyperf, in turns with an uncontended `asyncio.Lock`.
"""

from __future__ import annotations

import asyncio
from typing import Any

from ..stretch import beside_lock, entered
from .face import Question, Row, Timed


def timed(contender: Any, loops: int) -> Timed:
    """Return the seconds that `loops` blocks took, and those of a Lock."""

    async def main() -> Timed:
        limiter = contender.entered()
        return await beside_lock(lambda times: entered(limiter, times), loops)

    return asyncio.run(main())


WORK = "`async with`, room"

QUESTION = Question(
    name="1",
    verb="entered",
    timed=timed,
    rows=(
        Row(WORK, "of_lock", "x", "lock", "< 0.9", size="seconds"),
        Row(WORK, "of_lock", "x", "aiolimiter", "< 0.35", size="seconds"),
    ),
)
