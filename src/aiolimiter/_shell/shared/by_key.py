"""What is known of all limiters that have a shared bucket for each key."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .limiter import SharedLimiter
    from .rate import Rate


class SharedByKey(ABC):
    """A shared limiter for each key, made when it is asked for."""

    # What each key is held to, all at once.
    _rates: tuple[Rate, ...]

    @abstractmethod
    def __getitem__(self, key: object) -> SharedLimiter:
        """Return the limiter of *key*."""

    @property
    def max_rate(self) -> float:
        """How much each key admits in `time_period`; of several rates the first."""
        return self._rates[0].max_rate

    @property
    def time_period(self) -> float:
        """In seconds; of several rates the first."""
        return self._rates[0].time_period

    @property
    def burst(self) -> float:
        """The largest amount that a key can be asked for."""
        return min(rate.burst for rate in self._rates)
