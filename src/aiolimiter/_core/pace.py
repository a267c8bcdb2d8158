"""
A rate that is found out: which one, at which instant.

CUBIC (RFC 9438) on a rate, as the AWS SDKs' adaptive mode has it, with three
differences: nothing in it is an absolute number of requests; a cut starts from
what the server has really taken lately; and it begins slowly, as TCP does
(RFC 5681), doubling each second.  Only time in which somebody waits counts:
otherwise the rate is not what holds requests back, and nothing is learnt.
"""

from __future__ import annotations

from collections import deque
from math import exp2, inf

# A cut leaves this much of the rate at which it was refused; after so many
# seconds in use it is there again, and rises further.
_LEFT, _BACK = 0.8, 5.0
# What was taken in so many seconds is measured, once there are as many of it.
_WINDOW, _SHORTEST, _FEWEST = 2.0, 0.5, 4
# Of the ceiling, the rate never falls below this part.
_LEAST = 1e-6
# Seconds that are measured as one, so that memory does not grow with the rate.
_SLOT = 1 / 16


class Pace:
    """
    The rate, between nothing and *ceiling* units a second, from *start* on.

    Attributes:
        rate: Units a second, now.
        ceiling: What it never rises above.
    """

    __slots__ = (
        "_base",
        "_cut_at",
        "_resumes",
        "_since",
        "_slow",
        "_taken",
        "_used",
        "ceiling",
        "rate",
    )

    def __init__(self, ceiling: float, start: float) -> None:
        self.ceiling = ceiling
        self.rate = start
        # While it is slow the rate that doubles, then the one that was refused.
        self._base = start
        self._slow = True
        self._used = 0.0
        self._cut_at = -inf
        self._resumes = -inf
        self._since = inf
        # Slots of time: when they began, how many there were, and how much.
        self._taken: deque[tuple[float, int, float]] = deque()

    def use(self, begin: float, end: float) -> None:
        """Count the time from *begin* to *end*, in which somebody waited."""
        seconds = end - max(begin, self._resumes)
        if seconds > 0.0 and self.rate < self.ceiling:
            self._used += seconds
            self.rate = min(self.ceiling, max(self.rate, self._risen()))

    def paused(self, until: float) -> None:
        """Hear that nothing is admitted before *until*."""
        self._resumes = max(self._resumes, until)

    def accepted(self, amount: float, now: float) -> None:
        """Hear that the server took *amount*."""
        begin, count, total = self._taken[-1] if self._taken else (-inf, 0, 0.0)
        if now < begin + _SLOT:
            self._taken[-1] = begin, count + 1, total + amount
        else:
            self._taken.append((now, 1, amount))
            self._since = min(self._since, now)
            while self._taken[0][0] < now - _WINDOW:
                self._taken.popleft()

    def refused(self, began: float, now: float) -> bool:
        """
        Hear that a request that was sent at *began* was too much.

        Returns:
            Whether the rate was cut: only for what was sent after the last cut.
        """
        if began <= self._cut_at:
            return False
        self._base = min(self.rate, self._measured(now))
        self.rate = max(_LEFT * self._base, _LEAST * self.ceiling)
        self._slow = False
        self._used = 0.0
        self._cut_at = now
        return True

    def _risen(self) -> float:
        if self._slow:
            return self._base * exp2(min(self._used, 64.0))
        past = (self._used - _BACK) / _BACK
        return self._base * (1.0 + (1.0 - _LEFT) * past * past * past)

    def _measured(self, now: float) -> float:
        # What was taken before a pause says nothing of the rate after it.
        begin = max(now - _WINDOW, self._resumes, self._since)
        slots = [slot for slot in self._taken if slot[0] >= begin]
        if now - begin < _SHORTEST or sum(slot[1] for slot in slots) < _FEWEST:
            return inf
        return sum(slot[2] for slot in slots) / (now - begin)
