"""The most that went through in any window of a period."""

from __future__ import annotations

from collections import deque


class Fullest:
    """
    The fullest of all half-open windows of *period* seconds.

    It remembers one period, however long it goes on.
    """

    __slots__ = ("_now", "_period", "_recent", "at", "most")

    def __init__(self, period: float) -> None:
        self._period = period
        self._recent: deque[tuple[float, float]] = deque()
        self._now = 0.0
        self.most = 0.0
        # The end of the first window that was as full.
        self.at = 0.0

    def add(self, instant: float, amount: float) -> None:
        """Count what went through at *instant*, which is not before the last one."""
        recent = self._recent
        while recent and instant - recent[0][0] >= self._period:
            self._now -= recent.popleft()[1]
        if not recent:
            self._now = 0.0
        recent.append((instant, amount))
        self._now += amount
        if self._now > self.most * (1.0 + 1e-12):
            self.most, self.at = self._now, instant
