"""
Those who wait for the store to book them: in the queue, or asking already.

A trip asks for the first of the queue.  Those it can't book stay ahead of all
whose key is not smaller, and ask again in the next one.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from heapq import heappop
from math import ceil, inf
from typing import TYPE_CHECKING, NamedTuple

from ..._core.trip import Group
from ..deadlines import Deadlines
from ..queue import Queue

if TYPE_CHECKING:
    from asyncio import Future
    from collections.abc import Iterable, Iterator, Sequence

    from ..._core.trip import Booking, Served

    Turn = Future[Booking | None]

# A trip asks for no more groups than this: the server works for one at a time.
GROUPS = 500

# Waits are told in steps of this, in microseconds, so that those who came at the
# same time with the same longest wait make one group.
STEP = 1000.0


class Waiter(NamedTuple):
    """One who waits for a booking."""

    key: float
    amount: float
    turn: Turn
    deadline: float
    max_wait: float

    def done(self) -> bool:
        """Whether nobody waits for it any more."""
        return self.turn.done()


class Asking:
    """Everybody who waits and is not booked."""

    __slots__ = ("_asked", "_deadlines", "_queue", "_sent")

    def __init__(self) -> None:
        self._queue: Queue[Waiter] = Queue()
        self._asked: OrderedDict[Turn, Waiter] = OrderedDict()
        self._sent: list[list[Waiter]] = []
        self._deadlines = _Deadlines()

    @property
    def waiting(self) -> int:
        """How many wait."""
        return self._queue.waiting + len(self._asked)

    @property
    def amount(self) -> float:
        """How much they want together."""
        return self._queue.amount + sum(w.amount for w in self._asked.values())

    def __iter__(self) -> Iterator[Waiter]:
        """Go through them: those who ask, then the queue."""
        yield from [w for w in self._asked.values() if not w.done()]
        yield from list(self._queue)

    def join(self, waiter: Waiter) -> bool:
        """Let one more wait; return whether this may be the first of the queue."""
        self._watch(waiter)
        return self._queue.push(waiter)

    def leave(self, turn: Turn, amount: float) -> None:
        """Go, cancelled or answered."""
        if self._asked.pop(turn, None) is None:
            self._queue.gone(amount)

    def back(self, waiters: Iterable[Waiter]) -> None:
        """Take those in again whose booking is void."""
        everybody = [*self._asked.values(), *waiters]
        everybody.sort(key=lambda waiter: waiter.key)
        self._asked = OrderedDict((waiter.turn, waiter) for waiter in everybody)
        for waiter in waiters:
            self._watch(waiter)

    def head(self) -> Waiter | None:
        """Return who is first, if anybody waits."""
        head = self._queue.head()
        for first in self._asked.values():
            # One that is cancelled leaves in the next step of the loop.
            if not first.turn.done():
                return first if head is None or first.key <= head.key else head
        return head

    def pop(self, head: Waiter) -> None:
        """Take the *head* out: it has a place."""
        if self._asked.pop(head.turn, None) is None:
            self._queue.pop(head)

    def groups(self, now: float, limit: float) -> tuple[Group, ...]:
        """Name who asks in the next trip: the first, up to *limit* units or a bit."""
        left = deque(self._asked.values())
        self._asked = OrderedDict()
        self._sent = []
        groups: list[Group] = []
        while limit >= 0.0 and len(groups) < GROUPS:
            waiter = self._next(left)
            if waiter is None:
                break
            limit -= waiter.amount
            self._asked[waiter.turn] = waiter
            self._add(groups, waiter, _wait(waiter, now))
        self._asked.update((waiter.turn, waiter) for waiter in left)
        return tuple(groups)

    def served(self, served: Sequence[Served]) -> Iterator[tuple[Waiter, bool]]:
        """Take out those whom the trip booked (true) or refused (false)."""
        sent, self._sent = self._sent, []
        for waiters, part in zip(sent, served, strict=False):
            for place, waiter in enumerate(waiters):
                booked = place < part.number
                if waiter.done() or not (booked or part.refused):
                    continue
                del self._asked[waiter.turn]
                yield waiter, booked

    def overdue(self, now: float, *, asking: bool) -> Iterator[Waiter]:
        """Go through those whose time is over, except those who are *asking*."""
        held = []
        # One whose booking was void is there twice: by the second time it is done.
        while (waiter := self._deadlines.over(now)) is not None:
            if asking and waiter.turn in self._asked:
                held.append(waiter)
            else:
                yield waiter
        for waiter in held:
            self._deadlines.push(waiter)

    def next_deadline(self) -> float:
        """Return the next instant at which somebody's time is over."""
        first = self._deadlines.first()
        return inf if first is None else first.deadline

    def _watch(self, waiter: Waiter) -> None:
        if waiter.deadline < inf:
            self._deadlines.push(waiter)

    def _next(self, left: deque[Waiter]) -> Waiter | None:
        head = self._queue.head()
        if left and (head is None or left[0].key <= head.key):
            return left.popleft()
        if head is not None:
            self._queue.pop(head)
        return head

    def _add(self, groups: list[Group], waiter: Waiter, wait: float) -> None:
        amount = waiter.amount
        if groups and groups[-1].amount == amount and groups[-1].wait == wait:
            groups[-1] = groups[-1]._replace(number=groups[-1].number + 1)
            self._sent[-1].append(waiter)
        else:
            groups.append(Group(1, amount, wait))
            self._sent.append([waiter])


def _wait(waiter: Waiter, now: float) -> float:
    if waiter.deadline == inf:
        return -1.0
    return max(0.0, ceil((waiter.deadline - now) * 1e6 / STEP) * STEP)


class _Deadlines(Deadlines[Waiter]):
    __slots__ = ()

    def over(self, now: float) -> Waiter | None:
        """Take out one whose deadline has come, if there is any."""
        first = self.first()
        if first is None or first.deadline > now:
            return None
        heappop(self._heap)
        return first
