"""
What is kept of each of many keys, and who can be forgotten.

A key that is as good as one that was never seen is forgotten then, and only
then.  The keys stand in two generations: a sweep moves some from the old one to
the new one, or forgets them, and when the old one is used up the two change
places.  Each generation is many small dicts: to free or to resize one of a
million takes too long for one call.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Hashable
from math import inf
from typing import TYPE_CHECKING, Generic, TypeVar

from .nearest import Nearest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .meter import Meter
    from .terms import Terms

# A sweep goes on until it has seen so many keys that must be kept, or so many
# in all: where there is much to forget it forgets much.
KEPT = 16
SWEPT = 256
# How many dicts it leaves behind, for they may all be empty.
TURNS = 16
# How many that come share a sweep.  One that is kept for each that comes: so
# those to forget are never more than those that owe, and a flood can't outrun it.
COMING = 16

# Into how many dicts a generation is divided.
SHARDS = 64

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
        "_nearest",
        "_new",
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
        self._new: list[dict[Hashable, S]] = [{} for _ in range(SHARDS)]
        self._old: list[dict[Hashable, S]] = [{} for _ in range(SHARDS)]
        self._count = 0
        self._coming = COMING
        # Which shard is swept.
        self._swept = 0
        self._nearest = Nearest(self._guess_new_at)

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
    def change(self, terms: Terms) -> None:
        """Go on with other *terms*, without a look at every key."""

    @abstractmethod
    def rebase(self, back: float) -> None:
        """Go on by another clock, which is *back* seconds behind."""

    def pop(self, key: Hashable) -> Meter:
        """Forget *key*, and return what it owed as a meter."""
        meter = self.meter(key)
        self._drop(key)
        return meter

    def sweep(self) -> None:
        """Look at some keys, and forget those that owe nothing."""
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
    def _new_at(self, key: Hashable) -> float | None:
        """Return when *key* is as good as new, or None if it is not here."""

    def _state(self, key: Hashable) -> S | None:
        shard = hash(key) % SHARDS
        return self._new[shard].get(key) or self._old[shard].get(key)

    def _come(self, key: Hashable) -> None:
        # Called when *key* is here; it is not among those that may go for it.
        if self.most < inf:
            while self._count and self._count >= self.most:
                self._drop(self._nearest.pop())
            self._nearest.add(key, self._guess_new_at(key) or self.at, self.at)
        self._count += 1
        self._coming -= 1
        if self._coming == 0:
            self._coming = COMING
            self.sweep()

    def _drop(self, key: Hashable) -> None:
        shard = hash(key) % SHARDS
        for keys in (self._new[shard], self._old[shard]):
            if keys.pop(key, None) is not None:
                self._count -= 1

    def _note_anew(self) -> None:
        if self.most < inf:
            self._nearest.note_anew(self)

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
        return True

    def _guess_new_at(self, key: Hashable) -> float | None:
        try:
            return self._new_at(key)
        except Exception:  # noqa: BLE001 -- a user's function
            # As far as anybody knows; so it is the first to go.
            return self.at

    def _turn(self) -> None:
        # A new dict, since one that was full stays as large when it is empty.
        shard = self._swept
        self._old[shard], self._new[shard] = self._new[shard], {}
        self._swept = (shard + 1) % SHARDS
        if self._swept == 0:
            self.generation += 1
