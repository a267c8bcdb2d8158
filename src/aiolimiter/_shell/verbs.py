"""The verbs of every limiter that has a waiting line of its own."""

from __future__ import annotations

from math import inf, ulp
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from .._core import numbers
from .._core.decision import Decision, decided
from .._core.errors import RateLimitExceeded
from . import entering, signals
from .clock import MARGIN

if TYPE_CHECKING:
    from .._core.decision import LimiterStatistics
    from .line import Line
    from .queue import Turn
    from .reservation import Reservation
    from .signals import Observer, Signals


# What an object has: in its `__dict__`, if it has one, and in its slots.
State: TypeAlias = tuple[dict[str, Any] | None, dict[str, Any]]


class Limiter(entering.Limiter):
    """
    What all limiters with a line of their own have in common.

    It is called as the protocol of the family is: messages name it, those of type
    checkers, too.
    """

    __slots__ = ()

    # Where it is waited.
    _line: Line

    def __getstate__(self) -> State:
        # For `copy` and `pickle`: one that shares nothing with this.
        from copy import copy  # noqa: PLC0415 -- see `reserve`

        values, slots = cast("State", super().__getstate__())
        return values, {**slots, "_line": copy(self._line)}

    def has_capacity(self, amount: float = 1.0) -> bool:
        """
        Whether *amount* fits right now.

        Only a look: it takes nothing, ignores who is waiting, and promises
        nothing: an `acquire` right after it may wait all the same.  To take an
        amount or be told at once there is `try_acquire`.

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
        elif line.meter.quick(amount, line.time()):
            return
        try:
            turn = line.ask(amount, max_wait)
            if turn is not None:
                try:
                    await turn
                except BaseException:
                    turn.lost()
                    raise
        except RateLimitExceeded as refusal:
            self._told_refusal(amount, refusal)
            raise
        if signals.heard:
            self._told_wait(amount, turn)

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
        if meter.quick(amount, line.time()):
            left = meter.burst - meter.level
            return decided(Decision, (True, 0.0, left if left > 0.0 else 0.0))
        if not 0.0 <= amount <= meter.burst < inf:
            amount = numbers.amount(amount, meter.burst)
        if signals.heard:
            return self._told_decision(amount, line.decide(amount))
        # Under attack refusals are what there is most of: where nobody waits,
        # this says what the line would, at half of the cost.
        wait, left = meter.refuse(amount)
        if wait > 0.0 and line.is_current():
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
        line = self._line
        line.pause(numbers.finite("seconds", seconds))
        self._signals().paused(self, min(seconds, line.max_pause))

    @property
    def max_pause(self) -> float:
        """
        What no pause goes beyond, in seconds; an hour until it is set.

        Whoever asks for longer, a server or a mistake (milliseconds taken for
        seconds, a timestamp), gets this; ``math.inf`` for no bound.  It counts
        for the pauses that come.

        >>> limiter = AsyncLimiter(2, 60)
        >>> limiter.max_pause = 10
        >>> limiter.pause(1e12)
        >>> round(limiter.try_acquire().retry_after)  # 10 s, and 30 s for 1
        40
        """
        return self._line.max_pause

    @max_pause.setter
    def max_pause(self, max_pause: float) -> None:
        self._line.max_pause = numbers.rate("max_pause", max_pause)

    @property
    def observer(self) -> Observer | None:
        """
        Who hears of waits, refusals and pauses as they happen; nobody at first.

        >>> limiter = AsyncLimiter(2, 60)
        >>> limiter.observer = Observer()
        >>> limiter.observer = None

        Raises:
            TypeError: On setting, when it is neither an `Observer` nor None.
        """
        return self._signals().observer

    @observer.setter
    def observer(self, observer: Observer | None) -> None:
        self._signals().observer = observer

    def reset(self) -> None:
        """
        Be as good as new: empty, and not paused.

        Whoever waits is looked at in the same breath, or of thousands in the next
        ones.  For an operator, and for tests: what was taken before it is forgotten,
        and settling it for less gives nothing back.

        >>> limiter = AsyncLimiter(2, 60)
        >>> limiter.pause(1000)
        >>> limiter.reset()
        >>> limiter.has_capacity(2)
        True
        """
        self._line.reset()

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

    # A plain number, which any thread may read.
    def _waiting_now(self) -> int:
        return self._line.queue.waiting

    def _signals(self) -> Signals:
        line = self._line
        line.signals = line.signals or signals.Signals()
        return line.signals

    def _ask(self, amount: float, max_wait: float | None) -> Turn | None:
        return self._line.ask(amount, max_wait)

    def _told_wait(self, amount: float, turn: Turn | None) -> None:
        seconds = 0.0 if turn is None else self._line.time() - turn.arrival
        self._signals().waited(self, amount, seconds)

    def _told_refusal(self, amount: float, refusal: RateLimitExceeded) -> None:
        self._signals().refused_wait(self, amount, refusal.retry_after)

    def _told_decision(self, amount: float, decision: Decision) -> Decision:
        if decision.granted:
            self._signals().waited(self, amount, 0.0)
        else:
            self._signals().refused(self, amount, decision.retry_after)
        return decision


def longest(max_wait: float | None) -> float | None:
    """Return *max_wait* as a float, if there is one, and 0 or more."""
    return None if max_wait is None else numbers.not_negative("max_wait", max_wait)
