"""
A stretch of the shared level that belongs to this process.

One trip books it for those who were waiting.  It is not cut into places with
names on them: whoever is first takes the part of it that comes next, and is due
when the end of that part is.  So if somebody gives up, those behind move up.
"""

from __future__ import annotations

from collections import OrderedDict
from math import ceil, inf, nan
from typing import TYPE_CHECKING

from ..._core import numbers
from ..._core.shared import slots
from ..._core.shared.trip import Booking, Refund
from .rate import MICRO

if TYPE_CHECKING:
    from asyncio import Future

    from ..._core.shared.trip import Reply, Terms
    from .asking import Waiter


class Stretch:
    """
    What one *reply* booked.

    Args:
        terms: The rates it was booked under.
        reply: The store's answer.
        total: How much is booked, in units.
        largest: The largest amount it was booked for.
        base: The instant in the loop's time at which the reply came.
    """

    __slots__ = (
        "_base",
        "_before",
        "_claimed",
        "_end",
        "_largest",
        "_moved",
        "_reckoned",
        "_reply",
        "_since",
        "_terms",
        "_wait_for_end",
        "given",
        "taken",
        "total",
        "turns",
    )

    def __init__(
        self, terms: Terms, reply: Reply, total: float, largest: float, base: float
    ) -> None:
        self._terms = terms
        self._reply = reply
        self._largest = largest
        self._base = base
        self._reckoned = base
        # What it has moved up by in all, and before the last time; and since when,
        # after it was booked, somebody may have settled.
        self._moved = self._before = self._since = 0.0
        # Of which end it is known when it is due.
        self._end, self._wait_for_end = nan, 0.0
        self._claimed = 0.0
        self.given = reply.given
        self.total = total
        self.taken = 0.0
        self.turns: OrderedDict[Future[Booking | None], Waiter] = OrderedDict()

    @property
    def booked(self) -> int:
        """The instant at which it was booked, on the store's clock."""
        return self._reply.now

    @property
    def spare(self) -> float:
        """How much of it nobody claims, in units."""
        spare = self.total - self.taken - self._claimed
        return spare if spare > self.total * numbers.ROUNDING else 0.0

    def next_due(self) -> float:
        """Return the instant, in the loop's time, at which the first is due."""
        return self._due(self.taken + next(iter(self.turns.values())).amount)

    def last_due(self) -> float:
        """Return the instant at which the last of those who claim it is due."""
        return self._due(self.taken + self._claimed)

    def fits(self, waiter: Waiter, now: float) -> bool:
        """Whether there is room left for one more, in time for its deadline."""
        if waiter.amount > self.spare:
            return False
        # What is put off lets the bucket run low, and the store was told how low.
        if waiter.amount > self._largest and self._due(self.total) > now:
            return False
        end = self.taken + self._claimed + waiter.amount
        return waiter.deadline == inf or self._due(end) <= waiter.deadline

    def claim(self, waiter: Waiter) -> None:
        """Add one who will take a part of it."""
        self.turns[waiter.turn] = waiter
        self._claimed += waiter.amount

    def leave(self, turn: Future[Booking | None]) -> bool:
        """Let one go who does not want it any more; whether it was here."""
        waiter = self.turns.pop(turn, None)
        if waiter is None:
            return False
        self._claimed -= waiter.amount
        return True

    def grant(self, now: float) -> float:
        """Hand their parts to all who are due, and return when the next one is."""
        turns, booked = self.turns, self._reply.now
        while turns:
            waiter = next(iter(turns.values()))
            end = self.taken + waiter.amount
            wait = self._wait(end)
            due = self._base + wait * MICRO
            # One that is cancelled leaves, and looks again, in this tick.
            if due > now or waiter.turn.done():
                return due
            self.leave(waiter.turn)
            self.taken = end
            waiter.turn.set_result(Booking(booked + ceil(wait), booked))
        return inf

    def move_up(self, given: float, since: int) -> None:
        """Be due earlier: somebody settled for less, but not before *since*."""
        # Less than before means that the store was emptied: start again.
        self._before, self._since = self._moved, since - self.booked
        self._moved += max(0.0, given - self.given)
        self.given = given
        self._end = nan

    def lapse(self, now: float, amount: float) -> None:
        """Lose what came due while nobody wanted it, before an *amount* that is now."""
        # Kept for later, it would come on top of what has leaked meanwhile: so no
        # more than what the rate brought due, whatever the burst had room for.
        past = (now - self._base) / MICRO + self._moved
        reached = slots.reach(self._terms, self._reply.before, past)
        brought = max(self._terms.rates) * (now - self._reckoned) / MICRO
        self._reckoned = now
        lapsed = min(reached - amount - self.taken, brought)
        self.taken = min(self.total, self.taken + max(0.0, lapsed))

    def tail(self) -> Refund:
        """Give up what nobody claims, as a refund."""
        self.total -= self.spare
        reply = self._reply
        return Refund(self.total, reply.before, reply.after[0], reply.now)

    def _due(self, end: float) -> float:
        return self._base + self._wait(end) * MICRO

    def _wait(self, end: float) -> float:
        if end == self._end:
            return self._wait_for_end
        wait = slots.due(self._terms, self._reply.before, end)
        moved = wait - self._moved
        if moved < self._since:
            # There was no place for it before somebody settled.  Said to be due
            # earlier, it would get back what can't have leaked.
            moved = min(wait - self._before, self._since)
        self._end, self._wait_for_end = end, max(0.0, moved)
        return self._wait_for_end
