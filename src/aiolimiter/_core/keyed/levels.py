"""
What each of many keys owes: a level, and the instant at which it stood there.

A tuple of two floats, which the garbage collector leaves alone.
"""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING, TypeAlias

from .. import numbers
from ..bucket import Bucket
from ..numbers import ROUNDING
from .ledger import Ledger
from .past import Functions, Rates
from .shards import LAST, MIX, UPPER

if TYPE_CHECKING:
    from collections.abc import Hashable

    from ..meter import Meter
    from .terms import Rate, Terms

State: TypeAlias = tuple[float, float]


class Levels(Ledger[State]):
    """
    The buckets of all keys that nobody waits for.

    Args:
        terms: What each key may do.
        most: How many keys are kept; those nearest to new go first.
    """

    __slots__ = (
        "_functions",
        "_past",
        "_rate",
        "_showed",
        "_showed_at",
        "_since",
        "_speed",
        "_terms",
    )

    def __init__(self, terms: Terms, most: float) -> None:
        super().__init__(most)
        self._terms = terms
        self._rate = terms.rate()
        # Since when that counts.
        self._since = -inf
        self._past = Rates()
        self._functions = Functions()
        # Another clock: it goes by the rate of all, so no change of that upsets
        # who is new before whom.  What it showed when its speed was set.
        self._showed = self._showed_at = 0.0
        self._speed = 1.0
        self._set_speed(terms)

    def take(self, key: Hashable, amount: float, burst: float) -> tuple[float, float]:
        """Take *amount* from *key* if it fits; see `Ledger.take`."""
        shard = hash(key) * MIX >> UPPER & LAST
        new, old = self._new[shard], self._old[shard]
        state = new.get(key) or old.get(key)
        level = 0.0 if state is None else self._leaked(key, state)
        left = burst - level - amount
        wait = 0.0
        if left >= -burst * ROUNDING:
            level += amount
        else:
            wait = -left / _rate_of(self._rate, key)
            left += amount
        if state is None:
            self._come(key, (level, self.at))
        else:
            new[key] = (level, self.at)
            if key in old:
                del old[key]
        return wait, left if left > 0.0 else 0.0

    def level(self, key: Hashable) -> float:
        """How much *key* owes."""
        state = self._state(key)
        return 0.0 if state is None else self._leaked(key, state)

    def meter(self, key: Hashable) -> Bucket:
        """Return a bucket as full as that of *key*."""
        bucket = Bucket(*self.limit_of(key))
        bucket.level, bucket.at = self.level(key), self.at
        return bucket

    def book(self, key: Hashable, meter: Meter) -> None:
        """Keep the level of *meter* for *key*, which is not here."""
        self.advance(meter.at)
        self._come(key, (meter.level, self.at))

    def limit_of(self, key: Hashable) -> tuple[float, float]:
        """Return units a second that leak from *key*, and how much its bucket holds."""
        return _rate_of(self._rate, key), self._terms.burst_of(key)

    def limit_by(self, terms: Terms, key: Hashable) -> tuple[float, float]:
        """Return what these would be by *terms*."""
        return terms.rate_of(key), terms.burst_of(key)

    def change(self, terms: Terms) -> None:
        """Leak at another rate from now on."""
        rate = terms.rate()
        if rate != self._rate:
            self._end(rate)
        self._showed, self._showed_at = self._clock(), self.at
        self._set_speed(terms)
        was, self._terms, self._rate = self._terms.max_rate, terms, rate
        if terms.max_rate is not was and (callable(rate) or callable(was)):
            self._note_anew()
        # What is past goes with the sweeps: it must not grow if all that ever
        # happens is another change.
        self.sweep()

    def clear(self) -> None:
        """Forget all keys, debt and all."""
        super().clear()
        self._past.clear()
        self._functions.clear()

    def sweep(self) -> None:
        """Look at some keys, and forget those that owe nothing."""
        super().sweep()
        if self._past:
            # Two full turns after a change all keys have been written anew.
            gone = self.generation - 3 if len(self) else self.generation
            self._past.forget(gone)
            self._functions.forget(gone)

    def rebase(self, back: float) -> None:
        """Go on by another clock, which is *back* seconds behind."""
        self.at -= back
        self._showed_at -= back
        self._since -= back
        for keys in (*self._new, *self._old):
            for key, (level, at) in keys.items():
                keys[key] = (level, at - back)
        self._past.rebase(back)
        self._functions.rebase(back)

    def _end(self, rate: Rate) -> None:
        before = self._rate
        if inf in (before, rate):
            # Whoever has no limit once owes nothing afterwards.
            self.clear()
        elif callable(before):
            self._functions.end(before, self._since, self.at, self.generation)
            self._past.end(0.0, self.at, self.generation)
        else:
            self._past.end(before, self.at, self.generation)
        self._since = self.at

    def _leaked(self, key: Hashable, state: State) -> float:
        level, at = state
        if at < self._since:
            level -= self._past.leaked(at) + self._functions.leaked(at, key)
            at = self._since
            if level <= 0.0:
                return 0.0
        rate = self._rate
        # `_rate_of`, written out: most calls of this are for its sake.
        level -= (self.at - at) * (rate(key) if callable(rate) else rate)
        # Without a limit it may be no number, which is not above 0 either.
        return level if level > 0.0 else 0.0

    def _state_now(self, key: Hashable, state: State) -> State | None:
        level = self._leaked(key, state)
        return (level, self.at) if level > 0.0 else None

    def _clock(self) -> float:
        return self._showed + (self.at - self._showed_at) * self._speed

    def _new_at(self, key: Hashable) -> float | None:
        state = self._state(key)
        if state is None:
            return None
        left = self._leaked(key, state)
        if self._rate != self._speed:
            left = left / _rate_of(self._rate, key) * self._speed
        return self._clock() + left

    def _set_speed(self, terms: Terms) -> None:
        was, now = self._terms.max_rate, terms.max_rate
        if not callable(now):
            if now < inf:
                self._speed = numbers.per_second(now, terms.time_period)
        elif callable(was):
            # As all their rates.
            self._speed *= self._terms.time_period / terms.time_period


def _rate_of(rate: Rate, key: Hashable) -> float:
    return rate(key) if callable(rate) else rate
