"""
The waiting line of one limit: a meter, a queue, and one timer.

Rules of this file:

- Grant, don't re-check.  The line takes the amount when a waiter is due and
  hands the grant over; a woken task never asks again.
- One timer, for whoever is first: the earlier of the next grant and the next
  deadline.  It is never trusted to be on time.
- Whatever changes the meter or the queue ends in `look`: it grants all who are
  due, refuses all whose time is over, and sets the timer for the next.  Only a
  newcomer does not: it was not admitted, so the timer is all it may change.  And
  what makes everybody later does not if there is nobody.
"""

from __future__ import annotations

import asyncio
from contextvars import Context
from math import inf
from typing import TYPE_CHECKING

from .._core import numbers
from .._core.bucket import LATENESS
from .._core.decision import Decision, decided
from .._core.errors import refusal
from .clock import RESOLUTION
from .outlook import Outlook, is_over
from .queue import Turn

if TYPE_CHECKING:
    from .._core.meter import Mark, Meter
    from .signals import Signals


# Seconds.  A timestamp or milliseconds taken for a Retry-After must not stop a
# program for good; a limit that is over for a day costs one request an hour.
MAX_PAUSE = 3600.0


# How many are looked at in one step of the event loop, which others want too: at the
# turn of a window thousands may be due, or move on to another line.
BATCH = 1000


