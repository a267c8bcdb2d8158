"""
Who is next.

A request is served by its *key*: the instant it arrived plus the time its own
amount takes to leak.  Equal amounts thus go first come, first served, a small
request may pass a larger one that has just come, and nobody is passed for
longer than its own leaking time.

They stand in rows, one behind the other, none of which is long: so nobody who
comes or goes moves many, and how much is ahead of one is known by the row.
"""

from __future__ import annotations

from asyncio import Future
from bisect import bisect_right
from math import inf
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Protocol

    from .._core.meter import Meter
    from .line import Line

    class Waiting(Protocol):
        """What stands in a queue."""

        @property
        def key(self) -> float:
            """Who is next has the smallest."""

        @property
        def amount(self) -> float:
            """What it wants, in units."""

        @property
        def deadline(self) -> float:
            """The instant until which it waits."""

        def done(self) -> bool:
            """Whether nobody waits for it any more."""


# Entries of those who gave up are swept when they outnumber the others; a
# queue this short is not worth a sweep.
SHORT = 32

# How many stand in a row, at most.
WIDE = 512


W = TypeVar("W", bound="Waiting")


class Turn(Future[Any]):
    """
    One who waits, and what it waits for.

    A future of its own, and no object beside it: there may be millions, and
    what the garbage collector has to look at costs more than all the rest.

    Attributes:
        key: Who is next has the smallest.
        amount: What it wants, in units.
        arrival: The instant at which it came.
        deadline: The instant until which it waits.
        line: Where it waits.
        row: In which row of it, as long as it waits.
    """

    __slots__ = ("amount", "arrival", "deadline", "key", "line", "row")

    key: float
    amount: float
    arrival: float
    deadline: float
    line: Line
    row: Row[Any]

    def key_in(self, meter: Meter) -> float:
        """Return the key, found anew: the rate of *meter* may have changed."""
        return self.arrival + meter.lead(self.amount)

    def come(self, line: Line) -> bool:
        """Take what is due in *line*; return whether it is granted with the others."""
        line.meter.take(self.amount)
        return True

    def cancel(self, msg: object = None) -> bool:
        """Leave the queue at once, not when the task finds time for it."""
        if not super().cancel(msg):
            return False
        self.leave()
        return True

    def lost(self) -> None:
        """Leave the queue; or give back what was granted and can't be used."""
        self.line.lost(self)

    def leave(self) -> None:
        """Be counted out of the queue, done or not."""
        self.line.queue.gone(self.amount, self.row)
        # It stays in the row for a while, and nothing may go in a circle.
        del self.row


class Row(Generic[W]):
    """
    Some who stand next to each other.

    Attributes:
        waiters: Those; also who gave up.
        keys: Their keys.
        amounts: What each of them wants, in units.
        gone: How many of them gave up.
        amount: How much those want who wait, in units.
        most: No one wants more.
    """

    __slots__ = ("amount", "amounts", "gone", "keys", "most", "waiters")

    def __init__(self, waiters: list[W]) -> None:
        self.waiters = waiters
        self.keys = [waiter.key for waiter in waiters]
        self.amounts = [waiter.amount for waiter in waiters]
        still = [waiter.amount for waiter in waiters if not waiter.done()]
        self.gone = len(waiters) - len(still)
        self.amount = sum(still)
        self.most = max(self.amounts)

    def insert(self, place: int, waiter: W) -> None:
        """Let *waiter* stand before the one at *place*, or at the end."""
        amount = waiter.amount
        self.keys.insert(place, waiter.key)
        self.amounts.insert(place, amount)
        self.waiters.insert(place, waiter)
        self.amount += amount
        if amount > self.most:
            self.most = amount


class TurnsRow(Row[Turn]):
    """Some turns, each of which knows where it stands: keys may be the same."""

    __slots__ = ()

    def __init__(self, waiters: list[Turn]) -> None:
        super().__init__(waiters)
        for waiter in waiters:
            waiter.row = self

    def insert(self, place: int, waiter: Turn) -> None:
        """Let *waiter* stand before the one at *place*, or at the end."""
        Row.insert(self, place, waiter)
        waiter.row = self


