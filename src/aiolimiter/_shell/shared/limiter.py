"""The verbs of a limiter whose bucket is shared with other processes."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING, Literal, TypeAlias

from ..._core import numbers
from ..._core.decision import Decision, LimiterStatistics
from ..._core.errors import RateLimitExceeded
from ..entering import Entering
from .alone import Alone
from .line import SharedLine
from .rate import Rate, terms
from .reservation import SharedReservation
from .store import Store

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..._core.trip import Booking

OnError: TypeAlias = Literal["raise", "wait", "local", "open"]

_POLICIES = ("raise", "wait", "local", "open")


class SharedLimiter(Entering):
    """
    A leaky bucket that many processes share.

    Args:
        store: Where the bucket is.
        rates: What it is held to, all at once.
        quantum: How far ahead a process may book, in microseconds.
        timeout: How long a trip to the store may take, in seconds.
        on_error: What to do while the store is away.
        share: What part of the rates this process may use by itself then,
            under ``"local"``.

    Raises:
        ValueError: *timeout* is not above 0 or not finite, *on_error* is none
            of the four, or *share* is not above 0 and at most 1.
    """

    def __init__(  # noqa: PLR0913 -- what a limiter is made of
        self,
        store: Store,
        rates: Sequence[Rate],
        *,
        quantum: int,
        timeout: float,
        on_error: OnError,
        share: float,
    ) -> None:
        timeout = numbers.positive("timeout", timeout)
        if on_error not in _POLICIES:
            msg = f"on_error must be one of {', '.join(_POLICIES)}, got {on_error!r}"
            raise ValueError(msg)
        share = numbers.positive("share", share)
        if share > 1.0:
            msg = f"share must be at most 1, got {share!r}"
            raise ValueError(msg)
        self._rates = tuple(rates)
        self._burst = min(rate.burst for rate in rates)
        self._line: SharedLine | None = None
        self._alone: Alone | None = None
        limits = terms(rates)
        if limits.rates:
            self._line = SharedLine(
                store, limits, quantum=quantum, timeout=timeout, on_error=on_error
            )
            if on_error == "local":
                self._alone = Alone(rates, share)

    @property
    def max_rate(self) -> float:
        """How much is admitted in `time_period`; of several rates the first."""
        return self._rates[0].max_rate

    @property
    def time_period(self) -> float:
        """In seconds; of several rates the first."""
        return self._rates[0].time_period

    @property
    def burst(self) -> float:
        """The largest amount that can be admitted."""
        return self._burst

    async def has_capacity(self, amount: float = 1.0) -> bool:
        """
        Whether *amount* fits right now, by the store's word.

        Only a look: it takes nothing, and ignores who is waiting and not booked.

        Args:
            amount: How much, in units.  More than the limiter holds never fits.

        Raises:
            BackendError: The store is away, whatever the policy.
            ValueError: *amount* is negative or not a number.
        """
        amount = numbers.not_negative("amount", amount)
        if self._line is None:
            return amount <= self._burst
        return await self._line.has_capacity(amount)

    async def acquire(
        self, amount: float = 1.0, *, max_wait: float | None = None
    ) -> None:
        """
        Wait until *amount* is admitted.

        In a process, requests are served by their arrival plus the time their
        own amount takes to leak, as long as they are not booked; processes take
        turns.  A task that is cancelled while it waits, or after it was
        admitted and before it runs, takes nothing, as far as others have not
        booked behind it.

        Args:
            amount: How much, in units; 0 is allowed.
            max_wait: The longest wait, in seconds.  Refused at once when the
                store rules it out; whoever waits behind others of its own
                process may be refused only at its deadline.

        Raises:
            RateLimitExceeded: The wait would be longer than *max_wait*, or has
                been.
            BackendError: The store is away, and the policy is to raise; or what
                it keeps is not a limiter's.
            ValueError: *amount* is negative, not finite or more than the
                limiter holds; or *max_wait* is negative.
            RuntimeError: Tasks of another event loop wait for this limiter.
        """
        amount = numbers.amount(amount, self._burst)
        if max_wait is not None:
            max_wait = numbers.not_negative("max_wait", max_wait)
        await self._book(amount, max_wait)

    async def try_acquire(self, amount: float = 1.0) -> Decision:
        """
        Take *amount* if the store admits it right now; wait for its answer only.

        Args:
            amount: How much, in units.

        Returns:
            A decision that is true when the amount was taken.

        Raises:
            BackendError: As in `acquire`.
            ValueError: *amount* is negative, not finite or more than the
                limiter holds.
            RuntimeError: Tasks of another event loop wait for this limiter.
        """
        amount = numbers.amount(amount, self._burst)
        try:
            await self._book(amount, 0.0)
        except RateLimitExceeded as refused:
            return refused.decision
        remaining = inf if self._line is None else self._line.room()
        return Decision(True, 0.0, remaining)  # noqa: FBT003 -- a field

    def reserve(
        self, amount: float = 1.0, *, max_wait: float | None = None
    ) -> SharedReservation:
        """
        Take *amount* for the length of a block, and settle inside of it.

        ::

            async with limiter.reserve(900) as reservation:
                answer = await ask_the_model()
                await reservation.settle(answer.tokens_used)

        Args:
            amount: The estimate, in units.
            max_wait: The longest wait for it, in seconds.

        Raises:
            RateLimitExceeded: On entering; as in `acquire`.
            BackendError: On entering; as in `acquire`.
            ValueError: *amount* is negative, not finite or more than the
                limiter holds, or *max_wait* is negative.
        """
        amount = numbers.amount(amount, self._burst)
        if max_wait is not None:
            max_wait = numbers.not_negative("max_wait", max_wait)
        return SharedReservation(self, amount, max_wait)

    async def pause(self, seconds: float) -> None:
        """
        Admit nothing for *seconds*, in the whole fleet.

        This process stops at once, others at their next trip.  Afterwards all go
        on at the rate, without a burst.  Of several pauses the latest end
        counts; ``pause(0)`` changes nothing.

        Args:
            seconds: How long, as in a server's ``Retry-After``.

        Raises:
            BackendError: The store is away, whatever the policy: the others do
                not know of the pause.
            ValueError: *seconds* is negative or not finite.
        """
        seconds = numbers.finite("seconds", seconds)
        if self._alone is not None:
            self._alone.pause(seconds)
        if self._line is not None and seconds > 0.0:
            await self._line.pause(seconds)

    async def restrict(self, remaining: float) -> None:
        """
        Believe a server's word that at most *remaining* is left right now.

        It makes the fleet more careful, never less.

        Args:
            remaining: What is left, in units.

        Raises:
            BackendError: The store is away, whatever the policy.
            ValueError: *remaining* is negative or not a number.
        """
        remaining = numbers.not_negative("remaining", remaining)
        if self._alone is not None:
            self._alone.restrict(remaining)
        if self._line is not None and remaining < inf:
            await self._line.restrict(remaining)

    async def statistics(self) -> LimiterStatistics:
        """
        Tell how things are: the level of the fleet, and who waits in this process.

        What is booked ahead counts in the level, which may thus be above the
        burst.  Of several rates the one with the highest level is told.

        Raises:
            BackendError: The store is away, whatever the policy.
        """
        if self._line is None:
            return LimiterStatistics(0.0, inf, 0, 0.0, None)
        return await self._line.statistics()

    async def _book(self, amount: float, max_wait: float | None) -> Booking | None:
        line = self._line
        if line is None:
            return None
        turn = line.ask(amount, max_wait)
        try:
            booking = await turn
        except BaseException:
            line.lost(turn, amount)
            raise
        if booking is None and self._alone is not None:
            await self._alone.acquire(amount, max_wait)
        return booking

    async def _settle(self, booking: Booking, amount: float) -> None:
        assert self._line is not None, "only a line makes bookings"
        await self._line.settle(booking, amount)

    def _limits(self) -> str:
        return ", ".join(f"{r.max_rate:g} per {r.time_period:g} s" for r in self._rates)
