"""
What will happen in a line if nothing else does: who is admitted, and when.

Nothing here takes anything.
"""

from __future__ import annotations

from itertools import takewhile
from math import inf
from typing import TYPE_CHECKING

from .._core.bucket import LATENESS
from .._core.decision import Decision, LimiterStatistics, decided
from .._core.numbers import ROUNDING
from .clock import Clock, margin
from .promises import Promises
from .queue import Queue

if TYPE_CHECKING:
    from .._core.meter import Forecast, Meter
    from .queue import Turn
    from .request import Request


class Outlook(Clock):
    """
    A *meter*, who waits for it, and what was promised.

    Attributes:
        needed: How many count on finding this very line here, by and by.
        promises: What was promised; None if nothing was.
        upset: Whether somebody who waits may have become hopeless, and will
            give up before being due.
        hopeless: How much those want, when that was last looked at.
    """

    __slots__ = (
        "_blocked",
        "_left",
        "hopeless",
        "meter",
        "needed",
        "promises",
        "queue",
        "upset",
    )

    def __init__(self, meter: Meter) -> None:
        super().__init__()
        self.meter = meter
        self.queue: Queue[Turn] = Queue()
        self.promises: Promises | None = None
        self.needed = 0
        self.calm()

    def calm(self) -> None:
        """Forget who was hopeless: nobody waits."""
        self.upset = False
        self.hopeless = 0.0
        # The instant until which those are in the way; how many had left by then.
        self._blocked = -inf
        self._left = 0

    def hopeless_left(self, amount: float) -> None:
        """Count one out who wanted *amount* and gave up, as was foretold."""
        self.hopeless = max(0.0, self.hopeless - amount)
        self._left += 1

    def advance(self) -> float:
        """Bring the meter up to the present, and return the instant."""
        self.meter.advance(self.now())
        return self.meter.at

    @property
    def quiet(self) -> bool:
        """Whether level and instant are all there is to it."""
        return self.meter.quiet and not (self.queue.waiting or self.needed)

    def promise(self, request: Request, at: float, amount: float) -> None:
        """Promise *amount* to *request* from *at* on."""
        self.promises = self.promises or Promises()
        self.promises.make(request, at, amount)
        self.meter.promise(True)  # noqa: FBT003 -- a switch

    def unpromise(self, request: Request) -> bool:
        """Forget what was promised to *request*; return whether anything was."""
        if self.promises is None:
            return False
        dropped = self.promises.drop(request)
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
        return self._wait(amount, key) <= 0.0

    def delay(self, amount: float, key: float) -> float:
        """Seconds until *amount* is due for one who joins with this *key*."""
        meter, queue = self.meter, self.queue
        if meter.fluid and queue.ends_by(key):
            if self.upset or (self.hopeless and self._left != queue.left):
                self._look_for_hopeless()
            ahead = queue.amount - self.hopeless
            return max(0.0, self._blocked - meter.at, meter.wait(ahead + amount))
        forecast, before = meter.forecast(), 0.0
        for other in queue:
            if other.key > key:
                break
            before, in_time = _turn(other, forecast, meter.at, before)
            if in_time:
                forecast.take(other.amount)
        return max(before, forecast.wait(amount))

    def _look_for_hopeless(self) -> None:
        # Once for all who come, until something else makes anybody later.
        self.calm()
        self._left = self.queue.left
        meter, before = self.meter, 0.0
        forecast = meter.forecast()
        for waiter in self.queue:
            before, in_time = _turn(waiter, forecast, meter.at, before)
            if in_time:
                forecast.take(waiter.amount)
            else:
                self.hopeless += waiter.amount
                self._blocked = meter.at + before

    def due_of(self, waiter: Turn) -> float:
        """Return the instant at which somebody who waits here is due."""
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
        forecast = self.meter.forecast()
        if self.meter.fluid and self.queue.ends_by(key):
            forecast.take(self.queue.amount)
        else:
            for other in self.queue:
                wait = max(at_least, self._padded(forecast.wait(amount)))
                if other.key > key + wait and forecast.wait(other.amount) > wait:
                    break
                if other is not waiter:
                    forecast.take(other.amount)
        held = self._held(amount, inf)
        if held > 0.0 and self.promises is not None:
            for promise in self.promises.before(inf, self.meter):
                forecast.take(promise.amount)
        return max(at_least, self._padded(held + forecast.wait(amount)))

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
        for waiter in self.queue:
            wait = self._wait(waiter.amount, waiter.key)
            left = waiter.deadline - self.meter.at
            in_time = (
                max(blocked, wait) <= left if wait > 0.0 else not is_over(left, wait)
            )
            if in_time:
                return max(blocked, wait)
            blocked = max(blocked, left)
        return None


def _turn(
    waiter: Turn, forecast: Forecast, now: float, before: float
) -> tuple[float, bool]:
    # In how many seconds the turn of *waiter* is over, after those who go
    # *before*; and whether by being admitted, not by giving up.
    wait = max(before, forecast.wait(waiter.amount))
    left = waiter.deadline - now
    return (wait, True) if wait <= left else (max(before, left), False)


def is_over(left: float, wait: float) -> bool:
    """
    Whether the time is over for one who has *left* seconds to the deadline.

    One who is due in *wait* seconds, or was, if that is below 0.  It counts when
    it was due, not when a late timer found out; within reason.
    """
    return left <= 0.0 and left < max(wait, -LATENESS)
