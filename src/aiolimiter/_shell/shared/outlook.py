"""What will happen in a shared line, as far as this process knows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..._core import slots
from ..._core.decision import Decision, LimiterStatistics
from ..._core.errors import RateLimitExceeded, refusal
from ..clock import Clock, margin
from .asking import Asking, Waiter
from .booked import Booked
from .rate import MICRO

if TYPE_CHECKING:
    from ..._core.trip import Levels, Terms
    from .pump import Pump


class SharedOutlook(Clock):
    """
    A line that is looked at.

    Args:
        terms: What the bucket is held to.
        pump: Who knows the latest state of it.
    """

    def __init__(self, terms: Terms, pump: Pump) -> None:
        super().__init__()
        self.pump = pump
        self._terms = terms
        self._asking = Asking()
        self._booked = Booked()

    def is_quiet(self) -> bool:
        """Whether nobody waits, and nothing is on its way to the store."""
        pump = self.pump
        return not (self._waiting() or pump.busy or pump.is_asked)

    def room(self) -> float:
        """Return how much could be taken at once."""
        return slots.room(self._terms, self.pump.levels(self.time()))

    def outlook(self, levels: Levels) -> LimiterStatistics:
        """Tell how things are when the store stands at *levels*."""
        return LimiterStatistics(
            level=max(levels),
            available=slots.room(self._terms, levels),
            waiting=self._waiting(),
            amount_waiting=self._asking.amount + sum(w.amount for w in self._booked),
            seconds_to_next=self._seconds_to_next(levels),
        )

    def refusal(self, waiter: Waiter, ahead: float) -> RateLimitExceeded:
        """Say when *waiter* can have it if it asks again, when *ahead* is gone."""
        now = self.time()
        levels = self.pump.levels(now)
        wait = slots.due(self._terms, levels, ahead) * MICRO
        wait = max(wait, self.pump.probe_at - now)
        # The store's clock counts whole microseconds.
        retry_after = wait + 2.0 * MICRO + self.grain + margin(now + wait)
        decision = Decision(False, retry_after, slots.room(self._terms, levels))  # noqa: FBT003 -- a field
        return refusal(waiter.amount, waiter.max_wait, decision)

    def _waiting(self) -> int:
        return self._asking.waiting + self._booked.waiting

    def _seconds_to_next(self, levels: Levels) -> float | None:
        if self._booked.waiting:
            return max(0.0, self._booked.next_due() - self.time())
        head = self._asking.head()
        return head and slots.due(self._terms, levels, head.amount) * MICRO
