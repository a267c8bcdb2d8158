"""
When a process asks whether what it holds far ahead has moved up.

Others settle for less, pause or reset, and nobody tells.  So who is booked far
ahead looks: the farther, the less often, and all limits of a process together not
more often than a server should be asked by one.
"""

from __future__ import annotations

from math import inf
from weakref import WeakSet

# Who is booked further ahead than this, and half of it, looks, in seconds.
LOOK = 0.5

# What part of its distance it lets pass first, and what it lets pass at most.
PART = 0.25
LONGEST = 5.0

# Looks a second of all limits of a process.
MOST = 50.0


class Looking:
    """The looks of one limit."""

    __slots__ = ("__weakref__",)

    def forget(self) -> None:
        """Look no more."""
        _far.discard(self)

    def next_look(self, seen_at: float, due: float) -> float:
        """Return when to look next, after *seen_at*; ``inf`` if it is not far ahead."""
        wait = 1.5 * LOOK
        # Both may be -inf, and their difference is no number.
        if due > seen_at + wait:
            wait = max(LOOK, min(LONGEST, PART * (due - seen_at)), len(_far) / MOST)
        if due <= seen_at + wait:
            _far.discard(self)
            return inf
        _far.add(self)
        return seen_at + wait


# Those who are far ahead.
_far: WeakSet[Looking] = WeakSet()
