"""What will happen in a shared line, as far as this process knows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self
from weakref import ref

from ..._core.decision import Decision, LimiterStatistics
from ..._core.errors import RateLimitExceeded, refusal
from ..._core.shared import slots
from ..clock import Clock, margin
from .asking import Asking, Waiter
from .booked import Booked
from .rate import MICRO, Rate

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..._core.shared.trip import Levels
    from .pump import Pump


class SharedStatistics(LimiterStatistics):
    """
    A shared limiter at one instant, and what it is held to.

    Attributes:
        max_rate: What is in force: units,
        time_period: in so many seconds; of several rates the first,
        burst: and how much of it at once.
    """

    max_rate: float
    time_period: float
    burst: float

    @classmethod
    def of(cls, now: LimiterStatistics, rate: Rate) -> Self:
        """Return *now* with the *rate* in force."""
        found = cls(*now)
        found.max_rate, found.time_period, found.burst = rate
        return found


def retry_after(wait: float, now: float, grain: float) -> float:
    """
    Return after how many seconds to ask again, by the store, which says *wait*.

    Args:
        wait: Seconds.
        now: The instant in the loop's time,
        grain: and by how much its timers may be early.
    """
    # The store's clock counts whole microseconds.
    return wait + 2.0 * MICRO + grain + margin(now + wait)


class SharedOutlook(Clock):
    """
    A line that is looked at.

    Args:
        pump: Who knows the latest state of the bucket, and what it is held to.
    """

    def __init__(self, pump: Pump) -> None:
        super().__init__()
        self.pump = pump
        self._asking = Asking()
        self._booked = Booked()

    def _asks(self) -> Callable[[], float]:
        # There may be thousands, and a method that is kept by its own object keeps it
        # alive until the garbage collector comes.
        return _weakly(ref(self))

    def is_quiet(self) -> bool:
        """Whether nobody waits, and nothing is on its way to the store."""
        pump = self.pump
        return not (self.waiting() or pump.busy or pump.is_asked)

    def room(self) -> float:
        """Return how much could be taken at once."""
        return slots.room(self.pump.terms, self.pump.levels(self.time()))

    def outlook(self, levels: Levels) -> LimiterStatistics:
        """Tell how things are when the store stands at *levels*."""
        return LimiterStatistics(
            level=max(levels),
            available=slots.room(self.pump.terms, levels),
            waiting=self.waiting(),
            amount_waiting=self._asking.amount + sum(w.amount for w in self._booked),
            seconds_to_next=self._seconds_to_next(levels),
        )

    def refusal(self, waiter: Waiter, ahead: float) -> RateLimitExceeded:
        """Say when *waiter* can have it if it asks again, when *ahead* is gone."""
        now = self.time()
        levels = self.pump.levels(now)
        wait = slots.due(self.pump.terms, levels, ahead) * MICRO
        wait = max(wait, self.pump.probe_at - now)
        again = retry_after(wait, now, self.grain)
        decision = Decision(False, again, slots.room(self.pump.terms, levels))  # noqa: FBT003 -- a field
        return refusal(waiter.amount, waiter.max_wait, decision)

    def waiting(self) -> int:
        """How many wait in this process; any thread may ask."""
        return self._asking.waiting + self._booked.waiting

    def _seconds_to_next(self, levels: Levels) -> float | None:
        if self._booked.waiting:
            return max(0.0, self._booked.next_due() - self.time())
        head = self._asking.head()
        return head and slots.due(self.pump.terms, levels, head.amount) * MICRO


def _weakly(line: ref[SharedOutlook]) -> Callable[[], float]:
    def now() -> float:
        asked = line()
        assert asked is not None, "it asks for itself"
        return asked.now()

    return now
