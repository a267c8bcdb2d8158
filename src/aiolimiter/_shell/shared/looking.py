"""
When a process asks whether what it holds far ahead has moved up.

Others settle for less, pause or reset, and nobody tells.  So who is booked far
ahead looks: the farther, the less often, but more often while others do settle, as
places that nobody knows of are not used.  All limits of a process together look not
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

# What part of all that is left while others settle.
LEAST = 1 / 8

# Looks a second of all limits of a process.
MOST = 50.0


class Looking:
    """The looks of one limit."""

    __slots__ = ("__weakref__", "_given", "_is_far", "_scale")

    def __init__(self) -> None:
        self._given = 0.0
        self._scale = 1.0
        self._is_far = False

    def forget(self) -> None:
        """Look no more."""
        if self._is_far:
            self._is_far = False
            _far.discard(self)

    def heard(self, given: float, own: float) -> None:
        """
        Learn how far all that is booked has moved up so far.

        Args:
            given: By so much, in microseconds,
            own: of which this process may have done so much since the last time.
        """
        is_lively = given - self._given > own
        self._scale = LEAST if is_lively else min(1.0, self._scale * 1.25)
        self._given = given

    def next_look(self, seen_at: float, due: float) -> float:
        """Return when to look next, after *seen_at*; ``inf`` if it is not far ahead."""
        scale = self._scale
        wait = 1.5 * LOOK * scale
        # Both may be -inf, and their difference is no number.
        if due > seen_at + wait:
            far = min(LONGEST, PART * scale * (due - seen_at))
            wait = max(LOOK * scale, far, len(_far) / MOST)
        if due <= seen_at + wait:
            self.forget()
            return inf
        if not self._is_far:
            self._is_far = True
            _far.add(self)
        return seen_at + wait


# Those who are far ahead.
_far: WeakSet[Looking] = WeakSet()
