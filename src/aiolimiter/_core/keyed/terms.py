"""The limit of many keys: the same for all, or found for each."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any, NamedTuple, TypeAlias

from .. import numbers

# A key's own max_rate, or the same for all.
MaxRate: TypeAlias = float | Callable[[Any], float]
# Units a second that leak from a key: the same for all, or found for each.
Rate: TypeAlias = float | Callable[[Hashable], float]


class Terms(NamedTuple):
    """What each key may do; without a *burst*, its bucket holds its *max_rate*."""

    max_rate: MaxRate
    time_period: float
    burst: float | None

    def max_rate_of(self, key: Hashable) -> float:
        """How much *key* admits in the period."""
        if callable(self.max_rate):
            return numbers.rate("max_rate of a key", self.max_rate(key))
        return self.max_rate

    def burst_of(self, key: Hashable) -> float:
        """How much the bucket of *key* holds."""
        return self.max_rate_of(key) if self.burst is None else self.burst

    def rate(self) -> Rate:
        """Return the units a second of all keys, or a function from a key to that."""
        if callable(self.max_rate):
            return self.rate_of
        return numbers.per_second(self.max_rate, self.time_period)

    def rate_of(self, key: Hashable) -> float:
        """Units a second that leak from *key*."""
        return numbers.per_second(self.max_rate_of(key), self.time_period)
