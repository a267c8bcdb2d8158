"""`SlidingWindowLimiter`: strict in every window."""

from __future__ import annotations

from .._core import numbers
from .._core.window import Window
from .line import Line
from .verbs import Limiter


class SlidingWindowLimiter(Limiter):
    """
    A strict limit: never more than *max_rate* in any *time_period* seconds.

    ::

        limiter = SlidingWindowLimiter(100, 60)

        async with limiter:
            ...  # never entered more than 100 times in any minute

    The verbs are those of `AsyncLimiter`.  It is for servers that count each
    window strictly, and answers a full window by waiting until the oldest
    admission is *time_period* old: traffic comes in clumps where the leaky
    bucket spreads it.  Its memory is bounded, whatever the rate: a log of more
    than 2048 admissions is merged, at a cost below 0.1 % of the rate.

    Args:
        max_rate: How much is admitted in any *time_period*, in units;
            ``math.inf`` for no limit.
        time_period: In seconds.

    Raises:
        ValueError: One of them is not above 0, or not finite.
    """

    __slots__ = ("__dict__", "__weakref__", "_given", "_line")

    def __init__(self, max_rate: float, time_period: float = 60) -> None:
        self._line = Line(Window(*_measured(max_rate, time_period)))
        self._given = max_rate, time_period

    @property
    def max_rate(self) -> float:
        """How much any `time_period` admits; may be set while tasks wait."""
        return self._given[0]

    @max_rate.setter
    def max_rate(self, max_rate: float) -> None:
        self._change(max_rate, self._given[1])

    @property
    def time_period(self) -> float:
        """In seconds; may be set while tasks wait."""
        return self._given[1]

    @time_period.setter
    def time_period(self, time_period: float) -> None:
        self._change(self._given[0], time_period)

    def _change(self, max_rate: float, period: float) -> None:
        self._line.change(*_measured(max_rate, period))
        self._given = max_rate, period

    def __repr__(self) -> str:
        now = self.statistics()
        limit = ", ".join(f"{float(given):g}" for given in self._given)
        name = f"{type(self).__name__}({limit})"
        return f"<{name} level={now.level:.4g} waiting={now.waiting}>"


def _measured(max_rate: float, time_period: float) -> tuple[float, float]:
    # Units, and seconds.
    most = numbers.rate("max_rate", max_rate)
    period = numbers.positive("time_period", time_period)
    numbers.per_second(most, period)
    return most, period
