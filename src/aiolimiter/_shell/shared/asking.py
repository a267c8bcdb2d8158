"""
Those who wait for the store to book them: in the queue, or asking already.

A trip asks for the first of the queue.  Those it can't book stay ahead of all
whose key is not smaller, and ask again in the next one.  It looks at no others:
however many wait, a trip costs what it books.
"""

from __future__ import annotations

from collections import OrderedDict
from heapq import heappop
from math import ceil, inf
from operator import attrgetter
from typing import TYPE_CHECKING, NamedTuple

from ..._core.shared.trip import Group
from ..deadlines import Deadlines
from ..queue import Queue

if TYPE_CHECKING:
    from asyncio import Future
    from collections.abc import Iterator, Sequence

    from ..._core.shared.trip import Booking, Served

    Turn = Future[Booking | None]

# A trip asks for no more groups than this: the server works for one at a time.
GROUPS = 500

# Waits are told in steps of this, in microseconds, so that those who came at the
# same time with the same longest wait make one group.
STEP = 1000.0

# Who would wait longer than this waits for good, in seconds: thirty years.
FOR_GOOD = 1e9


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

    __slots__ = (
        "_amount",
        "_deadlines",
        "_gone",
        "_put_off",
        "_queue",
        "_sent",
        "_under_way",
    )

    def __init__(self) -> None:
        self._queue: Queue[Waiter] = Queue()
        # Those whom the latest trip asks for, and those whom one could not book.
        self._under_way: OrderedDict[Turn, Waiter] = OrderedDict()
        self._put_off: OrderedDict[Turn, Waiter] = OrderedDict()
        # Put off, cancelled, and passed over since.
        self._gone: dict[Turn, Waiter] = {}
        # What all these want.
        self._amount = 0.0
        self._sent: list[list[Waiter]] = []
        self._deadlines = _Deadlines()

    @property
    def waiting(self) -> int:
        """How many wait."""
        return self._queue.waiting + sum(map(len, self._apart()))

    @property
    def amount(self) -> float:
        """How much they want together."""
        return self._queue.amount + self._amount

    def __iter__(self) -> Iterator[Waiter]:
        """Go through them: those who ask, those put off, then the queue."""
        for waiters in (self._under_way, self._put_off):
            yield from [w for w in waiters.values() if not w.done()]
        yield from list(self._queue)

    def join(self, waiter: Waiter) -> bool:
        """Let one more wait; return whether this may be the first of the queue."""
        self._watch(waiter)
        return self._queue.push(waiter)

    def leave(self, turn: Turn, amount: float) -> None:
        """Go, cancelled or answered."""
        if not self._out(turn):
            self._queue.gone(amount)

    def back(self, waiters: Sequence[Waiter]) -> None:
        """Take those in again whose booking is void."""
        if waiters:
            self._put_in(sorted(waiters, key=_key))
        for waiter in waiters:
            self._amount += waiter.amount
            self._watch(waiter)

    def head(self) -> Waiter | None:
        """Return who is first, if anybody waits."""
        head = self._queue.head()
        if not (self._put_off or self._under_way):
            return head
        for first in (self._first_put_off(), self._first_under_way()):
            if first is not None and (head is None or first.key <= head.key):
                head = first
        return head

    def pop(self, head: Waiter) -> None:
        """Take the *head* out: it has a place."""
        if not self._out(head.turn):
            self._queue.pop(head)

    def groups(self, now: float, limit: float) -> tuple[Group, ...]:
        """Name who asks in the next trip: the first, up to *limit* units or a bit."""
        # The latest trip may have failed.
        self._return()
        self._sent = []
        sent, kinds = self._sent, list[tuple[float, float]]()
        while limit >= 0.0 and len(sent) < GROUPS:
            put_off, queued = self._first_put_off(), self._queue.head()
            if put_off is not None and (queued is None or put_off.key <= queued.key):
                waiter = self._put_off.pop(put_off.turn)
            elif queued is not None:
                waiter = queued
                self._queue.pop(waiter)
                self._amount += waiter.amount
            else:
                break
            limit -= waiter.amount
            self._under_way[waiter.turn] = waiter
            kind = waiter.amount, _wait(waiter, now)
            if kinds and kinds[-1] == kind:
                sent[-1].append(waiter)
            else:
                kinds.append(kind)
                sent.append([waiter])
        return tuple(
            Group(len(some), *kind) for some, kind in zip(sent, kinds, strict=True)
        )

    def served(self, served: Sequence[Served]) -> Iterator[tuple[Waiter, bool]]:
        """Take out those whom the trip booked (true) or refused (false)."""
        sent, self._sent = self._sent, []
        for waiters, part in zip(sent, served, strict=False):
            for place, waiter in enumerate(waiters):
                booked = place < part.number
                if waiter.done() or not (booked or part.refused):
                    continue
                self._out(waiter.turn)
                yield waiter, booked
        self._return()

    def overdue(self, now: float, *, asking: bool) -> Iterator[Waiter]:
        """Go through those whose time is over, except those who are *asking*."""
        held = []
        # One whose booking was void is there twice: by the second time it is done.
        while (waiter := self._deadlines.over(now)) is not None:
            if asking and self._is_apart(waiter.turn):
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

    def _apart(self) -> tuple[dict[Turn, Waiter], ...]:
        return self._under_way, self._put_off, self._gone

    def _is_apart(self, turn: Turn) -> bool:
        return turn in self._under_way or turn in self._put_off

    def _out(self, turn: Turn) -> bool:
        under_way, put_off, gone = self._under_way, self._put_off, self._gone
        if not (under_way or put_off or gone):
            return False
        waiter = (
            under_way.pop(turn, None) or put_off.pop(turn, None) or gone.pop(turn, None)
        )
        if waiter is None:
            return False
        # Sums of floats drift; nothing is nothing.
        is_left = under_way or put_off or gone
        self._amount = self._amount - waiter.amount if is_left else 0.0
        return True

    def _first_put_off(self) -> Waiter | None:
        put_off = self._put_off
        while put_off:
            turn, first = next(iter(put_off.items()))
            if not turn.done():
                return first
            # It leaves in the next step of the loop, with maybe thousands more: each
            # is passed over once.
            self._gone[turn] = put_off.pop(turn)
        return None

    def _first_under_way(self) -> Waiter | None:
        return next((w for w in self._under_way.values() if not w.done()), None)

    def _return(self) -> None:
        """Put off those whom the latest trip asked for and who are still there."""
        if self._under_way:
            waiters = [*self._under_way.values()]
            self._under_way = OrderedDict()
            self._put_in(waiters)

    def _put_in(self, waiters: Sequence[Waiter]) -> None:
        put_off = self._put_off
        if put_off and next(iter(put_off.values())).key < waiters[-1].key:
            everybody = sorted([*waiters, *put_off.values()], key=_key)
            self._put_off = OrderedDict((w.turn, w) for w in everybody)
            return
        for waiter in reversed(waiters):
            put_off[waiter.turn] = waiter
            put_off.move_to_end(waiter.turn, last=False)


_key = attrgetter("key")


def _wait(waiter: Waiter, now: float) -> float:
    left = waiter.deadline - now
    if left > FOR_GOOD:
        return -1.0
    return max(0.0, ceil(left * 1e6 / STEP) * STEP)


class _Deadlines(Deadlines[Waiter]):
    __slots__ = ()

    def over(self, now: float) -> Waiter | None:
        """Take out one whose deadline has come, if there is any."""
        first = self.first()
        if first is None or first.deadline > now:
            return None
        heappop(self._heap)
        return first
