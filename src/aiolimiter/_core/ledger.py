"""
What each of many keys owes, and who owes nothing any more.

A key that has leaked empty is as good as one that was never seen, so it is
forgotten then, and only then.  The keys stand in two generations: now and then
a call moves some from the old one to the new one, or forgets them, and when the
old one is used up the two change places.  Two keys a call, all in all, so what
a flood of keys has taken is given back.  Each generation is many small dicts:
to free or to resize one of a million takes too long for one call.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from heapq import heapify, heappop, heappush, heapreplace
from math import inf
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterator

# How many keys a sweep looks at, and how many calls share one.
SWEPT = 32
CALLS = 16

# Into how many dicts a generation is divided.
SHARDS = 64

# A level, and the instant at which it stood there: a tuple of floats, which
# the garbage collector leaves alone.
State: TypeAlias = tuple[float, float]
RateOf: TypeAlias = Callable[[Hashable], float]


class Ledger:
    """
    The levels of all keys that nobody waits for.

    Args:
        rate_of: Units a second that leak from a key.
        most: How many keys are kept; those nearest to new go first.

    Attributes:
        rate_of: Units a second that leak from a key; see `change`.
        at: The latest instant at which something was asked.
    """

    __slots__ = (
        "_calls",
        "_count",
        "_generation",
        "_nearest",
        "_new",
        "_old",
        "_past",
        "_swept",
        "_ticket",
        "at",
        "most",
        "rate_of",
    )

    def __init__(self, rate_of: RateOf, most: float) -> None:
        self.rate_of = rate_of
        self.most = most
        self.at = -inf
        self._new: list[dict[Hashable, State]] = [{} for _ in range(SHARDS)]
        self._old: list[dict[Hashable, State]] = [{} for _ in range(SHARDS)]
        self._count = 0
        self._calls = CALLS
        # Which shard is swept, and how often all of them have been.
        self._swept = 0
        self._generation = 0
        # Rates of before: until when, and in which generation that was.  A change
        # costs nothing for each key: its level is made up when it is read.
        self._past: list[tuple[float, RateOf, int]] = []
        # When each key will have leaked empty, or some time before.
        self._nearest: list[tuple[float, int, Hashable]] = []
        self._ticket = 0

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Hashable]:
        for keys in (*self._new, *self._old):
            yield from keys

    def __contains__(self, key: Hashable) -> bool:
        shard = hash(key) % SHARDS
        return key in self._new[shard] or key in self._old[shard]

    def level(self, key: Hashable, now: float) -> float:
        """How much *key* owes at *now*."""
        shard = hash(key) % SHARDS
        state = self._new[shard].get(key) or self._old[shard].get(key)
        return 0.0 if state is None else self._leaked(key, state, now)

    def count(self, now: float) -> None:
        """Count a call, and let one of a few look at some keys."""
        self.at = now
        self._calls -= 1
        if self._calls == 0:
            self._calls = CALLS
            self.sweep(now)

    def book(self, key: Hashable, level: float, now: float) -> None:
        """Let *key* owe *level* at *now*."""
        shard = hash(key) % SHARDS
        new = self._new[shard]
        if key not in new and self._old[shard].pop(key, None) is None:
            self._come(key, now + level / self.rate_of(key), now)
        new[key] = (level, now)

    def drop(self, key: Hashable) -> None:
        """Forget *key*, if it is here: it is counted elsewhere."""
        if key in self:
            shard = hash(key) % SHARDS
            self._new[shard].pop(key, None)
            self._old[shard].pop(key, None)
            self._count -= 1

    def sweep(self, now: float) -> None:
        """Look at some keys, and forget those that owe nothing."""
        for _ in range(SWEPT):
            if not self._old[self._swept]:
                self._turn()
                continue
            key, state = self._old[self._swept].popitem()
            level = self._leaked(key, state, now)
            if level > 0.0:
                self._new[self._swept][key] = (level, now)
            else:
                self._count -= 1

    def change(self, rate_of: RateOf, now: float) -> None:
        """Leak at another rate from *now* on, without a look at every key."""
        self.at = now
        self._past.append((now, self.rate_of, self._generation))
        self.rate_of = rate_of
        self._nearest = [
            (self._empty_at(key, now), ticket, key)
            for _, ticket, key in self._nearest
            if key in self
        ]
        heapify(self._nearest)

    def rebase(self, back: float) -> None:
        """Go on by another clock, which is *back* seconds behind."""
        for keys in (*self._new, *self._old):
            for key, (level, at) in keys.items():
                keys[key] = (level, at - back)
        self._past = [(until - back, rate, when) for until, rate, when in self._past]
        self._nearest = [(at - back, ticket, key) for at, ticket, key in self._nearest]

    def _leaked(self, key: Hashable, state: State, now: float) -> float:
        level, at = state
        for until, rate_of, _ in self._past:
            if at < until:
                level = max(0.0, level - (until - at) * rate_of(key))
                at = until
        if now > at:
            level -= (now - at) * self.rate_of(key)
        return level if level > 0.0 else 0.0

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

    def _come(self, key: Hashable, empty_at: float, now: float) -> None:
        self._count += 1
        if self.most == inf:
            return
        while self._count > self.most and self._nearest:
            self._forget_nearest(now)
        self._ticket += 1
        heappush(self._nearest, (empty_at, self._ticket, key))

    def _empty_at(self, key: Hashable, now: float) -> float:
        return now + self.level(key, now) / self.rate_of(key)

    def _forget_nearest(self, now: float) -> None:
        # An entry says when its key would be empty had nothing been added
        # since; what has been added shows only when it comes up.
        nearest = self._nearest
        while nearest:
            noted, ticket, key = nearest[0]
            empty_at = self._empty_at(key, now)
            if empty_at > max(noted, now):
                heapreplace(nearest, (empty_at, ticket, key))
                continue
            heappop(nearest)
            if key in self:
                self.drop(key)
                return
