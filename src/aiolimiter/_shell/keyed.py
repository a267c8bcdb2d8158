"""`KeyedLimiter`: one limit for each user, host or chat."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING, final

from .._core import numbers
from .._core.decision import LimiterStatistics
from .._core.terms import Terms
from .key import QuietKeyLimiter
from .keys import Keys

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator

    from .._core.terms import MaxRate
    from .key import KeyLimiter


@final
class KeyedLimiter:
    """
    One leaky bucket for each key.

    ::

        limits = KeyedLimiter(20, 60)

        async with limits["chat 42"]:
            ...  # entered 20 times a minute for each chat, on average

    A key is forgotten exactly when it is as good as new: when its bucket has
    leaked empty and nobody waits for it.  That needs no task and no timer: now
    and then a call looks at some keys.

    Args:
        max_rate: How much a key admits in *time_period*, in units; or a
            function from a key to that.
        time_period: In seconds.
        burst: How much a key's bucket holds; its *max_rate* if not given.
        max_keys: How many keys are remembered at most.  Above that, the ones
            nearest to new are forgotten, debt and all; those with waiters are
            not.

    Raises:
        ValueError: One of them is not above 0, or not finite.
    """

    __slots__ = ("__weakref__", "_keys")

    def __init__(
        self,
        max_rate: MaxRate,
        time_period: float = 60,
        *,
        burst: float | None = None,
        max_keys: int | None = None,
    ) -> None:
        terms = Terms(
            _checked(max_rate),
            numbers.positive("time_period", time_period),
            None if burst is None else numbers.positive("burst", burst),
        )
        most = inf if max_keys is None else numbers.positive("max_keys", max_keys)
        self._keys = Keys(terms, most)

    def __getitem__(self, key: Hashable) -> KeyLimiter:
        """Return the limiter of *key*; it stays right for as long as it is held."""
        keys = self._keys
        keys.calls -= 1
        if keys.calls <= 0:
            keys.sweep()
        handle = keys.handles.get(key)
        return QuietKeyLimiter(keys, key) if handle is None else handle

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
        self._keys.change(self._keys.terms._replace(max_rate=_checked(max_rate)))

    @property
    def time_period(self) -> float:
        """In seconds; may be set while tasks wait."""
        return self._keys.terms.time_period

    @time_period.setter
    def time_period(self, time_period: float) -> None:
        period = numbers.positive("time_period", time_period)
        self._keys.change(self._keys.terms._replace(time_period=period))

    @property
    def burst(self) -> float | None:
        """How much each key's bucket holds, or None: its `max_rate`."""
        return self._keys.terms.burst

    @burst.setter
    def burst(self, burst: float | None) -> None:
        burst = None if burst is None else numbers.positive("burst", burst)
        self._keys.change(self._keys.terms._replace(burst=burst))

    def statistics(self) -> LimiterStatistics:
        """
        Tell how all keys together are right now; looks at each of them.

        ``available`` is what a new key has, infinite if that depends on the key.
        """
        return self._keys.statistics()

    def __repr__(self) -> str:
        rate = self.max_rate if callable(self.max_rate) else f"{self.max_rate:g}"
        return f"<KeyedLimiter({rate}, {self.time_period:g}) keys={len(self)}>"


def _checked(max_rate: MaxRate) -> MaxRate:
    return max_rate if callable(max_rate) else numbers.rate("max_rate", max_rate)
