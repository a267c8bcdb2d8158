"""
The waiting line of one limit: a meter, a queue, and one timer.

Rules of this file:

- Grant, don't re-check.  The line takes the amount when a waiter is due and
  hands the grant over; a woken task never asks again.
- One timer, for whoever is first: the earlier of the next grant and the next
  deadline.  It is never trusted to be on time.
- Whatever changes the meter or the queue ends in `look`: it grants all who are
  due, refuses all whose time is over, and sets the timer for the next.  Only a
  newcomer does not: it was not admitted, so the timer is all it may change.
"""

from __future__ import annotations

import asyncio
from math import inf, nextafter
from typing import TYPE_CHECKING, cast

from .._core import numbers
from .._core.bucket import LATENESS
from .._core.decision import Decision, decided
from .._core.errors import refusal
from .clock import RESOLUTION
from .deadlines import Deadlines
from .outlook import Outlook, is_over
from .queue import Turn

if TYPE_CHECKING:
    from .._core.meter import Mark, Meter
    from .request import Request


class Line(Outlook):
    """All who want something from one *meter*."""

    __slots__ = ("_alarm", "_deadlines", "_due", "_noted")

    def __init__(self, meter: Meter) -> None:
        super().__init__(meter)
        self._deadlines: Deadlines[Turn] | None = None
        self._alarm: asyncio.TimerHandle | None = None
        self._due = inf
        # The alarm of which it is known that it is late.
        self._noted = -inf

    def take(self, amount: float) -> bool:
        """Take *amount* if it fits and nobody goes before it."""
        if self.admits(amount, self.advance() + self.meter.lead(amount)):
            self.meter.take(amount)
            return True
        return False

    def decide(self, amount: float) -> Decision:
        """Take *amount* if it is admitted, or say when it can be had."""
        if self.take(amount):
            return decided(Decision, (True, 0.0, self.meter.available))
        return self.refused(amount)

    def enter(self, loop: asyncio.AbstractEventLoop) -> None:
        """
        Make *loop* the one that is waited in.

        Raises:
            RuntimeError: Somebody waits in another one, which is open.
        """
        if not self.follow(loop):
            msg = (
                "can't wait in this event loop: tasks of another one, which is "
                "not closed, wait for this limiter; use one limiter for each loop"
            )
            raise RuntimeError(msg)

    def ask(self, amount: float, max_wait: float | None = None) -> Turn | None:
        """
        Take *amount*, or join the queue for it.

        Returns:
            None when it was taken, else a future whose result is the mark of
            the admission.  Whoever stops waiting for it calls `lost`.

        Raises:
            RateLimitExceeded: The wait would be longer than *max_wait* seconds.
            ValueError: *amount* is no amount, or more than the meter holds.
            RuntimeError: Somebody waits in another event loop, which is open.
        """
        loop = asyncio.get_running_loop()
        if loop is not self._loop:
            self.enter(loop)
        meter = self.meter
        if not 0.0 <= amount <= meter.burst < inf:
            amount = numbers.amount(amount, meter.burst)
        meter.advance(self.time())
        now = meter.at
        key = now + meter.lead(amount)
        if self.admits(amount, key):
            meter.take(amount)
            return None
        deadline = inf
        if max_wait is not None:
            if self._noted != self._due:
                self._note_lateness()
            if self.delay(amount, key) > max_wait:
                raise refusal(amount, max_wait, self.refused(amount))
            deadline = now + max_wait
        turn = Turn(loop=loop)
        turn.key, turn.amount, turn.arrival = key, amount, now
        turn.deadline, turn.queue = deadline, self.queue
        self.join(turn)
        return turn

    def join(self, waiter: Turn) -> None:
        """Let *waiter* queue: it was not admitted at once."""
        queue = self.queue
        first = queue.push(waiter)
        due = waiter.deadline
        if due < inf:
            self._deadlines = self._deadlines or Deadlines()
            self._deadlines.push(waiter)
        if first and queue.waiting > 1:
            # Who is passed will be later than was foretold.
            self.upset = True
        if first and queue.head() is waiter:
            self.meter.waited = True
            due = min(due, self.meter.at + self._wait(waiter.amount, waiter.key))
        if due < self._due:
            self._set_alarm(due)

    def lost(self, turn: Turn) -> None:
        """Leave the queue; or give back what was granted and can't be used."""
        loop = turn.get_loop()
        if loop is not self._loop or loop.is_closed():
            return
        turn.cancel()
        if not turn.cancelled() and turn.exception() is None:
            self.advance()
            self.meter.give_back(turn.result(), turn.amount)
        self.look()

    def settle(self, mark: Mark, amount: float, actual: float) -> None:
        """Make what was taken at *mark* cost *actual* instead of *amount*."""
        self.advance()
        if actual < amount:
            self.meter.give_back(mark, amount - actual)
        else:
            self.meter.take(actual - amount)
            self.upset = True
        self.look()

    def pause(self, seconds: float) -> None:
        """Admit nobody for *seconds*."""
        self.advance()
        self.meter.pause(seconds)
        self.upset = True
        self.look()

    def restrict(self, remaining: float) -> None:
        """Admit no more than *remaining* right now."""
        self.advance()
        self.meter.restrict(remaining)
        self.upset = True
        self.look()

    def change(self, first: float, second: float) -> None:
        """Go on with another limit: the two numbers the meter was made of."""
        meter = self.meter
        self.advance()
        meter.change(first, second)
        self.upset = True
        waiters = list(self.queue)
        for waiter in waiters:
            if waiter.amount > meter.burst:
                waiter.set_exception(numbers.never_fits(waiter.amount, meter.burst))
                self.queue.gone(waiter.amount)
            else:
                waiter.key = waiter.key_in(meter)
        self.queue.reorder(waiters)
        self.look()

    def look(self) -> None:
        """Grant all who are due, refuse all whose time is over, set the timer."""
        self.advance()
        self._note_lateness()
        due = self._grant_due()
        due = min(due, self._next_deadline())
        if not self.queue.waiting:
            self.meter.waited = False
            self.calm()
        self._set_alarm(due)

    def look_soon(self) -> None:
        """Look in a moment: another line may be looking now."""
        if self.queue.waiting:
            self._set_alarm(self.meter.at)

    def comes_at(self, request: Request, now: float) -> float:
        """Return the instant at which *request* comes, at the soonest."""
        due = self.due_of(request)
        if due > now:
            return due
        # A promise holds it back until the next look; or that is just going on.
        return now if self._alarm is None else self._due

    def _grant_due(self) -> float:
        # Returns the instant at which the next one is due.
        meter, queue = self.meter, self.queue
        granted: list[Turn] = []
        due = inf
        while (head := queue.head()) is not None:
            wait = self._wait(head.amount, head.key)
            if head.deadline <= meter.at and is_over(head.deadline - meter.at, wait):
                self._refuse(head)
            elif wait > 0.0:
                due = meter.at + wait
                break
            else:
                queue.pop(head)
                if head.alone:
                    meter.take(head.amount)
                    granted.append(head)
                else:
                    cast("Request", head).come(self)
        if granted:
            self._grant(granted)
        return due

    def _grant(self, turns: list[Turn]) -> None:
        assert self._loop is not None, "whoever waits, waits in a loop"
        mark = self.meter.mark()
        for turn in turns:
            turn.set_result(mark)
        # Runs right after the tasks that were just woken: one that is cancelled
        # before it runs gives back before then.
        self._loop.call_soon(self.meter.release, mark)

    def _refuse(self, waiter: Turn) -> None:
        self.queue.gone(waiter.amount)
        self.hopeless_left(waiter.amount)
        decision = self.refused(waiter.amount, waiter)
        max_wait = waiter.deadline - waiter.arrival
        waiter.set_exception(refusal(waiter.amount, max_wait, decision))

    def _next_deadline(self) -> float:
        # Those behind the head are not due, so their time is over at the
        # deadline, whatever they would have had to wait.
        deadlines = self._deadlines
        while deadlines is not None and (waiter := deadlines.first()) is not None:
            if waiter.queue is not self.queue:
                # It has gone to wait in another line.
                deadlines.drop()
            elif waiter.deadline > self.meter.at:
                return waiter.deadline
            else:
                self._refuse(waiter)
        return inf

    def _set_alarm(self, due: float) -> None:
        if self._alarm is not None:
            # An alarm that is early does no harm: it looks, and sets the next.
            if self._due <= due + RESOLUTION and due < inf:
                return
            self._alarm.cancel()
            self._alarm = None
        self._due = due
        if due < inf:
            assert self._loop is not None, "whoever waits, waits in a loop"
            # On a coarse clock an alarm for now would ring for ever.
            when = max(due, nextafter(self.meter.at, inf)) + self.grain
            self._alarm = self._loop.call_at(when, self._ring)

    def _ring(self) -> None:
        self._alarm = None
        self.look()

    def _note_lateness(self) -> None:
        # What can't be made up for makes everybody late.
        if self.meter.at > self._due + LATENESS:
            self._noted = self._due
            self.upset = True

    def _is_bound(self) -> bool:
        return self.queue.waiting > 0 or self.needed > 0

    def _arrive(self, now: float) -> None:
        # Whoever waited in a loop that is closed will never wake.
        self.queue.clear()
        self.promises = None
        self.meter.promise(False)  # noqa: FBT003 -- a switch
        self.needed = 0
        self._deadlines = None
        self._alarm = None
        self._due = inf
        self.calm()
        self.meter.abandon()
        self.meter.rebase(now)