class Queue(Generic[W]):
    """
    The waiters of one limit, in the order of their keys.

    Args:
        row: What they stand in.
    """

    __slots__ = ("_last", "_row", "_standing", "amount", "left", "rows", "waiting")

    def __init__(self, row: type[Row[W]] = Row) -> None:
        self._row = row
        # None of them is empty.
        self.rows: list[Row[W]] = []
        # The last key of all, and how many have an entry, those who gave up too.
        self._last = -inf
        self._standing = 0
        self.waiting = 0
        self.amount = 0.0
        # How many have gone before their turn.
        self.left = 0

    def push(self, waiter: W) -> bool:
        """Join the queue; return whether this one may be the next."""
        key, rows = waiter.key, self.rows
        first = not self.waiting
        if key >= self._last or not rows:
            self._last = key
            if rows and len(rows[-1].keys) < WIDE:
                rows[-1].insert(WIDE, waiter)
            else:
                rows.append(self._row([waiter]))
        else:
            first = True
            self._insert(waiter)
        self._standing += 1
        self.waiting += 1
        self.amount += waiter.amount
        return first

    def head(self) -> W | None:
        """Return who is next, if anybody waits; not while somebody leaves."""
        if self._standing > 2 * self.waiting + SHORT:
            self._stand(self.in_order())
        return self.first()

    def first(self) -> W | None:
        """Return who is next, also while one is counted out who is not done yet."""
        while self.rows:
            row = self.rows[0]
            if not row.waiters[0].done():
                return row.waiters[0]
            row.gone -= 1
            self._drop_first()
        return None

    def pop(self, head: W) -> None:
        """Take the *head* out: its turn has come."""
        self.rows[0].amount -= head.amount
        self._drop_first()
        self._leave(head.amount)

    def gone(self, amount: float, row: Row[W] | None = None) -> None:
        """
        Count one out whose turn is done, or cancelled.

        Args:
            amount: What it wanted.
            row: Where it stands; need not be told where nobody asks what is ahead.
        """
        self.left += 1
        if row is not None:
            row.gone += 1
            row.amount -= amount
        self._leave(amount)

    def ends_by(self, key: float) -> bool:
        """Whether everybody who waits goes before one with this *key*."""
        return key >= self._last

    def ahead(self, key: float) -> float:
        """Return how much those want who go before one with this *key*."""
        rows = self.rows
        place = bisect_right(rows, key, key=_last_key)
        ahead = sum([row.amount for row in rows[:place]])
        if place < len(rows):
            some = rows[place].waiters[: bisect_right(rows[place].keys, key)]
            ahead += sum([waiter.amount for waiter in some if not waiter.done()])
        return ahead

    def __iter__(self) -> Iterator[W]:
        """Go through the waiters in their order, far or not: the first cost little."""
        for row in self.rows:
            for waiter in row.waiters:
                if not waiter.done():
                    yield waiter

    def in_order(self) -> list[W]:
        """Return all waiters in their order: at once, which costs each the least."""
        return [one for row in self.rows for one in row.waiters if not one.done()]

    def in_figures(self) -> tuple[list[float], list[float]]:
        """Return the keys of all waiters, and what each wants, in their order."""
        keys: list[float] = []
        amounts: list[float] = []
        for row in self.rows:
            if row.gone:
                some = [one for one in row.waiters if not one.done()]
                keys += [one.key for one in some]
                amounts += [one.amount for one in some]
            else:
                # They lie about in memory: a million is slow to be asked.
                keys += row.keys
                amounts += row.amounts
        return keys, amounts

    def reorder(self, waiters: list[W]) -> None:
        """
        Put all in order again, in one pass: their keys have changed.

        Args:
            waiters: All who waited, in the order of before: those whose keys
                are equal now stay in it.
        """
        waiters = sorted((w for w in waiters if not w.done()), key=_key)
        self._stand(waiters)
        self._last = waiters[-1].key if waiters else -inf

    def clear(self) -> None:
        """Forget everybody."""
        self.rows.clear()
        self._last = -inf
        self._standing = 0
        self.waiting = 0
        self.amount = 0.0

    def _insert(self, waiter: W) -> None:
        # Behind those with the same key, and before somebody.
        rows, key = self.rows, waiter.key
        at = min(bisect_right(rows, key, key=_last_key), len(rows) - 1)
        row = rows[at]
        place = bisect_right(row.keys, key)
        row.insert(place, waiter)
        if len(row.keys) > WIDE:
            half, waiters = WIDE // 2, row.waiters
            first, second = self._row(waiters[:half]), self._row(waiters[half:])
            second.amount = row.amount - first.amount
            rows[at : at + 1] = first, second

    def _drop_first(self) -> None:
        row = self.rows[0]
        del row.keys[0], row.amounts[0], row.waiters[0]
        self._standing -= 1
        if not row.keys:
            del self.rows[0]

    def _stand(self, waiters: list[W]) -> None:
        starts = range(0, len(waiters), WIDE)
        self.rows = [self._row(waiters[start : start + WIDE]) for start in starts]
        self._standing = len(waiters)

    def _leave(self, amount: float) -> None:
        self.waiting -= 1
        self.amount -= amount
        if not self.waiting:
            self.clear()


def _last_key(row: Row[Any]) -> float:
    return row.keys[-1]


_key = attrgetter("key")
