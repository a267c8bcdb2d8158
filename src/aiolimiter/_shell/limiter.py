"""`AsyncLimiter`: the leaky bucket."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, cast, final

from .._core import numbers
from .._core.bucket import Bucket
from .entering import DONE
from .line import Line
from .verbs import Verbs

if TYPE_CHECKING:
    from types import CoroutineType, TracebackType
    from typing import Any


@final
class AsyncLimiter(Verbs):
    """
    A leaky bucket: at most *max_rate* in *time_period* seconds, on average.

    ::

        limiter = AsyncLimiter(100, 30)

        async with limiter:
            ...  # entered at most 100 times in 30 seconds, on average

    A fresh limiter lets *burst* through at once, which is *max_rate* unless you
    say so; from then on, one each ``time_period / max_rate`` seconds.  In any
    stretch of t seconds at most ``burst + max_rate / time_period * t`` is
    admitted: in the first *time_period* up to twice *max_rate*.  Where that is
    too much, ``burst=1`` paces evenly and a `SlidingWindowLimiter` is strict.

    It may be made anywhere, also at import, and used in one event loop after
    another.  There is nothing to close.

    Args:
        max_rate: How much is admitted in *time_period*, in units;
            ``math.inf`` for no limit.
        time_period: In seconds.
        burst: How much the bucket holds, in units; follows *max_rate* until
            it is set.

    Raises:
        ValueError: One of them is not above 0, or not finite.
    """

    __slots__ = ("__weakref__", "_burst", "_line", "_max_rate", "_time_period")

    def __init__(
        self, max_rate: float, time_period: float = 60, *, burst: float | None = None
    ) -> None:
        self._max_rate = numbers.rate("max_rate", max_rate)
        self._time_period = numbers.positive("time_period", time_period)
        self._burst = None if burst is None else numbers.positive("burst", burst)
        rate = numbers.per_second(self._max_rate, self._time_period)
        self._line = Line(Bucket(rate, self.burst))

    @property
    def max_rate(self) -> float:
        """How much is admitted in `time_period`; may be set while tasks wait."""
        return self._max_rate

    @max_rate.setter
    def max_rate(self, max_rate: float) -> None:
        self._change(numbers.rate("max_rate", max_rate), self._time_period, self._burst)

    @property
    def time_period(self) -> float:
        """In seconds; may be set while tasks wait."""
        return self._time_period

    @time_period.setter
    def time_period(self, time_period: float) -> None:
        period = numbers.positive("time_period", time_period)
        self._change(self._max_rate, period, self._burst)

    @property
    def burst(self) -> float:
        """How much the bucket holds; `max_rate` until it is set."""
        return self._max_rate if self._burst is None else self._burst

    @burst.setter
    def burst(self, burst: float) -> None:
        burst = numbers.positive("burst", burst)
        self._change(self._max_rate, self._time_period, burst)

    def _change(self, max_rate: float, period: float, burst: float | None) -> None:
        rate = numbers.per_second(max_rate, period)
        self._max_rate, self._time_period, self._burst = max_rate, period, burst
        self._line.change(rate, self.burst)

    def __repr__(self) -> str:
        now = self.statistics()
        burst = "" if self._burst is None else f", burst={self._burst:g}"
        return (
            f"<AsyncLimiter({self._max_rate:g}, {self._time_period:g}{burst}) "
            f"level={now.level:.4g} waiting={now.waiting}>"
        )

    # Entering with room is the hot path of most programs, so it is written for
    # the interpreter.  Of an uncontended asyncio.Lock it costs, median on 3.11,
    # 0.86 with a finished future to await, and 1.05 with coroutines; from 3.12
    # on, which runs coroutines in the caller's loop, it is 1.47 and 1.03.
    if sys.version_info < (3, 12):

        def __aenter__(self) -> CoroutineType[Any, Any, None]:
            line = self._line
            if line.meter.admit(1.0, line.time()):
                return DONE
            slow = self.acquire()
            return cast("CoroutineType[Any, Any, None]", slow)  # pyright: ignore[reportUnnecessaryCast] -- mypy

    else:

        async def __aenter__(self) -> None:
            line = self._line
            if not line.meter.admit(1.0, line.time()):
                await self.acquire()

        async def __aexit__(
            self,
            kind: type[BaseException] | None,
            error: BaseException | None,
            traceback: TracebackType | None,
        ) -> None:
            pass
