"""
What counted for all keys before, and until when.

A change of the limit costs nothing for each key: what happened to it meanwhile
is made up for when it is read.  That must not take longer the more changes
there were, so what is asked of the past is found by bisection.

The past is needed until every key was read once since.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from typing import TYPE_CHECKING, Generic, NamedTuple, TypeAlias, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    RateOf: TypeAlias = Callable[[Hashable], float]

V = TypeVar("V")

# How many functions of before are asked for one key.  What leaked by an earlier
# one is not counted, to the careful side.
FUNCTIONS = 64


class Past(Generic[V]):
    """Values of before, in the order of the instants until which they counted."""

    __slots__ = ("_generations", "untils", "values")

    def __init__(self) -> None:
        self.untils: list[float] = []
        self.values: list[V] = []
        self._generations: list[int] = []

    def __len__(self) -> int:
        return len(self.untils)

    def add(self, until: float, value: V, generation: int) -> None:
        """Note that *value* counted *until* now, in that *generation* of keys."""
        self.untils.append(until)
        self.values.append(value)
        self._generations.append(generation)

    def forget(self, generation: int) -> None:
        """Forget what ended in *generation* or before."""
        if self._generations and self._generations[0] <= generation:
            self._cut(bisect_right(self._generations, generation))

    def clear(self) -> None:
        """Forget all."""
        self._cut(len(self))

    def rebase(self, back: float) -> None:
        """Go on by another clock, which is *back* seconds behind."""
        self.untils = [until - back for until in self.untils]

    def _cut(self, end: int) -> None:
        del self.untils[:end], self.values[:end], self._generations[:end]


class Periods(Past[float]):
    """
    The periods of windows.

    Whatever was older than a period when it ended has expired; so of all since a
    window was read, the one counts by which most has.  Others are not kept.
    """

    __slots__ = ()

    def add(self, until: float, value: float, generation: int) -> None:
        """Note that a period of *value* seconds counted *until* now."""
        while self.untils and self.untils[-1] - self.values[-1] <= until - value:
            del self.untils[-1], self.values[-1], self._generations[-1]
        super().add(until, value, generation)

    def shortest(self, at: float) -> tuple[float, float] | None:
        """Return until when which period counted, for one last read *at*."""
        index = bisect_left(self.untils, at)
        if index == len(self.untils):
            return None
        return self.untils[index], self.values[index]


class Sum(NamedTuple):
    """
    A rate, and what had leaked when it ended; since the first one ended.

    The sum is in two parts: differences of sums that are a million times larger
    are as exact as the rates.
    """

    rate: float
    high: float = 0.0
    low: float = 0.0

    def then(self, rate: float, seconds: float) -> Sum:
        """Return the sum after so many *seconds* at *rate*."""
        more = rate * seconds
        # Knuth's exact error of an addition, TAOCP 4.2.2.
        high = self.high + more
        added = high - self.high
        error = (self.high - (high - added)) + (more - added)
        return Sum(rate, high, self.low + error)


class Rates(Past[Sum]):
    """The rates of buckets, in units a second."""

    __slots__ = ()

    def end(self, rate: float, until: float, generation: int) -> None:
        """Note that all leaked at *rate* until now."""
        if self.untils:
            total = self.values[-1].then(rate, until - self.untils[-1])
        else:
            total = Sum(rate)
        self.add(until, total, generation)

    def leaked(self, at: float) -> float:
        """Return what has leaked from *at* until the last one ended."""
        index = bisect_right(self.untils, at)
        if index == len(self.untils):
            return 0.0
        first, last = self.values[index], self.values[-1]
        since = (last.high - first.high) + (last.low - first.low)
        return (self.untils[index] - at) * first.rate + since


class Functions(Past[tuple[float, "RateOf"]]):
    """Functions that found the rate of each key, and since when."""

    __slots__ = ()

    def end(self, rate: RateOf, since: float, until: float, generation: int) -> None:
        """Note that each leaked at its own *rate* from *since* until now."""
        self.add(until, (since, rate), generation)
        if len(self) > FUNCTIONS:
            self._cut(1)

    def leaked(self, at: float, key: Hashable) -> float:
        """Return what has leaked from *key* since *at*, while one of these counted."""
        leaked = 0.0
        for index in range(bisect_right(self.untils, at), len(self)):
            since, rate = self.values[index]
            leaked += (self.untils[index] - max(since, at)) * _asked(rate, key)
        return leaked

    def rebase(self, back: float) -> None:
        """Go on by another clock, which is *back* seconds behind."""
        super().rebase(back)
        self.values = [(since - back, rate) for since, rate in self.values]


def _asked(rate: RateOf, key: Hashable) -> float:
    try:
        return rate(key)
    except Exception:  # noqa: BLE001 -- a user's function
        # It may fail for a key by now, and be replaced for that: nothing leaked.
        return 0.0
