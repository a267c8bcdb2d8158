"""
What each of many keys owes: a level, and the instant at which it stood there.

A tuple of two floats, which the garbage collector leaves alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from .bucket import Bucket
from .ledger import SHARDS, Ledger
from .numbers import ROUNDING

if TYPE_CHECKING:
    from collections.abc import Hashable

    from .meter import Meter
    from .terms import Rate, Terms

State: TypeAlias = tuple[float, float]


class Levels(Ledger[State]):
    """
    The buckets of all keys that nobody waits for.

    Args:
        terms: What each key may do.
        most: How many keys are kept; those nearest to new go first.
    """

    __slots__ = ("_past", "_rate", "_terms")

    def __init__(self, terms: Terms, most: float) -> None:
        super().__init__(most)
        self._terms = terms
        self._rate = terms.rate()
        # Rates of before: until when, and in which generation that was.  A change
        # costs nothing for each key: its level is made up when it is read.
        self._past: list[tuple[float, Rate, int]] = []

    def take(self, key: Hashable, amount: float, burst: float) -> tuple[float, float]:
        """Take *amount* from *key* if it fits; see `Ledger.take`."""
        shard = hash(key) % SHARDS
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
        new[key] = (level, self.at)
        if state is None:
            self._come(key)
        elif key in old:
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
        self._new[hash(key) % SHARDS][key] = (meter.level, self.at)
        self._come(key)

    def limit_of(self, key: Hashable) -> tuple[float, float]:
        """Return units a second that leak from *key*, and how much its bucket holds."""
        return _rate_of(self._rate, key), self._terms.burst_of(key)

    def change(self, terms: Terms) -> None:
        """Leak at another rate from now on."""
        self._past.append((self.at, self._rate, self.generation))
        self._terms = terms
        self._rate = terms.rate()
        self._note_anew()
        # What is past goes with the sweeps: it must not grow if all that ever
        # happens is another change.
        self.sweep()

    def sweep(self) -> None:
        """Look at some keys, and forget those that owe nothing."""
        super().sweep()
        if self._past:
            # Two full turns after a change all keys have been written anew.
            keep = self.generation - 3 if len(self) else self.generation
            self._past = [past for past in self._past if past[2] > keep]

    def rebase(self, back: float) -> None:
        """Go on by another clock, which is *back* seconds behind."""
        self.at -= back
        for keys in (*self._new, *self._old):
            for key, (level, at) in keys.items():
                keys[key] = (level, at - back)
        self._past = [(until - back, rate, when) for until, rate, when in self._past]
        self._note_anew()

    def _leaked(self, key: Hashable, state: State) -> float:
        level, at = state
        for until, rate, _ in self._past:
            if at < until:
                level = max(0.0, level - (until - at) * _rate_before(rate, key))
                at = until
        level -= (self.at - at) * _rate_of(self._rate, key)
        # Without a limit it may be no number, which is not above 0 either.
        return level if level > 0.0 else 0.0

    def _state_now(self, key: Hashable, state: State) -> State | None:
        level = self._leaked(key, state)
        return (level, self.at) if level > 0.0 else None

    def _new_at(self, key: Hashable) -> float | None:
        state = self._state(key)
        if state is None:
            return None
        return self.at + self._leaked(key, state) / _rate_of(self._rate, key)


def _rate_of(rate: Rate, key: Hashable) -> float:
    return rate(key) if callable(rate) else rate


def _rate_before(rate: Rate, key: Hashable) -> float:
    try:
        return _rate_of(rate, key)
    except Exception:  # noqa: BLE001 -- a user's function
        # It may fail for a key by now, and be replaced for that: nothing leaked.
        return 0.0
