"""The verbs of every limiter that has a waiting line of its own."""

from __future__ import annotations

from math import inf, ulp
from typing import TYPE_CHECKING

from .._core import numbers
from .._core.decision import Decision, decided
from .clock import MARGIN
from .entering import Entering

if TYPE_CHECKING:
    from .._core.decision import LimiterStatistics
    from .line import Line
    from .reservation import Reservation


class Verbs(Entering):
    """What all limiters with a line of their own have in common."""

    __slots__ = ()

    # Where it is waited.
    _line: Line

    def has_capacity(self, amount: float = 1.0) -> bool:
        """
        Whether *amount* fits right now.

        Only a look: it takes nothing, and ignores who is waiting.

        >>> limiter = AsyncLimiter(2, 60)
        >>> limiter.has_capacity(2), limiter.has_capacity(3)
        (True, False)

        Args:
            amount: How much, in units.  More than the limiter holds never fits.

        Raises:
            ValueError: *amount* is negative or not a number.
        """
        amount = numbers.not_negative("amount", amount)
        return self._line.fits(amount)

    async def acquire(
        self, amount: float = 1.0, *, max_wait: float | None = None
    ) -> None:
        """
        Wait until *amount* is admitted.

        ::

            limiter = AsyncLimiter(10, 1)

            await limiter.acquire()
            await limiter.acquire(5)  # a request that counts five times
            await limiter.acquire(max_wait=2)  # within 2 s, or not at all

        Requests are served by their arrival plus the time their own amount
        takes to leak: equal amounts first come, first served; a small one may
        pass a larger one that has just come.  A task that is cancelled while it
        waits, or after it was admitted and before it runs, takes nothing.

        Args:
            amount: How much, in units; 0 is allowed.
            max_wait: The longest wait, in seconds.  A wait that will be longer
                is refused at once.

        Raises:
            RateLimitExceeded: The wait would be longer than *max_wait*; or has
                become so, and *max_wait* is over.
            ValueError: *amount* is negative, not finite or more than the
                limiter holds; or has come to be, by a change of the limiter.
            RuntimeError: Tasks of another event loop wait for this limiter.
        """
        line = self._line
        if amount.__class__ is not float or max_wait is not None:
            amount = numbers.amount(amount, line.meter.burst)
            max_wait = longest(max_wait)
        elif line.meter.admit(amount, line.time()):
            return
        turn = line.ask(amount, max_wait)
        if turn is not None:
            try:
                await turn
            except BaseException:
                line.lost(turn)
                raise

    def try_acquire(self, amount: float = 1.0) -> Decision:
        """
        Take *amount* if it is admitted right now; never wait.

        >>> limiter = AsyncLimiter(2, 60)
        >>> bool(limiter.try_acquire(2))
        True
        >>> decision = limiter.try_acquire()
        >>> bool(decision), round(decision.retry_after)
        (False, 30)

        Args:
            amount: How much, in units.

        Returns:
            A decision that is true when the amount was taken.  If not, its
            ``retry_after`` counts those who are already waiting.

        Raises:
            ValueError: *amount* is negative, not finite or more than the
                limiter holds.
        """
        line = self._line
        meter = line.meter
        if amount.__class__ is not float:
            amount = numbers.amount(amount, meter.burst)
        if meter.admit(amount, line.time()):
            left = meter.burst - meter.level
            return decided(Decision, (True, 0.0, left if left > 0.0 else 0.0))
        if not 0.0 <= amount <= meter.burst < inf:
            amount = numbers.amount(amount, meter.burst)
        # Under attack refusals are what there is most of: where nobody waits,
        # this says what the line would, at half of the cost.
        wait, left = meter.refuse(amount)
        if wait > 0.0 and line.is_running():
            # `margin`, written out: its call is a tenth of all this.
            wait += line.grain + MARGIN + 8.0 * ulp(meter.at + wait)
            return decided(Decision, (False, wait, left))
        return line.decide(amount)

    def reserve(
        self, amount: float = 1.0, *, max_wait: float | None = None
    ) -> Reservation:
        """
        Take *amount* for the length of a block, and settle inside of it.

        ::

            limiter = AsyncLimiter(30_000, 60)

            async with limiter.reserve(900) as reservation:
                answer = await ask_the_model()
                reservation.settle(answer.tokens_used)

        Args:
            amount: The estimate, in units.
            max_wait: The longest wait for it, in seconds.

        Raises:
            RateLimitExceeded: On entering; as in `acquire`.
            ValueError: *amount* is negative, not finite or more than the
                limiter holds, or *max_wait* is negative.
        """
        # Imported when it is first wanted, as all that most programs never want.
        from .reservation import Reservation  # noqa: PLC0415

        amount = numbers.amount(amount, self._line.meter.burst)
        return Reservation(self, amount, longest(max_wait))

    def pause(self, seconds: float) -> None:
        """
        Admit nothing for *seconds*; afterwards go on at the rate, without a burst.

        Of several pauses the latest end counts; a change of the rate does not
        move it.  ``pause(0)`` changes nothing.

        >>> limiter = AsyncLimiter(2, 60)
        >>> limiter.pause(10)
        >>> round(limiter.try_acquire().retry_after)  # 10 s, and 30 s for 1
        40

        Args:
            seconds: How long, as in a server's ``Retry-After``.

        Raises:
            ValueError: *seconds* is negative or not finite.
        """
        self._line.pause(numbers.finite("seconds", seconds))

    def restrict(self, remaining: float) -> None:
        """
        Believe a server's word that at most *remaining* is left right now.

        It makes the limiter more careful, never less.  A fresh limiter that is
        restricted to 0 starts without a burst.

        >>> limiter = AsyncLimiter(100, 60)
        >>> limiter.restrict(20)
        >>> limiter.statistics().available
        20.0

        Args:
            remaining: What is left, in units.

        Raises:
            ValueError: *remaining* is negative or not a number.
        """
        self._line.restrict(numbers.not_negative("remaining", remaining))

    def statistics(self) -> LimiterStatistics:
        """
        Tell how things are right now, without changing any.

        >>> limiter = AsyncLimiter(100, 60)
        >>> await limiter.acquire(30)
        >>> limiter.statistics().available
        70.0
        """
        return self._line.statistics()


def longest(max_wait: float | None) -> float | None:
    """Return *max_wait* as a float, if there is one, and 0 or more."""
    return None if max_wait is None else numbers.not_negative("max_wait", max_wait)
