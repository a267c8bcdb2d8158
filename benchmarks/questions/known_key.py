"""What does ``limits[key].try_acquire()`` cost on a key that is known?

Over a thousand known keys with room, beside a single limiter of the same
contender, in turns within one process. The peers' synchronous calls, in
memory.
"""

from __future__ import annotations

import asyncio
import statistics

from ..contenders.face import ROOM, ROOM_PERIOD, Contender
from ..stretch import TURNS, called_on, median_ratio
from .face import Measured, Question, Row

KEYS = 1000


def measure(contender: Contender) -> Measured:
    """Return the seconds of a call, and what the key adds."""
    return asyncio.run(main(contender))


async def main(contender: Contender) -> Measured:
    """Take turns between the keyed and the single limiter."""
    keyed = contender.keyed(ROOM, ROOM_PERIOD)
    tried = contender.tried()
    names = [f"user:{number}" for number in range(KEYS)]
    names *= max(1, contender.loops // 4 // KEYS)

    def single(_name: str) -> object:
        return tried()

    called_on(keyed, names)
    known, alone = [], []
    for _ in range(TURNS):
        known.append(called_on(keyed, names))
        alone.append(called_on(single, names))
    return {
        "known": statistics.median(known),
        "over_single": median_ratio(known, alone),
    }


QUESTION = Question(
    name="11a",
    verb="keyed",
    measure=measure,
    rounds=3,
    rows=(
        Row("keyed, a known key", "known", against="ours", reach=">= 5", peers=True),
        Row("- over a single limiter", "over_single", "x", reach="<= 2"),
    ),
)
