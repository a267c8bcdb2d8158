"""
What each of many keys owes, and who owes nothing any more.

A key that has leaked empty is as good as one that was never seen, so it is
forgotten then, and only then.  The keys stand in two generations: a sweep moves
some from the old one to the new one, or forgets them, and when the old one is
used up the two change places.  Each generation is many small dicts: to free or
to resize one of a million takes too long for one call.
"""

from __future__ import annotations

from collections.abc import Hashable
from math import inf
from typing import TYPE_CHECKING, TypeAlias

from .nearest import Nearest
from .numbers import ROUNDING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .terms import Rate

# A sweep goes on until it has seen so many keys that owe something still, or
# so many in all: where there is much to forget it forgets much.
KEPT = 16
SWEPT = 256
# How many dicts it leaves behind, for they may all be empty.
TURNS = 16
# How many that come share a sweep.  One that is kept for each that comes: so
# those to forget are never more than those that owe, and a flood can't outrun it.
COMING = 16

# Into how many dicts a generation is divided.
SHARDS = 64

# A level, and the instant at which it stood there: a tuple of floats, which
# the garbage collector leaves alone.
State: TypeAlias = tuple[float, float]


class Ledger:
    """
    The levels of all keys that nobody waits for.

    Args:
        rate: Units a second that leak from a key.
        most: How many keys are kept; those nearest to new go first.

    Attributes:
        at: The latest instant at which something was asked; the ledger's clock
            does not step back.
        rate: Units a second that leak from a key; see `change`.
    """

    __slots__ = (
        "_coming",
        "_count",
        "_generation",
        "_nearest",
        "_new",
        "_old",
        "_past",
        "_swept",
        "at",
        "most",
        "rate",
    )

    def __init__(self, rate: Rate, most: float) -> None:
        self.at = -inf
        self.most = most
        self.rate = rate
        self._new: list[dict[Hashable, State]] = [{} for _ in range(SHARDS)]
        self._old: list[dict[Hashable, State]] = [{} for _ in range(SHARDS)]
        self._count = 0
        self._coming = COMING
        # Which shard is swept, and how often all of them have been.
        self._swept = 0
        self._generation = 0
        # Rates of before: until when, and in which generation that was.  A change
        # costs nothing for each key: its level is made up when it is read.
        self._past: list[tuple[float, Rate, int]] = []
        self._nearest = Nearest(self._empty_at)

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Hashable]:
        for keys in (*self._new, *self._old):
            yield from keys

    def __contains__(self, key: Hashable) -> bool:
        shard = hash(key) % SHARDS
        return key in self._new[shard] or key in self._old[shard]

    def rate_of(self, key: Hashable) -> float:
        """Units a second that leak from *key*."""
        return _rate_of(self.rate, key)

    def level(self, key: Hashable) -> float:
        """How much *key* owes."""
        shard = hash(key) % SHARDS
        state = self._new[shard].get(key) or self._old[shard].get(key)
        return 0.0 if state is None else self._leaked(key, state)

    def advance(self, now: float) -> float:
        """Go on to *now*; return it, or the instant before if that is later."""
        if now > self.at:
            self.at = now
        return self.at

    def take(self, key: Hashable, amount: float, burst: float) -> float:
        """
        Take *amount* from *key* if it fits; return how much fits then.

        Below 0 it does not fit, by so much, and nothing is taken.
        """
        shard = hash(key) % SHARDS
        new = self._new[shard]
        state = new.get(key) or self._old[shard].pop(key, None)
        level = 0.0 if state is None else self._leaked(key, state)
        left = burst - level - amount
        if left >= -burst * ROUNDING:
            level += amount
            left = left if left > 0.0 else 0.0
        new[key] = (level, self.at)
        if state is None:
            self._come(key, level)
        return left

    def book(self, key: Hashable, level: float) -> None:
        """Let *key*, which is not here, owe *level*."""
        self._new[hash(key) % SHARDS][key] = (level, self.at)
        self._come(key, level)

    def pop(self, key: Hashable) -> float:
        """Forget *key*, and return what it owed."""
        shard = hash(key) % SHARDS
        state = self._new[shard].pop(key, None) or self._old[shard].pop(key, None)
        if state is None:
            return 0.0
        self._count -= 1
        return self._leaked(key, state)

    def sweep(self) -> None:
        """Look at some keys, and forget those that owe nothing."""
        kept = turns = 0
        for _ in range(SWEPT):
            old = self._old[self._swept]
            if not old:
                self._turn()
                turns += 1
            elif self._keep_or_forget(*old.popitem()):
                kept += 1
            if kept == KEPT or turns == TURNS:
                break

    def change(self, rate: Rate) -> None:
        """Leak at another *rate* from now on, without a look at every key."""
        self._past.append((self.at, self.rate, self._generation))
        self.rate = rate
        if self.most < inf:
            self._nearest.note_anew(self)
        # What is past goes with the sweeps: it must not grow if all that ever
        # happens is another change.
        self.sweep()

    def rebase(self, back: float) -> None:
        """Go on by another clock, which is *back* seconds behind."""
        self.at -= back
        for keys in (*self._new, *self._old):
            for key, (level, at) in keys.items():
                keys[key] = (level, at - back)
        self._past = [(until - back, rate, when) for until, rate, when in self._past]
        if self.most < inf:
            self._nearest.note_anew(self)

    def _leaked(self, key: Hashable, state: State) -> float:
        level, at = state
        for until, rate, _ in self._past:
            if at < until:
                level = max(0.0, level - (until - at) * _rate_of(rate, key))
                at = until
        level -= (self.at - at) * _rate_of(self.rate, key)
        # Without a limit it may be no number, which is not above 0 either.
        return level if level > 0.0 else 0.0

    def _keep_or_forget(self, key: Hashable, state: State) -> bool:
        level = self._leaked(key, state)
        if level > 0.0:
            self._new[self._swept][key] = (level, self.at)
            return True
        self._count -= 1
        return False

    def _turn(self) -> None:
        # A new dict, since one that was full stays as large when it is empty.
        shard = self._swept
        self._old[shard], self._new[shard] = self._new[shard], {}
        self._swept = (shard + 1) % SHARDS
        if self._swept == 0:
            self._generation += 1
            # Two full turns after a change all keys have been written anew.
            keep = self._generation - 3
            self._past = [past for past in self._past if past[2] > keep]

    def _come(self, key: Hashable, level: float) -> None:
        self._coming -= 1
        if self._coming == 0:
            self._coming = COMING
            self.sweep()
        if self.most < inf:
            while self._count and self._count >= self.most:
                self.pop(self._nearest.pop())
            self._nearest.add(key, self.at + level / self.rate_of(key), self.at)
        self._count += 1

    def _empty_at(self, key: Hashable) -> float | None:
        if key not in self:
            return None
        return self.at + self.level(key) / self.rate_of(key)


def _rate_of(rate: Rate, key: Hashable) -> float:
    return rate(key) if callable(rate) else rate
