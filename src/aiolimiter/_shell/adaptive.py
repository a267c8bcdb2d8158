"""`AdaptiveLimiter`: a rate that is found out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self, final

from .._core import numbers
from .._core.pace import Pace
from .paced import PacedLine
from .verbs import Limiter, longest

if TYPE_CHECKING:
    from types import TracebackType

# Of a second's worth of the ceiling: a large burst would hide the limit.
_BURST = 1 / 20
_START = 1 / 100


class AdaptiveLimiter(Limiter):
    """
    A limit that nobody tells, found out by what is refused.

    ::

        limiter = AdaptiveLimiter(1000, 1)

        async with limiter.attempt() as attempt:
            ...  # a request
            attempt.refused(2.5)  # if it was: the server wants 2.5 s of peace

    It starts at a hundredth of *max_rate* and doubles each second.  A refusal
    takes it back to four fifths of what the server took lately; five seconds
    later it is there again, and rises, slowly at first.  Time in which nobody
    waits does not count.  So it goes over the limit on purpose, a few times a
    minute: it is for servers that say nothing of their limits but no.

    The verbs are those of `AsyncLimiter`; it learns from attempts, and in an HTTP
    client of ours from every response.

    Args:
        max_rate: The ceiling, in units in *time_period*; it is never passed.
        time_period: In seconds.
        burst: How much goes at once, in units; a twentieth of a second's worth
            of the ceiling by default, and at least 1.
        start: The rate to start at, in units in *time_period*; a hundredth of
            *max_rate* by default.

    Raises:
        ValueError: One of them is not above 0, or not finite; or *start* is above
            *max_rate*.
    """

    __slots__ = ("__dict__", "__weakref__", "_given", "_line", "_paced")

    def __init__(
        self,
        max_rate: float,
        time_period: float = 60,
        *,
        burst: float | None = None,
        start: float | None = None,
    ) -> None:
        most = numbers.positive("max_rate", max_rate)
        period = numbers.positive("time_period", time_period)
        first = _START * most if start is None else numbers.positive("start", start)
        if first > most:
            msg = f"start must be at most max_rate, {max_rate!r}, got {start!r}"
            raise ValueError(msg)
        ceiling = numbers.per_second(most, period)
        holds = max(1.0, _BURST * ceiling)
        if burst is not None:
            holds = numbers.positive("burst", burst)
        self._line = self._paced = PacedLine(Pace(ceiling, first / period), holds)
        self._given = max_rate, time_period

    @property
    def max_rate(self) -> float:
        """How much is admitted in `time_period` at most."""
        return self._given[0]

    @property
    def time_period(self) -> float:
        """In seconds."""
        return self._given[1]

    @property
    def burst(self) -> float:
        """How much goes at once."""
        return self._line.meter.burst

    @property
    def rate(self) -> float:
        """
        The rate by now, in units a second.

        >>> AdaptiveLimiter(600, 60).rate
        0.1
        """
        return self._paced.pace.rate

    def attempt(self, amount: float = 1.0, *, max_wait: float | None = None) -> Attempt:
        """
        Take *amount*, and learn from what becomes of it.

        ::

            async with limiter.attempt() as attempt:
                ...

        Leaving the block says that the server took it, unless ``refused`` was
        called; leaving it by an exception says nothing.

        Args:
            amount: How much, in units.
            max_wait: The longest wait for it, in seconds.

        Raises:
            RateLimitExceeded: On entering; as in `acquire`.
            ValueError: *amount* is negative, not finite or more than the
                limiter holds, or *max_wait* is negative.
        """
        amount = numbers.amount(amount, self._line.meter.burst)
        return Attempt(self, amount, longest(max_wait))

    def _accepted(self, amount: float) -> None:
        line = self._paced
        line.pace.accepted(amount, line.advance())

    def _refused(self, began: float) -> None:
        line = self._paced
        if line.pace.refused(began, line.advance()):
            line.follow_pace()

    def __repr__(self) -> str:
        now = self.statistics()
        limit = ", ".join(f"{float(given):g}" for given in self._given)
        name = f"{type(self).__name__}({limit})"
        return f"<{name} rate={self.rate:.4g} waiting={now.waiting}>"


@final
class Attempt:
    """
    One request of an `AdaptiveLimiter`, and what becomes of it.

    >>> limiter = AdaptiveLimiter(100, 1, start=100)
    >>> async with limiter.attempt() as attempt:
    ...     attempt.refused()
    >>> limiter.rate
    80.0
    """

    __slots__ = ("_amount", "_began", "_limiter", "_max_wait", "_over")

    def __init__(
        self, limiter: AdaptiveLimiter, amount: float, max_wait: float | None
    ) -> None:
        self._limiter = limiter
        self._amount = amount
        self._max_wait = max_wait
        self._began = 0.0
        self._over = False

    async def __aenter__(self) -> Self:
        await self._limiter.acquire(self._amount, max_wait=self._max_wait)
        self._began = self._limiter._line.advance()  # noqa: SLF001 -- one concept
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        if exc_type is None and not self._over:
            self._limiter._accepted(self._amount)  # noqa: SLF001 -- one concept

    def refused(self, retry_after: float | None = None) -> None:
        """
        Say that the server refused it: the rate is cut, once for all in flight.

        Args:
            retry_after: How long to pause, in seconds, if the server said.

        Raises:
            ValueError: *retry_after* is negative or not finite.
        """
        pause = numbers.finite("retry_after", retry_after or 0.0)
        self._over = True
        self._limiter._refused(self._began)  # noqa: SLF001 -- one concept
        self._limiter.pause(pause)
