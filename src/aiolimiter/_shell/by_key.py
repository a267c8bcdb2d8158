"""What all limiters for each key have in common."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING

from .._core import numbers

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator

    from .._core.decision import LimiterStatistics
    from .._core.terms import MaxRate
    from .key import KeyLimiter
    from .keys import Keys


class ByKey:
    """A limiter for each key, made when it is asked for."""

    __slots__ = ("__weakref__", "_keys")

    def __init__(self, keys: Keys) -> None:
        self._keys = keys

    def __getitem__(self, key: Hashable) -> KeyLimiter:
        """Return the limiter of *key*; it stays right for as long as it is held."""
        keys = self._keys
        keys.calls = calls = keys.calls - 1
        if calls <= 0:
            keys.sweep()
        return keys.handles[key]

    def __len__(self) -> int:
        """How many keys owe something; some may have leaked empty just now."""
        return len(self._keys)

    def __contains__(self, key: Hashable) -> bool:
        """Whether *key* owes something, or somebody waits for it."""
        return self._keys.owes(key)

    def __iter__(self) -> Iterator[Hashable]:
        """Go through the keys that owe something."""
        return (key for key in self._keys if self._keys.owes(key))

    @property
    def max_rate(self) -> MaxRate:
        """How much each key admits in `time_period`; may be set while tasks wait."""
        return self._keys.terms.max_rate

    @max_rate.setter
    def max_rate(self, max_rate: MaxRate) -> None:
        self._keys.change(self._keys.terms._replace(max_rate=checked(max_rate)))

    @property
    def time_period(self) -> float:
        """In seconds; may be set while tasks wait."""
        return self._keys.terms.time_period

    @time_period.setter
    def time_period(self, time_period: float) -> None:
        period = numbers.positive("time_period", time_period)
        self._keys.change(self._keys.terms._replace(time_period=period))

    def statistics(self) -> LimiterStatistics:
        """
        Tell how all keys together are right now; looks at each of them.

        ``available`` is what a new key has, infinite if that depends on the key.
        """
        return self._keys.statistics()

    def __repr__(self) -> str:
        name = type(self).__name__
        rate = self.max_rate if callable(self.max_rate) else f"{self.max_rate:g}"
        return f"<{name}({rate}, {self.time_period:g}) keys={len(self)}>"


def checked(max_rate: MaxRate) -> MaxRate:
    """Return *max_rate* if it may be that of a key, or finds it for each."""
    return max_rate if callable(max_rate) else numbers.rate("max_rate", max_rate)


def most(max_keys: float | None) -> float:
    """Return how many keys are remembered at most."""
    return inf if max_keys is None else numbers.positive("max_keys", max_keys)
