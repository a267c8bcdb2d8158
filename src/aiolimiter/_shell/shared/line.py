"""
The waiting line of a limit that is shared: booked by trips, granted by the clock.

Rules of this file:

- Nobody is granted before the store has booked it, and never before its time.
- While somebody who is booked waits, the next trip starts just before the last
  of them is due.  So a process holds little more than a quantum ahead, and
  processes take turns.
- What is booked and nobody claims goes to whoever is next, or back to the store.
- Whatever changes anything ends in `look`, which sets the one timer.
"""

from __future__ import annotations

import asyncio
import os
from contextlib import suppress
from math import inf
from typing import TYPE_CHECKING

from ..._core.errors import BackendError
from ..._core.numbers import ROUNDING, never_fits
from ..._core.shared import slots
from ..._core.shared.trip import Booking, Floor, Settlement
from .alarm import Alarm
from .asking import Asking, Waiter
from .booked import Booked
from .looking import Looking
from .outlook import SharedOutlook
from .pump import Pump, again
from .rate import MICRO
from .store import Store
from .stretch import Stretch

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..._core.decision import LimiterStatistics
    from ..._core.shared.trip import (
        Change,
        Force,
        Group,
        Refund,
        Reply,
        Request,
        Terms,
    )
    from .alone import Alone

    Turn = asyncio.Future[Booking | None]

# Who gives back takes a breath first, in seconds: others may give up too, and a
# loop that ends cancels everybody and would not see the trip to its end.
BREATH = 0.02


