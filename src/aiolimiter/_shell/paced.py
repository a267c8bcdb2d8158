"""A waiting line whose rate rises while somebody waits in it."""

from __future__ import annotations

import asyncio
from contextvars import Context
from typing import TYPE_CHECKING, NoReturn

from .._core.bucket import Bucket
from .line import Line

if TYPE_CHECKING:
    from .._core.pace import Pace
    from .queue import Turn

# Seconds; how often the rate is looked at while somebody waits.
_STEP = 0.2
# By less than this part it is left as it is: a change looks at all who wait.
_WORTH = 0.005


class PacedLine(Line):
    """
    All who want something of a rate that is found out.

    Attributes:
        pace: The rate.
    """

    __slots__ = ("_step", "_waits_since", "pace")

    def __init__(self, pace: Pace, burst: float) -> None:
        super().__init__(Bucket(pace.rate, burst))
        self.pace = pace
        self._waits_since: float | None = None
        self._step: asyncio.TimerHandle | None = None
        # What the ceiling allows at once would be too much to begin with.
        self.restrict(max(1.0, pace.rate / pace.ceiling * burst))

    def __reduce__(self) -> NoReturn:
        msg = (
            "can't copy or pickle an AdaptiveLimiter: two that believe they are "
            "alone would find out twice the rate; make another one"
        )
        raise TypeError(msg)

    def join(self, waiter: Turn) -> None:
        """Let *waiter* queue, and the rate rise meanwhile."""
        super().join(waiter)
        if self._waits_since is None:
            self._waits_since = self.meter.at
        if self._step is None:
            self._step_soon()

    def look(self) -> None:
        """Grant all who are due; whether somebody still waits counts as use."""
        super().look()
        self._count()

    def pause(self, seconds: float) -> None:
        """Admit nobody for *seconds*; that is no use."""
        self.advance()
        self._count()
        self.pace.paused(self.meter.at + min(seconds, self.max_pause))
        super().pause(seconds)

    def follow_pace(self) -> None:
        """Go on at the rate there is now."""
        rate, meter = self.pace.rate, self.meter
        if abs(rate - meter.rate) > _WORTH * meter.rate or rate == self.pace.ceiling:
            self.change(rate, meter.burst)

    def _count(self) -> None:
        since, now = self._waits_since, self.meter.at
        if since is not None:
            self.pace.use(since, now)
            self._waits_since = now if self.queue.waiting else None

    def _step_soon(self) -> None:
        loop = asyncio.get_running_loop()
        self._step = loop.call_later(_STEP, self._rise, context=Context())

    def _rise(self) -> None:
        self._step = None
        self.look()
        self.follow_pace()
        if self.queue.waiting and self.pace.rate < self.pace.ceiling:
            self._step_soon()

    def _arrive(self, now: float, behind: float) -> None:
        super()._arrive(now, behind)
        self._step = None
        self._waits_since = None
