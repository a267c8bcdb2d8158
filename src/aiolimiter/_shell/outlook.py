"""
What will happen in a line if nothing else does: who is admitted, and when.

Nothing here takes anything.
"""

from __future__ import annotations

from itertools import takewhile
from math import ceil, inf
from typing import TYPE_CHECKING

from .._core.bucket import LATENESS
from .._core.decision import Decision, LimiterStatistics, decided
from .._core.numbers import ROUNDING
from .clock import Clock, margin
from .plan import Plan
from .queue import SHORT, Queue, TurnsRow

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from .._core.meter import Forecast, Meter
    from .deadlines import Deadlines
    from .queue import Turn
    from .several.promises import Holder, Promises

# How many have to wait before it is not looked at each of them, one by one.
LONG = 32
# Of those who wait, one in so many may come and go unforeseen; all may become so
# much later, as a part of the time until the last one is due.
SHARE = 32


class Outlook(Clock):
    """
    A *meter*, who waits for it, and what was promised.

    Attributes:
        deadlines: Who waits no longer than until when; None if nobody did.
        needed: How many count on finding this very line here, by and by.
        plan: What was foretold of all who wait; None if nobody asked.
        promises: What was promised; None if nothing was.
        upset: Whether somebody who waits may have become hopeless, and will
            give up before being due.
        later: By how many seconds all are later since that was last looked at.
    """

    __slots__ = (
        "_happened",
        "_known",
        "deadlines",
        "later",
        "meter",
        "needed",
        "plan",
        "promises",
        "queue",
        "upset",
    )

    def __init__(self, meter: Meter) -> None:
        super().__init__()
        self.meter = meter
        self.queue: Queue[Turn] = Queue(TurnsRow)
        self.promises: Promises | None = None
        self.deadlines: Deadlines[Turn] | None = None
        self.needed = 0
        self.plan: Plan | None = None
        # What has happened to those who wait, ever; and of what the plan knows.
        self._happened = 0
        self._known = 0
        self.calm()

    def calm(self) -> None:
        """Forget what was foretold: nobody waits."""
        self.upset = False
        self.later = 0.0
        self.plan = None

    def happened(self) -> None:
        """Count that those who wait may be due at another instant than foretold."""
        if self.plan is not None and len(self.plan) > 2 * self.queue.waiting + SHORT:
            # Of those who have gone no more is kept than of those who wait.
            self.plan = None
            self.upset = True
        # In a bucket the level tells all of it.
        if not self.meter.fluid:
            self._happened += 1

    def gave_up(self, waiter: Turn) -> None:
        """Count *waiter* out, whose time was over."""
        if self.plan is not None and self.plan.gave_up(waiter):
            self._known += 1

    def advance(self) -> float:
        """Bring the meter up to the present, and return the instant."""
        self.meter.advance(self.now())
        return self.meter.at

    @property
    def quiet(self) -> bool:
        """Whether level and instant are all there is to it."""
        return self.meter.quiet and not (self.queue.waiting or self.needed)

    def promise(self, holder: Holder, at: float, amount: float) -> None:
        """Promise *amount* to *holder* from *at* on."""
        if self.promises is None:
            # Most programs promise nothing, and many have no deadlines: whatever
            # they never want is imported by those who do.
            from .several.promises import Promises  # noqa: PLC0415

            self.promises = Promises()
        self.promises.make(holder, at, amount)
        self.meter.promise(True)  # noqa: FBT003 -- a switch

    def unpromise(self, holder: Holder) -> bool:
        """Forget what was promised to *holder*; return whether anything was."""
        if self.promises is None:
            return False
        dropped = self.promises.drop(holder)
        self.promises = self.promises or None
        self.meter.promise(self.promises is not None)
        return dropped

    def fits(self, amount: float) -> bool:
        """Whether *amount* fits by now, whoever waits."""
        self.advance()
        most = self.meter.burst * (1.0 + ROUNDING)
        return amount <= most and self.meter.wait(amount) <= 0.0

    def admits(self, amount: float, key: float) -> bool:
        """Whether one with this *key* may take *amount* now."""
        head = self.queue.head()
        if head is not None and head.key <= key:
            return False
        admitted = self._wait(amount, key) <= 0.0
        if admitted and head is not None:
            # Who is passed will be later than was foretold.
            self.upset = True
            self.later += self.meter.lead(amount)
        return admitted

    def delay(self, amount: float, key: float, max_wait: float = inf) -> float:
        """
        Seconds until *amount* is due for one who joins with this *key*.

        Args:
            amount: What is wanted, in units.
            key: Who is next has the smallest.
            max_wait: Longer is only what surely is, in seconds.
        """
        meter, queue = self.meter, self.queue
        last = queue.ends_by(key)
        if meter.fluid and self._all_in_time():
            first = queue.amount if last else queue.ahead(key)
            return max(0.0, meter.wait(first + amount))
        if not (last or meter.fluid or queue.waiting > LONG):
            ahead = [*takewhile(lambda one: one.key <= key, queue)]
            return Plan(meter).with_each(ahead).wait(amount, 0.0)
        plan = self._foreseen()
        if last:
            wait = plan.wait(amount, queue.amount - plan.hopeless)
        else:
            wait = plan.wait_amid(amount, key)
        # Nobody is refused for what may be too late in what was foretold.
        wait -= plan.late
        if wait <= max_wait or (self._is_new() and not plan.passed):
            return wait
        first = queue.amount if last else queue.ahead(key)
        return min(wait, self._at_least(amount, plan.certain(first, key)))

    def _is_new(self) -> bool:
        # Whether nothing has happened since all was foretold.
        unforeseen = self._happened + self.queue.left != self._known
        return not (unforeseen or self.upset or self.later)

    def _at_least(self, amount: float, ahead: float) -> float:
        # Whoever would have given up may be in time now, and takes the place of
        # others: by all of them together less is ahead by one place at most.
        meter = self.meter
        most = max((row.most for row in self.queue.rows), default=0.0)
        wanted = max(0.0, ahead - most) + amount
        over = wanted - meter.burst * (1.0 + ROUNDING)
        if meter.fluid or over <= 0.0:
            wait = meter.wait(wanted)
        else:
            # What is beyond a window comes a period later, and so on.
            times = ceil(over / meter.burst)
            full = meter.lead(meter.burst)
            wait = times * full + meter.wait(wanted - times * meter.burst)
        return max(0.0, wait - self.later)

    def _all_in_time(self) -> bool:
        plan = self.plan
        if not self.upset and (plan is None or not (plan.hopeless or plan.passed)):
            return True
        return self._earliest() >= self._last_due()

    def _last_due(self) -> float:
        # Who was due long ago counts as due now, nearly: see `is_over`.
        return self.meter.at + max(self.meter.wait(self.queue.amount), -LATENESS)

    def _earliest(self) -> float:
        # The first deadline of all who wait here, or have.
        first = None if self.deadlines is None else self.deadlines.first()
        return inf if first is None else first.deadline

    def _foreseen(self) -> Plan:
        plan = self.plan
        if plan is None or self._is_outdated(plan):
            plan = self.plan = self._foretell()
            self._known = self._happened + self.queue.left
            self.upset, self.later = False, 0.0
        return plan

    def _foretell(self) -> Plan:
        meter, queue, earliest = self.meter, self.queue, self._earliest()
        if not meter.fluid or self._last_due() <= earliest:
            plan = Plan(meter).with_all(next(iter(queue), None), *queue.in_figures())
            if meter.fluid or plan.end() <= earliest:
                return plan
        return Plan(meter).with_each(queue)

    def _is_outdated(self, plan: Plan) -> bool:
        # In a short line at once.  In a long one only when it is off by a part:
        # so making it anew costs each event the same, however many wait.
        events = self._happened + self.queue.left - self._known
        events += self.upset or self._is_overdue()
        waiting = self.queue.waiting
        # Those who pass are counted in, but for whom they make hopeless.
        if waiting <= SHARE * events + SHARE // 4 * plan.passed:
            return True
        if plan.passed and waiting <= SHARE:
            return True
        if not self.later:
            return False
        return self.later * SHARE > plan.wait(0.0, self.queue.amount - plan.hopeless)

    def _is_overdue(self) -> bool:
        # Nobody is admitted as early as was foretold: in a window that is for good.
        head = None if self.meter.fluid else self.queue.first()
        return head is not None and self.meter.wait(head.amount) <= 0.0

    def due_of(self, waiter: Turn) -> float:
        """Return the instant at which somebody who waits here is due."""
        if self.meter.fluid:
            wait = self.meter.wait(self.queue.ahead(waiter.key))
            return self.meter.at + max(0.0, wait)
        if self.queue.waiting > LONG:
            plan = self._foreseen()
            return max(self.meter.at, plan.due(waiter.key) - plan.late)
        forecast = self.meter.forecast()
        for other in takewhile(lambda one: one is not waiter, self.queue):
            forecast.take(other.amount)
        return self.meter.at + forecast.wait(waiter.amount)

    def retry_after(
        self,
        amount: float,
        key: float,
        at_least: float = 0.0,
        waiter: Turn | None = None,
    ) -> float:
        """
        Seconds until one who asks again then is admitted.

        It then comes behind all who are due by then, or go first by then.

        Args:
            amount: What is wanted, in units.
            key: The key of one who asks now.
            at_least: It asks no sooner, in seconds.
            waiter: Who wants it, if already waiting; not in its own way.
        """
        forecast, late = self.meter.forecast(), 0.0

        def last() -> float:
            # The key of the last one who goes first.
            return key + max(at_least, self._padded(forecast.wait(amount)))

        for row in self.queue.rows:
            if self._is_last(last()):
                break
            if self.meter.fluid and (row.most <= amount or row.keys[-1] <= last()):
                # All of them are due by then, or go first.
                forecast.take(row.amount)
                continue
            some = (one for one in row.waiters if one is not waiter and not one.done())
            if not self._go_first(some, forecast, last, key):
                break
        if self._is_last(last()):
            forecast, late = self._after_all(), self._lateness()
        held = self._held(amount, inf)
        if held > 0.0 and self.promises is not None:
            forecast = forecast.fork()
            for promised in self.promises.amounts(self.meter):
                forecast.take(promised)
        return max(at_least, self._padded(held + late + forecast.wait(amount)))

    def _go_first(
        self,
        some: Iterable[Turn],
        forecast: Forecast,
        last: Callable[[], float],
        key: float,
    ) -> bool:
        # Lets those go first who do; returns whether all did, or all there are will.
        for other in some:
            until = last()
            if self._is_last(until):
                break
            if other.key > until and key + forecast.wait(other.amount) > until:
                return False
            forecast.take(other.amount)
        return True

    def _lateness(self) -> float:
        # By how much all may be later than was foretold: in a bucket its level says.
        if self.meter.fluid:
            return 0.0
        known = self._happened + self.queue.left == self._known
        return self.later + (0.0 if known else LATENESS)

    def _is_last(self, key: float) -> bool:
        # Whether all who wait go before one with this *key*, and nobody need ask
        # them one by one.
        queue = self.queue
        return queue.ends_by(key) and (self.meter.fluid or queue.waiting > LONG)

    def _after_all(self) -> Forecast:
        if not self.meter.fluid:
            return self._foreseen().everyone
        forecast = self.meter.forecast()
        forecast.take(self.queue.amount)
        return forecast

    def refused(self, amount: float, waiter: Turn | None = None) -> Decision:
        """
        Say when *amount* can be had by one who asks again then.

        Args:
            amount: What is wanted, in units.
            waiter: Who wants it, if already waiting; not in its own way.
        """
        key = self.meter.at + self.meter.lead(amount)
        retry_after = self.retry_after(amount, key, waiter=waiter)
        return decided(Decision, (False, retry_after, self.meter.available))

    def statistics(self) -> LimiterStatistics:
        """Tell how things are, without changing any."""
        meter, queue = self.meter, self.queue
        self.advance()
        return LimiterStatistics(
            level=max(0.0, meter.level),
            available=meter.available,
            waiting=queue.waiting,
            amount_waiting=queue.amount,
            seconds_to_next=self._seconds_to_next(),
        )

    def _wait(self, amount: float, key: float) -> float:
        # As the meter's, but a promise may hold back what would fit.
        wait = self.meter.wait(amount)
        if wait > 0.0 or self.promises is None:
            return wait
        return self._held(amount, key) or wait

    def _held(self, amount: float, key: float) -> float:
        if self.promises is None:
            return 0.0
        return self.promises.hold_back(self.meter, amount, key)

    def _padded(self, wait: float) -> float:
        return wait + self.grain + margin(self.meter.at + wait)

    def _seconds_to_next(self) -> float | None:
        # Whoever has to give up before being due is in the way until then.
        blocked = 0.0
        for place, waiter in enumerate(self.queue):
            if place == LONG:
                return self._next_in_time()
            wait = self._wait(waiter.amount, waiter.key)
            left = waiter.deadline - self.meter.at
            in_time = (
                max(blocked, wait) <= left if wait > 0.0 else not is_over(left, wait)
            )
            if in_time:
                return max(blocked, wait)
            blocked = max(blocked, left)
        return None

    def _next_in_time(self) -> float | None:
        plan = self._foreseen()
        first = plan.first
        if first is not None and (first.done() or first.line is not self):
            self.plan = None
            plan = self._foreseen()
            first = plan.first
        if first is None:
            return None
        blocked = plan.clear_at - self.meter.at
        return max(0.0, blocked, self._wait(first.amount, first.key))


def is_over(left: float, wait: float) -> bool:
    """
    Whether the time is over for one who has *left* seconds to the deadline.

    One who is due in *wait* seconds, or was, if that is below 0.  It counts when
    it was due, not when a late timer found out; within reason.
    """
    return left <= 0.0 and left < max(wait, -LATENESS)
