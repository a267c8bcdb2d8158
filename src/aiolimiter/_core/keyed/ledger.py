"""
What is kept of each of many keys, and who can be forgotten.

A key that is as good as one that was never seen is forgotten then, and only
then.  The keys stand in two generations: a sweep moves some from the old one to
the new one, or forgets them, and when the old one is used up the two change
places.

No call looks at all of them.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Hashable
from itertools import islice
from math import inf
from typing import TYPE_CHECKING, Generic, TypeVar

from .nearest import Nearest
from .shards import LAST, MIX, SHARDS, UPPER, Leftovers, Shards, shards

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..meter import Meter
    from .terms import Terms

# A sweep goes on until it has seen so many keys that must be kept, or so many
# in all: where there is much to forget it forgets much.
KEPT = 16
SWEPT = 256
# How many dicts it leaves behind, for they may all be empty.
TURNS = 16
# How many are noted anew at once when all rates are others.
NOTED = 128
# How many that come share a sweep.  One that is kept for each that comes: so
# those to forget are never more than those that owe, and a flood can't outrun it.
COMING = 16

S = TypeVar("S")


class Ledger(ABC, Generic[S]):
    """
    A state for each key that nobody waits for.

    Args:
        most: How many keys are kept; those nearest to new go first.

    Attributes:
        at: The latest instant at which something was asked; the ledger's clock
            does not step back.
        generation: How often all keys have been looked at.
    """

    __slots__ = (
        "_coming",
        "_count",
        "_leftovers",
        "_nearest",
        "_new",
        "_noted_by",
        "_old",
        "_swept",
        "at",
        "generation",
        "most",
    )

    def __init__(self, most: float) -> None:
        self.at = -inf
        self.most = most
        self.generation = 0
        self._new: Shards[S] = shards()
        self._old: Shards[S] = shards()
        self._count = 0
        self._coming = COMING
        # Which shard is swept.
        self._swept = 0
        self._nearest = Nearest(self._guess_new_at)
        # By which generation the nearest are known again.
        self._noted_by = 0
        self._leftovers = Leftovers()

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Hashable]:
        for keys in (*self._new, *self._old):
            yield from keys

    def advance(self, now: float) -> float:
        """Go on to *now*; return it, or the instant before if that is later."""
        if now > self.at:
            self.at = now
        return self.at

    @abstractmethod
    def take(self, key: Hashable, amount: float, burst: float) -> tuple[float, float]:
        """
        Take *amount* from *key* if it fits.

        Returns:
            Seconds until it fits, 0.0 when it was taken; and what fits now.
        """

    @abstractmethod
    def level(self, key: Hashable) -> float:
        """How much *key* owes."""

    @abstractmethod
    def meter(self, key: Hashable) -> Meter:
        """Return a meter that has what *key* owes, to look at."""

    @abstractmethod
    def book(self, key: Hashable, meter: Meter) -> None:
        """Keep of *key*, which is not here, what this quiet *meter* has."""

    @abstractmethod
    def limit_of(self, key: Hashable) -> tuple[float, float]:
        """Return the two numbers that the meter of *key* is made of."""

    @abstractmethod
    def limit_by(self, terms: Terms, key: Hashable) -> tuple[float, float]:
        """Return what these would be by *terms*."""

    @abstractmethod
    def change(self, terms: Terms) -> None:
        """Go on with other *terms*, without a look at every key."""

    def clear(self) -> None:
        """Forget all keys, debt and all."""
        self._leftovers.add((*self._new, *self._old, *self._nearest.clear()))
        self._new, self._old = shards(), shards()
        self._count = 0

    @abstractmethod
    def rebase(self, back: float) -> None:
        """Go on by another clock, which is *back* seconds behind, or this one was."""

    def pop(self, key: Hashable) -> Meter:
        """Forget *key*, and return what it owed as a meter."""
        meter = self.meter(key)
        self._drop(key)
        return meter

    def sweep(self) -> None:
        """Look at some keys, and forget those that owe nothing."""
        self._leftovers.free(SWEPT)
        if not self._count:
            return
        kept = turns = 0
        for _ in range(SWEPT):
            old = self._old[self._swept]
            if old:
                kept += self._keep_or_forget(*old.popitem())
            if not old:
                self._turn()
                turns += 1
            if kept == KEPT or turns == TURNS:
                break

    @abstractmethod
    def _state_now(self, key: Hashable, state: S) -> S | None:
        """Return what is to be kept of *key* by now, or None if there is nothing."""

    @abstractmethod
    def _clock(self) -> float:
        """Return what has leaked by now: a clock that no change of the rate upsets."""

    @abstractmethod
    def _new_at(self, key: Hashable) -> float | None:
        """Return when, by that clock, *key* is as good as new; None if not here."""

    def _state(self, key: Hashable) -> S | None:
        shard = hash(key) * MIX >> UPPER & LAST
        return self._new[shard].get(key) or self._old[shard].get(key)

    def _come(self, key: Hashable, state: S) -> None:
        # Called with what is to be kept of *key*, which is not here.  Room is made
        # first: a note of before would have it go for itself.
        if self.most < inf:
            while self._count and self._count >= self.most:
                self._drop(self._nearest.pop())
        self._new[hash(key) * MIX >> UPPER & LAST][key] = state
        if self.most < inf:
            self._note(key)
            self._nearest.put_right(self._clock())
        self._count += 1
        self._coming -= 1
        if self._coming == 0:
            self._coming = COMING
            self.sweep()

    def _drop(self, key: Hashable) -> None:
        shard = hash(key) * MIX >> UPPER & LAST
        for keys in (self._new[shard], self._old[shard]):
            if keys.pop(key, None) is not None:
                self._count -= 1

    def _note(self, key: Hashable) -> None:
        new_at = self._guess_new_at(key)
        assert new_at is not None, "only who is here is noted"
        self._nearest.note(key, new_at)

    def _note_anew(self) -> None:
        if self.most < inf:
            for key in islice(self, NOTED):
                self._note(key)
            # Two full turns from now all keys have been looked at.
            self._noted_by = self.generation + 3

    def _keep_or_forget(self, key: Hashable, state: S) -> bool:
        try:
            kept = self._state_now(key, state)
        except Exception:  # noqa: BLE001 -- a user's function
            # It can't tell the key's rate.  Who calls now wants another key:
            # this one's own callers will hear of it.
            kept = state
        if kept is None:
            self._count -= 1
            return False
        self._new[self._swept][key] = kept
        if self.generation < self._noted_by:
            self._note(key)
        return True

    def _guess_new_at(self, key: Hashable) -> float | None:
        try:
            return self._new_at(key)
        except Exception:  # noqa: BLE001 -- a user's function
            # As far as anybody knows; so it is the first to go.
            return self._clock()

    def _turn(self) -> None:
        # A new dict, since one that was full stays as large when it is empty.
        shard = self._swept
        self._old[shard], self._new[shard] = self._new[shard], {}
        self._swept = (shard + 1) % SHARDS
        if self._swept == 0:
            self.generation += 1
