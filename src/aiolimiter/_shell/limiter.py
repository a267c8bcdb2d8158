"""`AsyncLimiter`: the leaky bucket."""

from __future__ import annotations

import sys
from abc import ABCMeta
from typing import TYPE_CHECKING, cast

from .._core import numbers
from .._core.bucket import Bucket
from . import entering
from .coroutine import DONE, marked
from .former import Former
from .line import Line
from .verbs import Limiter, State

if TYPE_CHECKING:
    from types import CoroutineType, TracebackType
    from typing import Any

# What `async with` need not call, because it knows what that does.
_ACQUIRE = Limiter.acquire


class _Kind(ABCMeta):
    # To ask at each `async with` whether `acquire` was replaced on the class, as
    # by `mock.patch.object`, would cost a tenth of it.  It is heard of instead,
    # and from then on nobody is let in unasked.  An ABCMeta, as in 1.x.
    def __setattr__(cls, name: str, value: object) -> None:
        super().__setattr__(name, value)
        if name == "acquire":
            type.__setattr__(AsyncLimiter, "__aenter__", entering.Limiter.__aenter__)


class AsyncLimiter(Former, metaclass=_Kind):
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
            ``math.inf`` for no limit, and 0 for nothing at all.
        time_period: In seconds.
        burst: How much the bucket holds, in units; follows *max_rate* until
            it is set.

    Raises:
        ValueError: One of them is not above 0, or not finite.
    """

    # `_quick` is where `async with` asks first: the line, unless there is another
    # `acquire` than ours to be called.
    __slots__ = ("_given", "_line", "_quick")

    def __init__(
        self, max_rate: float, time_period: float = 60, *, burst: float | None = None
    ) -> None:
        self._line = Line(Bucket(*_measured(max_rate, time_period, burst)))
        self._quick = self._line if type(self).acquire is _ACQUIRE else _full()
        self._given = max_rate, time_period, burst

    def __init_subclass__(cls, **arguments: object) -> None:
        super().__init_subclass__(**arguments)
        if cls.acquire is not _ACQUIRE and cls.__aenter__ is AsyncLimiter.__aenter__:
            # Also for one whose constructor does not call this one.
            type.__setattr__(cls, "__aenter__", entering.Limiter.__aenter__)

    @property
    def max_rate(self) -> float:
        """How much is admitted in `time_period`; may be set while tasks wait."""
        return self._given[0]

    @max_rate.setter
    def max_rate(self, max_rate: float) -> None:
        self._change(max_rate, *self._given[1:])

    @property
    def time_period(self) -> float:
        """In seconds; may be set while tasks wait."""
        return self._given[1]

    @time_period.setter
    def time_period(self, time_period: float) -> None:
        self._change(self._given[0], time_period, self._given[2])

    @property
    def burst(self) -> float:
        """How much the bucket holds; `max_rate` until it is set."""
        max_rate, _, burst = self._given
        return max_rate if burst is None else burst

    @burst.setter
    def burst(self, burst: float) -> None:
        numbers.positive("burst", burst)
        self._change(*self._given[:2], burst)

    def _change(self, max_rate: float, period: float, burst: float | None) -> None:
        self._line.change(*_measured(max_rate, period, burst))
        self._given = max_rate, period, burst

    def __getstate__(self) -> State:
        values, slots = super().__getstate__()
        own = self._quick is self._line
        return values, {**slots, "_quick": slots["_line"] if own else _full()}

    def __setattr__(self, name: str, value: object) -> None:
        super().__setattr__(name, value)
        if name == "acquire":
            self._quick = _full()

    def __delattr__(self, name: str) -> None:
        super().__delattr__(name)
        if name == "acquire":
            self._quick = self._line

    def __repr__(self) -> str:
        now = self.statistics()
        limit = [f"{float(given):g}" for given in self._given[:2]]
        if self._given[2] is not None:
            limit.append(f"burst={float(self._given[2]):g}")
        name = f"{type(self).__name__}({', '.join(limit)})"
        return f"<{name} level={now.level:.4g} waiting={now.waiting}>"

    # Entering with room is the hot path of most programs, so it is written for
    # the interpreter.  Of an uncontended asyncio.Lock it costs, median on 3.11,
    # 0.86 with a finished future to await, and 1.05 with coroutines; from 3.12
    # on, which runs coroutines in the caller's loop, it is 1.47 and 1.03.
    if sys.version_info < (3, 12):

        @marked
        def __aenter__(self) -> CoroutineType[Any, Any, None]:
            line = self._quick
            if line.meter.quick(1.0, line.time()):
                return DONE
            slow = self.acquire()
            return cast("CoroutineType[Any, Any, None]", slow)  # pyright: ignore[reportUnnecessaryCast] -- mypy

    else:

        async def __aenter__(self) -> None:
            line = self._quick
            if not line.meter.quick(1.0, line.time()):
                await self.acquire()

        async def __aexit__(
            self,
            exc_type: type[BaseException] | None,
            exc: BaseException | None,
            tb: TracebackType | None,
        ) -> None:
            pass


def _full() -> Line:
    # Where there is no room, ever.
    return Line(Bucket(1.0, 0.0))


def _measured(
    max_rate: float, time_period: float, burst: float | None
) -> tuple[float, float]:
    # Units a second, and the burst.
    period = numbers.positive("time_period", time_period)
    if max_rate == 0 and burst is None:
        # As in 1.x: it may be made, and is too small for any amount.
        return 1.0, 0.0
    most = numbers.rate("max_rate", max_rate)
    holds = most if burst is None else numbers.positive("burst", burst)
    return numbers.per_second(most, period), holds
