"""How much goes through a shared limit lately, by looking at it again and again."""

from __future__ import annotations

from collections import deque

from .sight import Sight

# Seconds that are looked back.
_SPAN = 10.0
# What part of a burst is rounding: instants are whole microseconds.
_ROUNDING = 1e-6


class Lately:
    """The last looks at one limit."""

    def __init__(self) -> None:
        self._before: Sight | None = None
        self._taken: deque[tuple[float, float, float]] = deque()

    def rate(self, sight: Sight) -> float | None:
        """
        Return the units a second that went through at least; None at first.

        What has leaked meanwhile out of a bucket that ran dry is not seen.
        """
        before, self._before = self._before, sight
        if before is None:
            return None
        taken = _taken(before, sight)
        if taken is not None:
            self._taken.append((sight.at, sight.at - before.at, taken))
        while self._taken and self._taken[0][0] < sight.at - _SPAN:
            self._taken.popleft()
        seconds = sum(lasted for _, lasted, _ in self._taken)
        return sum(units for _, _, units in self._taken) / seconds if seconds else None


def _taken(before: Sight, sight: Sight) -> float | None:
    """Return what was taken between two looks; None where it can't be told."""
    rate, past = sight[1:4], sight.at - before.at
    if sight.max_rate is None or sight.time_period is None or sight.burst is None:
        return None
    if rate != before[1:4]:
        return None
    if past <= 0.0 or (sight.raised_ago is not None and sight.raised_ago <= past):
        return None
    left = max(0.0, before.level - past * sight.max_rate / sight.time_period)
    taken = sight.level - left
    return taken if taken > _ROUNDING * sight.burst else 0.0
