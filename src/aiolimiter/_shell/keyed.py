"""`KeyedLimiter`: one limit for each user, host or chat."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING, final

from .._core import numbers
from .._core.decision import Decision, LimiterStatistics
from .keys import Keys, Terms
from .verbs import Verbs, longest

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator

    from .keys import MaxRate
    from .line import Line


@final
class KeyedLimiter:
    """
    One leaky bucket for each key.

    ::

        limits = KeyedLimiter(20, 60)

        async with limits["chat 42"]:
            ...  # entered 20 times a minute for each chat, on average

    A key is forgotten exactly when it is as good as new: when its bucket has
    leaked empty and nobody waits for it.  That needs no task and no timer: each
    call looks at two keys.

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
        return KeyLimiter(self._keys, key)

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
        each = [self[key].statistics() for key in self]
        waits = [one.seconds_to_next for one in each if one.seconds_to_next is not None]
        terms = self._keys.terms
        return LimiterStatistics(
            level=sum(one.level for one in each),
            available=inf if callable(terms.max_rate) else terms.burst_of(None),
            waiting=sum(one.waiting for one in each),
            amount_waiting=sum(one.amount_waiting for one in each),
            seconds_to_next=min(waits, default=None),
        )

    def __repr__(self) -> str:
        rate = self.max_rate if callable(self.max_rate) else f"{self.max_rate:g}"
        return f"<KeyedLimiter({rate}, {self.time_period:g}) keys={len(self)}>"


@final
class KeyLimiter(Verbs):
    """The limiter of one key, with all the verbs of an `AsyncLimiter`."""

    __slots__ = ("_keys", "key")

    def __init__(self, keys: Keys, key: Hashable) -> None:
        self._keys = keys
        self.key = key

    @property
    def _line(self) -> Line:
        return self._keys.line(self.key)

    def has_capacity(self, amount: float = 1.0) -> bool:
        """Whether *amount* fits right now; see `AsyncLimiter.has_capacity`."""
        amount = numbers.not_negative("amount", amount)
        line = self._keys.peek(self.key)
        line.advance()
        return amount <= line.meter.burst and line.meter.wait(amount) <= 0.0

    async def acquire(
        self, amount: float = 1.0, *, max_wait: float | None = None
    ) -> None:
        """Wait until *amount* is admitted; see `AsyncLimiter.acquire`."""
        max_wait = longest(max_wait)
        decision = self._keys.decide(self.key, _float(amount))
        if decision is None or not decision.granted:
            await super().acquire(amount, max_wait=max_wait)

    def try_acquire(self, amount: float = 1.0) -> Decision:
        """Take *amount* if it is admitted now; see `AsyncLimiter.try_acquire`."""
        decision = self._keys.decide(self.key, _float(amount))
        return super().try_acquire(amount) if decision is None else decision

    def statistics(self) -> LimiterStatistics:
        """Tell how things are right now, without changing any."""
        return self._keys.peek(self.key).statistics()

    def __repr__(self) -> str:
        return f"<limiter of {self.key!r} level={self.statistics().level:.4g}>"


def _float(amount: float) -> float:
    if amount.__class__ is float:
        return amount
    return numbers.not_negative("amount", amount)


def _checked(max_rate: MaxRate) -> MaxRate:
    return max_rate if callable(max_rate) else numbers.rate("max_rate", max_rate)
