"""What does ``try_acquire()`` cost, with room and when it refuses?

Beside ``acquire()`` with room, in turns within one process. For a peer it is
the synchronous call that does not wait.
"""

from __future__ import annotations

import asyncio
import statistics

from ..contenders.face import Contender
from ..stretch import TURNS, called, median_ratio, waited
from .face import Measured, Question, Row


def measure(contender: Contender) -> Measured:
    """Return the seconds of a call, and how they compare."""
    return asyncio.run(main(contender))


async def main(contender: Contender) -> Measured:
    """Take turns between the three."""
    times = contender.loops // 4
    acquire = contender.acquire()
    tried = contender.tried()
    refused = contender.refused()
    awaits, room, full = [], [], []
    for _ in range(TURNS):
        awaits.append(await waited(acquire, times) / times)
        room.append(called(tried, times))
        full.append(called(refused, times))
    return {
        "room": statistics.median(room),
        "full": statistics.median(full),
        "over_acquire": median_ratio(room, awaits),
        "refusal": median_ratio(full, room),
    }


QUESTION = Question(
    name="9",
    verb="tried",
    measure=measure,
    rounds=3,
    rows=(
        Row("`try_acquire()`, room", "room", against="ours"),
        Row("- over `await acquire()`", "over_acquire", "x", reach="<= 1.3"),
        Row("`try_acquire()`, refused", "full", against="ours"),
        Row("- over one that is admitted", "refusal", "x", reach="<= 2"),
    ),
)
