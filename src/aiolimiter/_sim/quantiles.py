"""Quantiles of any number of values, in constant memory."""

from __future__ import annotations

from collections import Counter
from math import ceil, log

# Values in one bin differ by 1 % at most, so a quantile is off by that at most.
_GROWTH = 1.01
# Seconds below which a wait is none: a clock's rounding.
_NOTHING = 1e-6


class Quantiles:
    """
    How values are spread, from 0 to the largest.

    A histogram with bins that grow by 1 % (the idea of HdrHistogram and
    DDSketch): a quantile is right to 1 % of its value.
    """

    __slots__ = ("_bins", "_nothing", "count", "most")

    def __init__(self) -> None:
        self._bins: Counter[int] = Counter()
        self._nothing = 0
        self.count = 0
        self.most = 0.0

    def add(self, value: float) -> None:
        """Count one *value*, which is 0 or more."""
        self.count += 1
        if value <= _NOTHING:
            self._nothing += 1
            return
        self._bins[ceil(log(value) / _LOG)] += 1
        if value > self.most:
            self.most = value

    def at(self, part: float) -> float:
        """Return the value that *part* (0 to 1) of all do not exceed; 0.0 of none."""
        left = ceil(part * self.count) - self._nothing
        found = 0.0
        for number in sorted(self._bins):
            if left <= 0:
                break
            left -= self._bins[number]
            # The middle of the bin, by ratio.
            found = min(self.most, float(_GROWTH ** (number - 0.5)))
        return found


_LOG = log(_GROWTH)
