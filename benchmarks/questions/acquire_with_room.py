"""What does ``await limiter.acquire()`` cost while there is room?

For a peer it is the call that does the same; for limits, which cannot wait,
it is ``hit``. In one coroutine, timed by pyperf, in turns with blocks on an
uncontended `asyncio.Lock`.
"""

from __future__ import annotations

import asyncio
from typing import Any

from ..stretch import beside_lock, waited
from .face import Question, Row, Timed


def timed(contender: Any, loops: int) -> Timed:
    """Return the seconds that `loops` awaited calls took, and those of a Lock."""

    async def main() -> Timed:
        acquire = contender.acquire()
        return await beside_lock(lambda times: waited(acquire, times), loops)

    return asyncio.run(main())


WORK = "`await acquire()`, room"

QUESTION = Question(
    name="2",
    verb="acquire",
    timed=timed,
    rows=(Row(WORK, "of_lock", "x", "aiolimiter", "< 0.5", size="seconds"),),
)