class SharedLine(SharedOutlook):
    """
    All in this process who want something of one shared bucket.

    Args:
        store: Where the bucket is.
        terms: What it is held to.
        quantum: How far ahead a trip books at least, in microseconds.
        timeout: How long a trip may take, in seconds; ``None`` if the store has
            deadlines of its own.
        on_error: What becomes of those who are not booked when the store is
            away: ``"raise"`` an error, ``"wait"``, or (any other) they are let
            go, with a booking of ``None``.
        alone: Where those wait who were let go, until the store is back.
    """

    _is_short: bool

    def __init__(  # noqa: PLR0913 -- what a line is made of
        self,
        store: Store,
        terms: Terms,
        *,
        quantum: int,
        timeout: float | None,
        on_error: str,
        alone: Alone | None = None,
    ) -> None:
        pump = Pump(store, terms, quantum=quantum, timeout=timeout, customer=self)
        super().__init__(pump)
        # What the store said last: when it was raised, and which rates are in force
        # since when.
        self._raised = 0
        self._held = 0, terms
        # Called when others are in force than were known.
        self.changed: Callable[[Force | None], None] | None = None
        self._on_error = on_error
        self._alone = alone
        self._alarm = Alarm()
        self._looking = Looking()
        self._back_at = inf
        self._begin()

    # Asking.

    def ask(
        self, amount: float, max_wait: float | None, since: float | None = None
    ) -> Turn:
        """
        Join the line for *amount*; who came before has its place of then.

        Returns:
            A future for the booking.  Whoever stops waiting for it calls `lost`.

        Raises:
            RuntimeError: Somebody waits in another event loop, which is open.
        """
        loop = self._enter()
        now = loop.time()
        turn: Turn = loop.create_future()
        if self.pump.error and self.pump.is_down(now) and self._on_error != "wait":
            self._let_go(turn, self.pump.error)
            return turn
        longest = inf if max_wait is None else max_wait
        came = now if since is None else since
        key = came + amount / (min(self.pump.terms.rates) / MICRO)
        waiter = Waiter(key, amount, turn, now + longest, longest)
        # Behind others, and without a deadline, nothing changes for anybody.
        if self._asking.join(waiter) or longest < inf:
            self.look()
        return turn

    def lost(self, turn: Turn, amount: float) -> None:
        """Leave the line; or give back what was granted and can't be used."""
        loop = turn.get_loop()
        if loop is not self._last() or loop.is_closed():
            return
        turn.cancel()
        if turn.cancelled():
            if not self._booked.leave(turn):
                self._asking.leave(turn, amount)
        elif turn.exception() is None:
            booking = turn.result()
            if booking is not None:
                self.pump.settle(Settlement(-amount, *booking))
        self.look()

    # Telling.

    def hear(self, reply: Reply) -> None:
        """Take the store's word, which was for somebody who was not in the line."""
        self.pump.hear(reply)
        self._void_before(reply)

    def give_back(self, amount: float, booking: Booking) -> None:
        """Give back what was booked outside of the line, and nobody can use."""
        # Who waits in another loop keeps the line there, and the amount is lost.
        with suppress(RuntimeError):
            self._enter()
            self.pump.settle(Settlement(-amount, *booking))
            self.look()

    async def settle(self, booking: Booking, amount: float) -> None:
        """Tell that what was booked cost *amount* more, or (below 0) less."""
        self._enter()
        await self.pump.tell(settlement=Settlement(amount, *booking))

    async def pause(self, seconds: float) -> None:
        """Admit nobody for *seconds*, in the whole fleet."""
        self._start_over()
        await self.pump.tell(floor=Floor(seconds / MICRO, 0.0))

    async def reset(self) -> None:
        """Be as good as new, for the whole fleet."""
        self._start_over()
        await self.pump.tell(reset=True)

    async def change(self, change: Change) -> None:
        """Hold the whole fleet to other rates."""
        self._give_back(inf, None)
        self._start_over()
        await self.pump.tell(change=change)

    async def restrict(self, remaining: float) -> None:
        """Admit no more than *remaining* right now, in the whole fleet."""
        self._enter()
        await self.pump.tell(floor=Floor(0.0, remaining))

    async def statistics(self) -> LimiterStatistics:
        """Tell how things are: the level of the store, who waits in this process."""
        self._enter()
        return self.outlook((await self.pump.tell()).after)

    async def has_capacity(self, amount: float) -> bool:
        """Whether *amount* fits right now, by the store's word."""
        self._enter()
        levels = (await self.pump.tell()).after
        return slots.due(self.pump.terms, levels, amount) == 0.0

    # Looking.

    def look(self) -> None:
        """Grant all who are due, start a trip if one is wanted, set the timer."""
        now = self.time()
        # While a trip is under way, all else waits for what it brings.
        self._more_at = inf
        if self.pump.busy:
            due = self._booked.grant(now)
        else:
            self._booked.fill(self._asking, now)
            due = self._booked.grant(now)
            self._plan(now)
        self._wake(due)

    def _ring(self) -> None:
        # Most rings are for a grant, which changes nothing else: so nothing else is
        # looked at.
        now = self.time()
        if now < self._more_at:
            self._wake(self._booked.grant(now))
        else:
            self.look()

    def _wake(self, due: float) -> None:
        self._alarm.set(self, min(due, self._more_at), self._ring)

    def _plan(self, now: float) -> None:
        trip = self._next_trip(now)
        if trip <= now:
            self.pump.start()
        else:
            self._refuse_overdue(now, asking=False)
            self._more_at = min(trip, self._asking.next_deadline())

    def _next_trip(self, now: float) -> float:
        trip, last_due = inf, self._booked.last_due()
        if self.pump.is_asked or (self._alone is not None and self._alone.is_wanted):
            trip = now
        # Not who is counted: those cancelled in this tick are still among them.
        if self._asking.head() is not None:
            trip = min(trip, last_due - self.pump.horizon.lead)
        if self.pump.owes or self._booked.has_tail():
            self._back_at = min(self._back_at, now + BREATH)
            trip = min(trip, self._back_at)
        trip = min(trip, self._looking.next_look(self.pump.looked_at, last_due))
        return max(trip, self.pump.probe_at)

    def _refuse_overdue(self, now: float, *, asking: bool) -> None:
        for waiter in self._asking.overdue(now, asking=asking):
            if waiter.turn not in self._booked:
                error = self.refusal(waiter, self._asking.amount)
                waiter.turn.set_exception(error)
                self._asking.leave(waiter.turn, waiter.amount)

    def turn_away(self, most: float) -> None:
        """Refuse those who want more than *most*: they could never have it."""
        for waiter in self._asking:
            if waiter.amount > most * (1.0 + ROUNDING):
                waiter.turn.set_exception(never_fits(waiter.amount, most))
                self._asking.leave(waiter.turn, waiter.amount)

    # What the pump wants to know, and tells.

    def refund(self) -> Refund | None:
        """Return what is booked and not wanted."""
        self._back_at = inf
        self._booked.fill(self._asking, self.time())
        return self._booked.tail()

    def groups(self) -> tuple[Group, ...]:
        """Return who asks in a trip that starts now."""
        now = self.time()
        self._void = False
        groups: tuple[Group, ...] = ()
        if self._booked.last_due() - self.pump.horizon.lead <= now:
            terms, levels = self.pump.terms, self.pump.levels(now)
            wait = slots.due(terms, levels, 0.0) + self.pump.horizon.quantum
            groups = self._asking.groups(now, slots.reach(terms, levels, wait))
        self._refuse_overdue(now, asking=True)
        return groups

    def answered(self, request: Request, reply: Reply) -> None:
        """Take what a trip brought."""
        if self._alone is not None:
            self._alone.release()
        self._booked.move_up(reply.given, reply.now)
        own = sum(max(0.0, -settled.amount) for settled in request.settlements)
        self._looking.heard(reply.given, own / min(self.pump.terms.rates))
        if request.refund is not None and not reply.refunded:
            self._booked.keep()
        self._void_before(reply)
        if self._is_short:
            # Who was left over by the last trip has waited since.
            self.pump.horizon.adapt(slots.drain(self.pump.terms, reply.before))
        if not self._void:
            self._book(request.groups, reply)
        self._is_short = self._asking.head() is not None

    def _void_before(self, reply: Reply) -> None:
        if reply.raised != self._raised or reply.changed != self._held[0]:
            self._raised = reply.raised
            self._give_back(reply.changed, reply.changed)
            self._asking.back(self._booked.void(max(reply.raised, reply.changed)))
        held = reply.changed, self.pump.terms
        if held != self._held:
            self._held = held
            if self.changed is not None:
                self.changed(reply.force)

    def _give_back(self, changed: float, due: int | None) -> None:
        # It is booked anew.  Of several rates nobody can say how much the faster
        # ones have put off for it.
        if len(self.pump.terms.rates) == 1:
            for booked, amount in self._booked.before(changed):
                self.pump.settle(Settlement(-amount, due or booked, booked))

    def failed(self, error: BackendError) -> None:
        """Let go of those who are not booked, or let them wait."""
        if self._on_error != "wait" or self.pump.error is None:
            self._let_all_go(error)

    def _book(self, groups: tuple[Group, ...], reply: Reply) -> None:
        if not groups:
            return
        parts = zip(groups, reply.served, strict=False)
        total = sum(group.amount * part.number for group, part in parts)
        largest = slots.largest(groups, reply.served)
        stretch = Stretch(self.pump.terms, reply, total, largest, self.pump.seen_at)
        for waiter, booked in self._asking.served(reply.served):
            if booked:
                stretch.claim(waiter)
            else:
                error = self.refusal(waiter, waiter.amount)
                waiter.turn.set_exception(error)
        self._booked.add(stretch)

    def _let_all_go(self, error: BackendError | None) -> None:
        for waiter in self._asking:
            self._let_go(waiter.turn, error)
            self._asking.leave(waiter.turn, waiter.amount)

    def _let_go(self, turn: Turn, error: BackendError | None) -> None:
        # Under every policy, what is not a limiter's will not become one.
        if error and (self._on_error == "raise" or self.pump.error is None):
            turn.set_exception(again(error))
        else:
            turn.set_result(None)

    def _start_over(self) -> None:
        # Nobody is booked, and what a trip that is under way brings is void.
        self._enter()
        self._asking.back(self._booked.void(inf))
        self._void = self.pump.under_way

    # Event loops.

    def _enter(self) -> asyncio.AbstractEventLoop:
        loop = asyncio.get_running_loop()
        if not self.follow(loop):
            msg = (
                "can't wait in this event loop: tasks of another one, which is "
                "not closed, wait for this limiter; use one limiter for each loop"
            )
            raise RuntimeError(msg)
        return loop

    def _is_bound(self) -> bool:
        # A fork's copy of a loop is nobody's: the parent runs it.
        return self.waiting() > 0 and self._process == os.getpid()

    def _arrive(self, now: float, behind: float) -> None:  # noqa: ARG002 -- levels are not ours
        self._begin()
        self.pump.forget()

    def _begin(self) -> None:
        self._process = os.getpid()
        self._asking = Asking()
        self._booked = Booked()
        self._alarm.forget()
        self._looking.forget()
        self._back_at = inf
        # The next instant at which there is more to do than to grant.
        self._more_at = -inf
        self._void = False
        # Whether the last trip left somebody over.
        self._is_short = False
