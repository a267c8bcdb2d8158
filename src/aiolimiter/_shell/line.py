"""
The waiting line of one limit: a meter, a queue, and one timer.

Rules of this file:

- Grant, don't re-check.  The line takes the amount when a waiter is due and
  hands the grant over; a woken task never asks again.
- One timer, for whoever is first: the earlier of the next grant and the next
  deadline.  It is never trusted to be on time.
- Whatever changes the meter or the queue ends in `look`: it grants all who are
  due, refuses all whose time is over, and sets the timer for the next.
"""

from __future__ import annotations

import asyncio
from math import inf, nextafter
from typing import TYPE_CHECKING

from .._core import numbers
from .._core.bucket import LATENESS
from .._core.decision import Decision, LimiterStatistics
from .._core.errors import RateLimitExceeded
from .clock import RESOLUTION, Clock, margin
from .deadlines import Deadlines
from .queue import Queue, Waiter

if TYPE_CHECKING:
    from .._core.meter import Mark, Meter


class Line(Clock):
    """All who want something from one *meter*."""

    __slots__ = ("_alarm", "_deadlines", "_due", "meter", "queue")

    def __init__(self, meter: Meter) -> None:
        super().__init__()
        self.meter = meter
        self.queue = Queue()
        self._deadlines = Deadlines()
        self._alarm: asyncio.TimerHandle | None = None
        self._due = inf

    # Asking.

    def take(self, amount: float) -> bool:
        """Take *amount* if it fits and nobody goes before it."""
        meter = self.meter
        meter.advance(self.now())
        if self._is_first(meter.at + meter.lead(amount)) and meter.wait(amount) <= 0.0:
            meter.take(amount)
            return True
        return False

    def ask(
        self, amount: float, max_wait: float | None = None
    ) -> asyncio.Future[Mark] | None:
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
        if not self.follow(loop):
            msg = (
                "can't wait in this event loop: tasks of another one, which is "
                "not closed, wait for this limiter; use one limiter for each loop"
            )
            raise RuntimeError(msg)
        meter = self.meter
        if not 0.0 <= amount <= meter.burst:
            numbers.amount(amount, meter.burst)
        meter.advance(self.now())
        key = meter.at + meter.lead(amount)
        first = self._is_first(key)
        if first and meter.wait(amount) <= 0.0:
            meter.take(amount)
            return None
        deadline = inf
        if max_wait is not None:
            if self._delay(amount) > max_wait:
                raise self._refusal(amount, max_wait)
            deadline = meter.at + max_wait
        turn: asyncio.Future[Mark] = loop.create_future()
        waiter = Waiter(key, amount, turn, meter.at, deadline)
        self.queue.push(waiter)
        if deadline < inf:
            self._deadlines.push(waiter)
        if first or deadline < self._due:
            meter.waited = True
            self.look()
        return turn

    def lost(self, turn: asyncio.Future[Mark], amount: float) -> None:
        """Leave the queue; or give back what was granted and can't be used."""
        if turn.get_loop() is not self._loop or self._loop.is_closed():
            return
        if not turn.done():
            turn.cancel()
        if turn.cancelled():
            self.queue.gone(amount)
        elif turn.exception() is None:
            self.meter.advance(self.now())
            self.meter.give_back(turn.result(), amount)
        self.look()

    def refused(self, amount: float, waiter: Waiter | None = None) -> Decision:
        """
        Say when *amount* can be had by one who asks again then.

        Args:
            amount: What is wanted, in units.
            waiter: Who wants it, if already waiting; not in its own way.
        """
        retry_after = self._retry_after(amount, waiter)
        return Decision(False, retry_after, self.meter.available)  # noqa: FBT003 -- a field

    # Changing what is allowed.

    def settle(self, mark: Mark, amount: float, actual: float) -> None:
        """Make what was taken at *mark* cost *actual* instead of *amount*."""
        self.meter.advance(self.now())
        if actual < amount:
            self.meter.give_back(mark, amount - actual)
        else:
            self.meter.take(actual - amount)
        self.look()

    def pause(self, seconds: float) -> None:
        """Admit nobody for *seconds*."""
        self.meter.advance(self.now())
        self.meter.pause(seconds)
        self.look()

    def restrict(self, remaining: float) -> None:
        """Admit no more than *remaining* right now."""
        self.meter.advance(self.now())
        self.meter.restrict(remaining)
        self.look()

    def change(self, first: float, second: float) -> None:
        """Go on with another limit: the two numbers the meter was made of."""
        meter = self.meter
        meter.advance(self.now())
        meter.change(first, second)
        for waiter in [w for w in self.queue if w.amount > meter.burst]:
            error = numbers.never_fits(waiter.amount, meter.burst)
            waiter.turn.set_exception(error)
            self.queue.gone(waiter.amount)
        self.queue.reorder(lambda w: w.arrival + meter.lead(w.amount))
        self.look()

    # Looking.

    def look(self) -> None:
        """Grant all who are due, refuse all whose time is over, set the timer."""
        meter, queue = self.meter, self.queue
        meter.advance(self.now())
        due = inf
        granted = []
        while (head := queue.head()) is not None:
            wait = meter.wait(head.amount)
            if _is_over(head.deadline - meter.at, wait):
                self._refuse(head)
            elif wait > 0.0:
                due = meter.at + wait
                break
            else:
                queue.pop(head)
                meter.take(head.amount)
                granted.append(head.turn)
        if granted:
            self._grant(granted)
        due = min(due, self._next_deadline())
        if not queue.waiting:
            meter.waited = False
        self._set_alarm(due)

    def statistics(self) -> LimiterStatistics:
        """Tell how things are, without changing any."""
        meter, queue = self.meter, self.queue
        meter.advance(self.now())
        return LimiterStatistics(
            level=max(0.0, meter.level),
            available=meter.available,
            waiting=queue.waiting,
            amount_waiting=queue.amount,
            seconds_to_next=self._seconds_to_next(),
        )

    def _is_first(self, key: float) -> bool:
        # Whether nobody who waits goes before one with this key.
        head = self.queue.head()
        return head is None or key < head.key

    def _delay(self, amount: float) -> float:
        # Seconds until the amount is due for one who joins the queue now.
        meter, queue = self.meter, self.queue
        key = meter.at + meter.lead(amount)
        if meter.fluid and queue.ends_by(key):
            return max(0.0, meter.wait(queue.amount + amount))
        forecast = meter.forecast()
        for other in queue:
            if other.key > key:
                break
            forecast.take(other.amount)
        return forecast.wait(amount)

    def _retry_after(self, amount: float, waiter: Waiter | None) -> float:
        # Seconds until one who asks again then is admitted: it comes behind
        # all who are due by then, or go first by then.
        meter, queue = self.meter, self.queue
        key = meter.at + meter.lead(amount)
        if meter.fluid and queue.ends_by(key):
            return self._padded(max(0.0, meter.wait(queue.amount + amount)))
        forecast = meter.forecast()
        for other in queue:
            wait = self._padded(forecast.wait(amount))
            if other.key > key + wait and forecast.wait(other.amount) > wait:
                break
            if other is not waiter:
                forecast.take(other.amount)
        return self._padded(forecast.wait(amount))

    def _padded(self, wait: float) -> float:
        return wait + self.grain + margin(self.meter.at + wait)

    def _seconds_to_next(self) -> float | None:
        # Whoever has to give up before being due is in the way until then.
        blocked = 0.0
        for waiter in self.queue:
            wait = max(blocked, self.meter.wait(waiter.amount))
            left = waiter.deadline - self.meter.at
            if wait <= left:
                return wait
            blocked = max(blocked, left)
        return None

    def _grant(self, turns: list[asyncio.Future[Mark]]) -> None:
        assert self._loop is not None, "whoever waits, waits in a loop"
        mark = self.meter.mark()
        for turn in turns:
            turn.set_result(mark)
        # Runs right after the tasks that were just woken: one that is cancelled
        # before it runs gives back before then.
        self._loop.call_soon(self.meter.release, mark)

    def _refusal(
        self, amount: float, max_wait: float, waiter: Waiter | None = None
    ) -> RateLimitExceeded:
        decision = self.refused(amount, waiter)
        msg = (
            f"can't acquire {amount:g} within {max_wait:.3g} s: "
            f"retry in {decision.retry_after:.3g} s, or allow a longer max_wait"
        )
        return RateLimitExceeded(msg, decision)

    def _refuse(self, waiter: Waiter) -> None:
        self.queue.gone(waiter.amount)
        max_wait = waiter.deadline - waiter.arrival
        waiter.turn.set_exception(self._refusal(waiter.amount, max_wait, waiter))

    def _next_deadline(self) -> float:
        # Those behind the head are not due, so their time is over at the
        # deadline, whatever they would have had to wait.
        while (waiter := self._deadlines.first()) is not None:
            if waiter.deadline > self.meter.at:
                return waiter.deadline
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
        self._due = inf
        self.look()

    def _is_bound(self) -> bool:
        return self.queue.waiting > 0

    def _arrive(self, now: float) -> None:
        # Whoever waited in a loop that is closed will never wake.
        self.queue.clear()
        self._deadlines.clear()
        self._alarm = None
        self._due = inf
        self.meter.abandon()
        self.meter.rebase(now)


def _is_over(left: float, wait: float) -> bool:
    # Whether the time is over for one who has *left* seconds to the deadline
    # and is due in *wait* seconds (or was, if below 0).  It counts when it was
    # due, not when a late timer found out; within reason.
    return left <= 0.0 and left < max(wait, -LATENESS)