class Line(Outlook):
    """
    All who want something from one *meter*.

    Attributes:
        max_pause: Seconds; what no pause goes beyond.
        signals: What its limiter tells; None until there was something.
    """

    __slots__ = ("_alarm", "_due", "_noted", "_room", "_since", "max_pause", "signals")

    def __init__(self, meter: Meter) -> None:
        super().__init__(meter)
        self.max_pause = MAX_PAUSE
        self.signals: Signals | None = None
        self._alarm: asyncio.Handle | None = None
        self._due = inf
        # The alarm of which it is known that it is late.
        self._noted = -inf
        # Since when those who are due are granted, step by step; and how much of what
        # was there by then is left for others.
        self._since = inf
        self._room = 0.0

    def __reduce__(self) -> tuple[object, ...]:
        # A copy has what is in the meter by now; who waits, waits here.
        self.advance()
        return _again, (self.meter.copy(), self.max_pause)

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
            the admission.  Whoever stops waiting for it calls its `lost`.

        Raises:
            RateLimitExceeded: The wait would be longer than *max_wait* seconds.
            ValueError: *amount* is no amount, or more than the meter holds.
            RuntimeError: Somebody waits in another event loop, which is open.
        """
        loop = asyncio.get_running_loop()
        if loop is not self._last():
            self.enter(loop)
        meter = self.meter
        if not 0.0 <= amount <= meter.burst < inf:
            amount = numbers.amount(amount, meter.burst)
        meter.advance(self.now_in(loop))
        now = meter.at
        key = now + meter.lead(amount)
        if self.admits(amount, key):
            meter.take(amount)
            return None
        deadline = inf
        if max_wait is not None:
            if self._noted != self._due:
                self._note_lateness()
            if self.delay(amount, key, max_wait) > max_wait:
                raise refusal(amount, max_wait, self.refused(amount))
            deadline = now + max_wait
        turn = Turn(loop=loop)
        turn.key, turn.amount, turn.arrival = key, amount, now
        turn.deadline, turn.line = deadline, self
        self.join(turn)
        return turn

    def join(self, waiter: Turn) -> None:
        """Let *waiter* queue: it was not admitted at once."""
        queue = self.queue
        first = queue.push(waiter)
        due = waiter.deadline
        if due < inf:
            if self.deadlines is None:
                from .deadlines import Deadlines  # noqa: PLC0415 -- see `promise`

                self.deadlines = Deadlines()
            self.deadlines.push(waiter)
        if queue.waiting == 1:
            # Since nobody waited, others may have taken, which no plan is told.
            self.plan = None
        elif self.plan is not None:
            self.plan.join(waiter, queue.amount - waiter.amount - self.plan.hopeless)
        elif first:
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
        if loop is not self._last() or loop.is_closed():
            return
        turn.cancel()
        if not turn.cancelled() and turn.exception() is None:
            self.advance()
            self._give_back(turn.result(), turn.amount)
        self.look()

    def settle(self, mark: Mark, amount: float, actual: float) -> None:
        """Make what was taken at *mark* cost *actual* instead of *amount*."""
        self.advance()
        if actual < amount:
            self._give_back(mark, amount - actual)
        else:
            self.meter.take(actual - amount)
            self.upset = True
            self.later += self.meter.lead(actual - amount)
        self.look()

    def _give_back(self, mark: Mark, amount: float) -> None:
        # Who would have given up may be in time now.
        self.upset = True
        self.later += self.meter.give_back(mark, amount)

    def pause(self, seconds: float) -> None:
        """Admit nobody for *seconds*, or as long as a pause may be."""
        self.advance()
        self._delay(self.meter.pause(min(seconds, self.max_pause)))

    def reset(self) -> None:
        """Be as good as new for all who wait, and come."""
        self.advance()
        self.empty()
        self.look()

    def empty(self) -> None:
        """Be as good as new; whoever calls looks."""
        self.meter.reset()
        self.upset, self.later = True, inf

    def restrict(self, remaining: float) -> None:
        """Admit no more than *remaining* right now."""
        # That all is left is known, but for the credit of those who wait.
        if remaining < self.meter.burst or self.meter.waited:
            self.advance()
            self._delay(self.meter.restrict(remaining))

    def change(self, first: float, second: float) -> None:
        """Go on with another limit: the two numbers the meter was made of."""
        self.advance()
        self.adopt(first, second)
        self.look()

    def adopt(self, first: float, second: float) -> None:
        """Let another limit count from where the meter is; whoever calls looks."""
        meter = self.meter
        meter.change(first, second)
        self.upset = True
        self.later = inf
        waiters = list(self.queue)
        for waiter in waiters:
            if waiter.amount > meter.burst:
                waiter.set_exception(numbers.never_fits(waiter.amount, meter.burst))
                waiter.leave()
            else:
                waiter.key = waiter.key_in(meter)
        self.queue.reorder(waiters)

    def _delay(self, seconds: float) -> None:
        # A server's word often says what is known: then nothing is upset.  Nor is
        # it where nobody waits; of each response, that costs twice the word.
        if seconds > 0.0 and self.queue.waiting:
            self.upset = True
            self.later += seconds
            self.look()

    def look(self) -> None:
        """Grant all who are due, refuse all whose time is over, set the timer."""
        self.advance()
        self._note_lateness()
        self.happened()
        if self._since < inf and self._alarm is not None:
            # The next step sees what has changed.
            return
        due = self._grant_due()
        if due == -inf:
            self._go_on()
            return
        due = min(due, self._next_deadline())
        if not self.queue.waiting:
            self.meter.waited = False
            self.calm()
        self._set_alarm(due)

    def look_soon(self) -> None:
        """Look in a moment: another line may be looking now."""
        if self.queue.waiting:
            self._set_alarm(self.meter.at)

    def comes_at(self, waiter: Turn, now: float) -> float:
        """Return the instant at which *waiter* comes, at the soonest."""
        due = self.due_of(waiter)
        if due > now:
            return due
        # A promise holds it back until the next look; or that is just going on.
        return now if self._alarm is None else self._due

    def _grant_due(self) -> float:
        # Returns the instant at which the next one is due; -inf if it is not known.
        meter, queue = self.meter, self.queue
        granted: list[Turn] = []
        due, left = inf, BATCH
        # Nobody's time runs out while it is the turn of others who were due with it.
        since, room = min(self._since, meter.at), self._room
        self._since = inf
        while (head := queue.head()) is not None:
            left -= 1
            if left < 0:
                due, self._since = -inf, since
                self._room = room if since < meter.at else meter.available
                break
            room -= head.amount
            at = since if room >= 0.0 else meter.at
            wait = self._wait(head.amount, head.key)
            if head.deadline <= at and is_over(head.deadline - at, wait):
                self._refuse(head)
            elif wait > 0.0:
                due = meter.at + wait
                break
            else:
                queue.pop(head)
                if self.plan is not None:
                    self.plan.come(head)
                if head.come(self):
                    granted.append(head)
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
        self._loop.call_soon(self.meter.release, mark, context=Context())

    def _refuse(self, waiter: Turn) -> None:
        waiter.leave()
        self.gave_up(waiter)
        decision = self.refused(waiter.amount, waiter)
        max_wait = waiter.deadline - waiter.arrival
        waiter.set_exception(refusal(waiter.amount, max_wait, decision))

    def _next_deadline(self) -> float:
        # Those behind the head are not due, so their time is over at the
        # deadline, whatever they would have had to wait.
        deadlines = self.deadlines
        while deadlines is not None and (waiter := deadlines.first()) is not None:
            if waiter.line is not self:
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
            self._alarm = self.wake(due, self._ring)

    def _go_on(self) -> None:
        # Not by a timer: on a coarse clock it would take a while.
        if self._alarm is not None:
            self._alarm.cancel()
        assert self._loop is not None, "whoever waits, waits in a loop"
        self._due = self.meter.at
        self._alarm = self._loop.call_soon(self._ring, context=Context())

    def _ring(self) -> None:
        self._alarm = None
        self.look()

    def _note_lateness(self) -> None:
        # What can't be made up for makes everybody late.
        if self.meter.at > self._due + LATENESS:
            self._noted = self._due
            self.upset = True
            self.later += self.meter.at - self._due

    def _is_bound(self) -> bool:
        return self.queue.waiting > 0 or self.needed > 0

    def _arrive(self, now: float, behind: float) -> None:
        # Whoever waited in a loop that is closed will never wake.
        self.queue.clear()
        self.promises = None
        self.meter.promise(False)  # noqa: FBT003 -- a switch
        self.needed = 0
        self.deadlines = None
        self._alarm = None
        self._due = self._since = inf
        self.calm()
        self.meter.abandon()
        self.meter.rebase(now, behind)

    def _retime(self, now: float) -> None:
        # Those who wait go on, as when any clock steps.
        if not self._is_bound():
            self.meter.rebase(now)


def _again(meter: Meter, max_pause: float) -> Line:
    line = Line(meter)
    line.max_pause = max_pause
    # It may come from another process, or host, whose clock is another.
    now = line.now()
    meter.rebase(meter.at, now - meter.at)
    return line
