"""
Who is next.

A request is served by its *key*: the instant it arrived plus the time its own
amount takes to leak.  Equal amounts thus go first come, first served, a small
request may pass a larger one that has just come, and nobody is passed for
longer than its own leaking time.

Most requests come in the order in which they go: they stand in a lane, where
coming and going costs the same however many wait.  Those that pass somebody
stand in a heap beside it.
"""

from __future__ import annotations

from asyncio import Future
from collections import deque
from heapq import heapify, heappop, heappush, merge
from math import inf
from operator import attrgetter
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Protocol

    from .._core.meter import Meter

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
        queue: Where it stands.
    """

    __slots__ = ("amount", "arrival", "deadline", "key", "queue")

    # Whether its amount is all that it waits for.
    alone: ClassVar[bool] = True

    key: float
    amount: float
    arrival: float
    deadline: float
    queue: Queue[Any]

    def key_in(self, meter: Meter) -> float:
        """Return the key, found anew: the rate of *meter* may have changed."""
        return self.arrival + meter.lead(self.amount)

    def cancel(self, msg: object = None) -> bool:
        """Leave the queue at once, not when the task finds time for it."""
        if not super().cancel(msg):
            return False
        self.queue.gone(self.amount)
        return True


class Queue(Generic[W]):
    """The waiters of one limit, in the order of their keys."""

    __slots__ = ("_early", "_lane", "_last", "_ticket", "amount", "left", "waiting")

    def __init__(self) -> None:
        self._lane: deque[W] = deque()
        # The ticket keeps those with the same key in the order they came.
        self._early: list[tuple[float, int, W]] = []
        self._ticket = 0
        # The last key of all; since keys in the lane only grow, one that is in
        # both came to the lane first.
        self._last = -inf
        self.waiting = 0
        self.amount = 0.0
        # How many have gone before their turn.
        self.left = 0

    def push(self, waiter: W) -> bool:
        """Join the queue; return whether this one may be the next."""
        key = waiter.key
        first = not self.waiting
        if key >= self._last:
            self._last = key
            self._lane.append(waiter)
        else:
            first = True
            self._ticket += 1
            heappush(self._early, (key, self._ticket, waiter))
        self.waiting += 1
        self.amount += waiter.amount
        return first

    def head(self) -> W | None:
        """Return who is next, if anybody waits."""
        lane, early = self._lane, self._early
        while lane and lane[0].done():
            lane.popleft()
        while early and early[0][2].done():
            heappop(early)
        if early and not (lane and lane[0].key <= early[0][0]):
            return early[0][2]
        return lane[0] if lane else None

    def pop(self, head: W) -> None:
        """Take the *head* out: its turn has come."""
        if self._lane and self._lane[0] is head:
            self._lane.popleft()
        else:
            heappop(self._early)
        self._leave(head.amount)

    def gone(self, amount: float) -> None:
        """Count one who wanted *amount* out: its turn is done, or cancelled."""
        self.left += 1
        self._leave(amount)
        if len(self._lane) + len(self._early) > 2 * self.waiting + SHORT:
            self._sweep()

    def ends_by(self, key: float) -> bool:
        """Whether everybody who waits goes before one with this *key*."""
        return key >= self._last

    def __iter__(self) -> Iterator[W]:
        """Go through the waiters in their order."""
        early = (waiter for _, _, waiter in sorted(self._early))
        ordered = merge(self._lane, early, key=_key)
        return (waiter for waiter in ordered if not waiter.done())

    def reorder(self, waiters: list[W]) -> None:
        """
        Put all in order again, in one pass: their keys have changed.

        Args:
            waiters: All who waited, in the order of before: those whose keys
                are equal now stay in it.
        """
        waiters = sorted((w for w in waiters if not w.done()), key=_key)
        self._lane = deque(waiters)
        self._early = []
        self._last = waiters[-1].key if waiters else -inf

    def clear(self) -> None:
        """Forget everybody."""
        self._lane.clear()
        self._early.clear()
        self._last = -inf
        self.waiting = 0
        self.amount = 0.0

    def _leave(self, amount: float) -> None:
        self.waiting -= 1
        self.amount -= amount
        if not self.waiting:
            self.clear()

    def _sweep(self) -> None:
        self._lane = deque(w for w in self._lane if not w.done())
        self._early = [entry for entry in self._early if not entry[2].done()]
        heapify(self._early)


_key = attrgetter("key")
