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

from collections import deque
from heapq import heapify, heappop, heappush, merge
from math import inf
from operator import attrgetter
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from asyncio import Future
    from collections.abc import Callable, Iterator

    from .request import Request

# Entries of those who gave up are swept when they outnumber the others; a
# queue this short is not worth a sweep.
SHORT = 32


class Waiter(NamedTuple):
    """One who waits: a tuple, since there may be millions of them."""

    key: float
    amount: float
    turn: Future[Any] | Request
    arrival: float
    deadline: float


class Visitor(Waiter):
    """One who needs other lines as well: its turn is a `Request`."""

    __slots__ = ()


class Queue:
    """The waiters of one limit, in the order of their keys."""

    __slots__ = ("_early", "_lane", "_last", "_ticket", "amount", "waiting")

    def __init__(self) -> None:
        self._lane: deque[Waiter] = deque()
        # The ticket keeps those with the same key in the order they came.
        self._early: list[tuple[float, int, Waiter]] = []
        self._ticket = 0
        # The last key of all; since keys in the lane only grow, one that is in
        # both came to the lane first.
        self._last = -inf
        self.waiting = 0
        self.amount = 0.0

    def push(self, waiter: Waiter) -> None:
        """Join the queue."""
        key = waiter.key
        if key >= self._last:
            self._last = key
            self._lane.append(waiter)
        else:
            self._ticket += 1
            heappush(self._early, (key, self._ticket, waiter))
        self.waiting += 1
        self.amount += waiter.amount

    def head(self) -> Waiter | None:
        """Return who is next, if anybody waits."""
        lane, early = self._lane, self._early
        while lane and lane[0].turn.done():
            lane.popleft()
        while early and early[0][2].turn.done():
            heappop(early)
        if early and not (lane and lane[0].key <= early[0][0]):
            return early[0][2]
        return lane[0] if lane else None

    def pop(self, head: Waiter) -> None:
        """Take the *head* out: its turn has come."""
        if self._lane and self._lane[0] is head:
            self._lane.popleft()
        else:
            heappop(self._early)
        self._leave(head.amount)

    def gone(self, amount: float) -> None:
        """Count one who wanted *amount* out: its turn is done, or cancelled."""
        self._leave(amount)
        if len(self._lane) + len(self._early) > 2 * self.waiting + SHORT:
            self._sweep()

    def ends_by(self, key: float) -> bool:
        """Whether everybody who waits goes before one with this *key*."""
        return key >= self._last

    def __iter__(self) -> Iterator[Waiter]:
        """Go through the waiters in their order."""
        early = (waiter for _, _, waiter in sorted(self._early))
        ordered = merge(self._lane, early, key=_key)
        return (waiter for waiter in ordered if not waiter.turn.done())

    def reorder(self, key: Callable[[Waiter], float]) -> None:
        """Give everybody a new key, in one pass."""
        waiters = [waiter._replace(key=key(waiter)) for waiter in self]
        waiters.sort(key=_key)
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
        self._lane = deque(w for w in self._lane if not w.turn.done())
        self._early = [entry for entry in self._early if not entry[2].turn.done()]
        heapify(self._early)


_key = attrgetter("key")
