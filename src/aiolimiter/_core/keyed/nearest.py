"""
Which of many keys is the nearest to new: that is the one to forget.

A heap of the instants at which keys will have leaked empty, by a clock that
leaks as they do: a change of the rate changes none of them.  What a key takes
later is not noted at once: it shows when the key comes up, which is then put
back to where it belongs.  So what is noted is early or right, never late.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from heapq import heappop, heappush, heapreplace
from typing import Any, TypeAlias

from ..numbers import ROUNDING
from .shards import LAST, MIX, UPPER, Shards, shards

# How many a call puts right at most: to find the very nearest of a million that
# have all taken more would stall the loop.
LOOKS = 32

Entry: TypeAlias = tuple[float, int, Hashable]


class Nearest:
    """
    Keys, by the instant at which they are as good as new.

    Args:
        empty_at: Returns that instant, or None for a key that is forgotten.
    """

    __slots__ = ("_empty_at", "_entries", "_noted", "_ticket")

    def __init__(self, empty_at: Callable[[Hashable], float | None]) -> None:
        self._empty_at = empty_at
        # The ticket keeps keys from being compared.
        self._entries: list[Entry] = []
        # Which of a key's entries counts: one that comes and goes has no more
        # than it needs.
        self._noted: Shards[float] = shards()
        self._ticket = 0

    def __len__(self) -> int:
        return len(self._entries)

    def note(self, key: Hashable, empty_at: float) -> None:
        """Note when *key* is new, unless it is noted to be so before."""
        noted = self._noted[hash(key) * MIX >> UPPER & LAST]
        if key not in noted or empty_at < noted[key]:
            noted[key] = empty_at
            self._ticket += 1
            heappush(self._entries, (empty_at, self._ticket, key))

    def put_right(self, now: float) -> None:
        """Put two right that were due by *now*; for each that has come."""
        # What is forgotten was due, so it can't pile up.
        for _ in range(2):
            if self._entries and self._entries[0][0] <= now:
                self._put_right()

    def pop(self) -> Hashable:
        """Return the nearest one, or the nearest of so many that were looked at."""
        looked_at: list[Entry] = []
        while len(looked_at) < LOOKS:
            first = self._entries[0]
            entry = self._put_right()
            if entry is None:
                continue
            # It is computed anew, and rounded.
            if entry[0] - first[0] <= abs(first[0]) * ROUNDING:
                return entry[2]
            looked_at.append(entry)
        return min(looked_at)[2]

    def clear(self) -> list[Any]:
        """Forget all; return what is to be freed."""
        freed = [self._entries, *self._noted]
        self._entries, self._noted = [], shards()
        return freed

    def _put_right(self) -> Entry | None:
        # The first one as it is now, or None if it does not count any more.
        noted_at, ticket, key = self._entries[0]
        noted = self._noted[hash(key) * MIX >> UPPER & LAST]
        if noted.get(key) != noted_at:
            heappop(self._entries)
            return None
        empty_at = self._empty_at(key)
        if empty_at is None:
            heappop(self._entries)
            del noted[key]
            return None
        entry = (empty_at, ticket, key)
        heapreplace(self._entries, entry)
        noted[key] = empty_at
        return entry
