"""The verbs of a limiter whose bucket is shared with other processes."""

from __future__ import annotations

import asyncio
from contextvars import Context
from functools import partial
from math import inf
from typing import TYPE_CHECKING, Any, Literal, TypeAlias
from weakref import ref

from ..._core import numbers
from ..._core.decision import Decision, LimiterStatistics
from ..._core.errors import RateLimitExceeded
from ..._core.shared.trip import Change
from ..entering import Limiter
from ..line import MAX_PAUSE
from ..signals import Signals
from . import rate as said
from .alone import Alone
from .line import SharedLine
from .outlook import SharedStatistics
from .rate import Pairs, Rate
from .reservation import SharedReservation
from .store import Store

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Sequence

    from ..._core.errors import BackendError
    from ..._core.shared.trip import Booking, Force, State
    from ..signals import Observer

OnError: TypeAlias = Literal["raise", "wait", "local", "open"]

_POLICIES = ("raise", "wait", "local", "open")


class SharedLimiter(Limiter):
    """
    A leaky bucket that many processes share.

    Args:
        store: Where the bucket is.
        rates: What it is held to, all at once.
        quantum: How far ahead a process may book, in microseconds.
        timeout: How long a trip to the store may take, in seconds; ``None`` if
            the store has deadlines of its own.
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
        timeout: float | None,
        on_error: OnError = "raise",
        share: float = 1.0,
    ) -> None:
        if timeout is not None:
            timeout = numbers.positive("timeout", timeout)
        if on_error not in _POLICIES:
            msg = f"on_error must be one of {', '.join(_POLICIES)}, got {on_error!r}"
            raise ValueError(msg)
        share = numbers.positive("share", share)
        if share > 1.0:
            msg = f"share must be at most 1, got {share!r}"
            raise ValueError(msg)
        # What it was made with, and what is in force.
        self._given = self._rates = tuple(rates)
        self._burst = min(rate.burst for rate in rates)
        self._version = 0
        self._signals = Signals()
        self._max_pause = MAX_PAUSE
        self._terms = said.terms(rates)
        self._draws = partial(
            SharedLine,
            terms=self._terms,
            quantum=quantum,
            timeout=timeout,
            on_error=on_error,
        )
        self._share = share if on_error == "local" else None
        self._keeper = store
        self._seen: State | None = None
        self._drawn: SharedLine | None = None
        self._beside: Alone | None = None
        if self._terms.rates:
            self._draw()

    @property
    def _line(self) -> SharedLine | None:
        # Of many thousand keys, few are ever asked for by two at once; to make the
        # line of a key costs half of what asking does.
        if self._drawn is None and self._terms.rates:
            self._draw()
        return self._drawn

    @property
    def _alone(self) -> Alone | None:
        return self._beside if self._line else None

    def _draw(self) -> None:
        if self._share is not None:
            self._beside = Alone(self._terms, self._share)
        line = self._drawn = self._draws(self._keeper, alone=self._beside)
        line.pump.over = _tells(ref(self))
        line.changed = _adopts(ref(self))
        if self._seen is not None:
            line.pump.seen = self._seen

    @property
    def max_rate(self) -> float:
        """
        How much is admitted in `time_period`; of several rates the first.

        It is what is in force, as far as this process knows; see `change`.
        """
        return self._rates[0].max_rate

    @property
    def time_period(self) -> float:
        """In seconds; of several rates the first."""
        return self._rates[0].time_period

    @property
    def burst(self) -> float:
        """The largest amount that can be admitted."""
        return self._burst

    @property
    def observer(self) -> Observer | None:
        """Who hears of it in this process; see `aiolimiter.AsyncLimiter.observer`."""
        return self._signals.observer

    @observer.setter
    def observer(self, observer: Observer | None) -> None:
        self._signals.observer = observer

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
        await self._take_or_wait(amount, max_wait)

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
        if self._drawn is None:
            decision = await self._ask_without_line(amount)
            if decision is not None:
                return decision
        try:
            await self._book(amount, 0.0)
        except RateLimitExceeded as refused:
            self._signals.refused(self, amount, refused.retry_after)
            return refused.decision
        self._signals.waited(self, amount, 0.0)
        return Decision(True, 0.0, self._room())  # noqa: FBT003 -- a field

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
        counts; ``pause(0)`` changes nothing, and none goes beyond `max_pause`.

        Args:
            seconds: How long, as in a server's ``Retry-After``.

        Raises:
            BackendError: The store is away, whatever the policy: the others do
                not know of the pause.
            ValueError: *seconds* is negative or not finite.
        """
        seconds = min(numbers.finite("seconds", seconds), self._max_pause)
        if self._alone is not None and seconds > 0.0:
            await self._alone.pause(seconds)
        if self._line is not None and seconds > 0.0:
            await self._line.pause(seconds)
            self._signals.paused(self, seconds)

    @property
    def max_pause(self) -> float:
        """
        What no pause goes beyond, in seconds; an hour until it is set.

        As `aiolimiter.AsyncLimiter.max_pause`; it counts for the pauses that this
        process asks for.
        """
        return self._max_pause

    @max_pause.setter
    def max_pause(self, max_pause: float) -> None:
        self._max_pause = numbers.rate("max_pause", max_pause)

    async def reset(self) -> None:
        """
        Make the limit as good as new for the whole fleet: empty, and not paused.

        Who waits in this process asks anew at once; others hear of it at their
        next trip, within five seconds.  Until then each may admit
        what it has booked.  What was taken before it is forgotten, and settling
        it for less gives nothing back.

        Raises:
            BackendError: The store is away, whatever the policy.
            RuntimeError: Tasks of another event loop wait for this limiter.
        """
        if self._alone is not None:
            await self._alone.reset()
        if self._line is not None:
            await self._line.reset()

    async def change(
        self,
        *,
        max_rate: float | Pairs | None = None,
        time_period: float | None = None,
        burst: float | None = None,
    ) -> None:
        """
        Change the limit for the whole fleet, while it runs.

        ::

            await limiter.change(max_rate=100)  # from now on, for all
            await limiter.change()  # what each was started with counts again

        What leaked until now leaked at the rate of before, the level stays, and
        a pause ends when it would have.  Who waits in this process asks anew at
        once; others hear of it at their next trip, as of a `reset`, and then
        tell the log once.  The change counts for all, whatever they were
        started with, until the next one.  It stands beside the level: a process
        that knows it brings it back if the store loses it.

        Args:
            max_rate: In units, or several rates as they are given when a
                limiter is made; as it is by default.
            time_period: In seconds; as it is by default, of several rates the
                first.
            burst: In units; by default it follows *max_rate* if it was the same,
                and else is as it is.

        Raises:
            BackendError: The store is away, whatever the policy.
            RuntimeError: Tasks of another event loop wait for this limiter; or it
                was made without a limit, and asks no store.
            TypeError: A number is not one, or *max_rate* is several where one is
                kept.
            ValueError: A number is not above 0 or not finite, or there is a
                *burst* for several rates.
        """
        if self._line is None:
            msg = "can't change a limiter made with max_rate=inf: make another one"
            raise RuntimeError(msg)
        change = Change(None)
        if (max_rate, time_period, burst) != (None, None, None):
            change = self._changed(max_rate, time_period, burst)
        await self._line.change(change)

    def _changed(
        self,
        max_rate: float | Pairs | None,
        time_period: float | None,
        burst: float | None,
    ) -> Change:
        first = self._rates[0]
        several = isinstance(max_rate, list | tuple)
        if burst is None and not several and first.burst != first.max_rate:
            burst = first.burst
        wanted = self._said(
            first.max_rate if max_rate is None else max_rate,
            first.time_period if time_period is None else time_period,
            burst,
        )
        if any(rate.max_rate == inf for rate in wanted):
            msg = (
                "max_rate must be finite, got inf: who has no limit asks no store, "
                "and would not hear of the next change"
            )
            raise ValueError(msg)
        return Change(said.terms(wanted), tuple(rate.time_period for rate in wanted))

    # Numbers as users say them; a store may keep less than others.
    _said = staticmethod(said.rates)

    def _adopt(self, force: Force | None) -> None:
        """Go by what is in force."""
        held, self._rates = said.in_force(force, self._given)
        self._burst = min(rate.burst for rate in self._rates)
        assert self._line is not None, "a line has heard of it"
        self._line.turn_away(self._burst)
        if self._alone is not None:
            self._alone.hold_to(held)
        version = force.version if force else 0
        if version > self._version:
            self._version = version
            self._signals.changed(self, _limits(self._rates), _limits(self._given))

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
        if self._alone is not None and remaining < inf:
            await self._alone.restrict(remaining)
        if self._line is not None and remaining < inf:
            await self._line.restrict(remaining)

    async def statistics(self) -> SharedStatistics:
        """
        Tell how things are: the level of the fleet, and who waits in this process.

        What is booked ahead counts in the level, which may thus be above the
        burst.  Of several rates the one with the highest level is told.
        ``max_rate``, ``time_period`` and ``burst`` are those in force.

        Raises:
            BackendError: The store is away, whatever the policy.
        """
        if self._line is None:
            nothing = LimiterStatistics(0.0, inf, 0, 0.0, None)
            return SharedStatistics.of(nothing, self._rates[0])
        now = await self._line.statistics()
        return SharedStatistics.of(now, self._rates[0])

    def _waiting_now(self) -> int:
        return 0 if self._drawn is None else self._drawn.waiting()

    async def _ask_without_line(self, amount: float) -> Decision | None:  # noqa: ARG002 -- where it can be
        """Take *amount* if it is admitted right now; None if that needs a line."""
        return None

    def _room(self) -> float:
        # What is left by the store's last word.
        return inf if self._line is None else self._line.room()

    async def _take_or_wait(
        self, amount: float, max_wait: float | None
    ) -> Booking | None:
        time = asyncio.get_running_loop().time
        came = time()
        try:
            booking = await self._book(amount, max_wait)
        except RateLimitExceeded as refused:
            self._signals.refused_wait(self, amount, refused.retry_after)
            raise
        self._signals.waited(self, amount, time() - came)
        return booking

    def _book(
        self, amount: float, max_wait: float | None
    ) -> Coroutine[Any, Any, Booking | None]:
        line = self._line
        if line is None:
            return _let_through()
        # Drawn with the line.
        alone = self._beside
        if alone is not None:
            return self._book_or_alone(line, alone, amount, max_wait)
        return _booked(line, amount, max_wait)

    async def _book_or_alone(
        self, line: SharedLine, alone: Alone, amount: float, max_wait: float | None
    ) -> Booking | None:
        loop = asyncio.get_running_loop()
        since, left = loop.time(), max_wait
        while True:
            booking = await _booked(line, amount, left, since)
            if booking is not None:
                return booking
            # Who waits alone wants to know when the store is back.
            loop.call_soon(line.look, context=Context())
            if await _booked(alone, amount, left, since) is not None:
                # The store knows nothing of it, so there is nothing to settle.
                return None
            if max_wait is not None:
                left = max(0.0, since + max_wait - loop.time())

    async def _settle(self, booking: Booking, amount: float) -> None:
        assert self._line is not None, "only a line makes bookings"
        await self._line.settle(booking, amount)

    def _limits(self) -> str:
        return ", ".join(f"{r.max_rate:g} per {r.time_period:g} s" for r in self._rates)


def _limits(limits: Sequence[Rate]) -> str:
    return ", ".join(
        f"{rate.max_rate:g} per {rate.time_period:g} s, burst {rate.burst:g}"
        for rate in limits
    )


def _adopts(limiter: ref[SharedLimiter]) -> Callable[[Force | None], None]:
    def adopt(force: Force | None) -> None:
        told = limiter()
        if told is not None:
            told._adopt(force)  # noqa: SLF001 -- its own

    return adopt


def _tells(
    limiter: ref[SharedLimiter],
) -> Callable[[float, BackendError | None], None]:
    # A limiter goes when nobody holds it any more, and the pump does not.
    def over(took: float, error: BackendError | None) -> None:
        told = limiter()
        if told is not None:
            told._signals.backend(told, took, error)  # noqa: SLF001 -- its own

    return over


async def _let_through() -> None:
    """Book nothing: there is no limit."""


async def _booked(
    line: SharedLine, amount: float, max_wait: float | None, since: float | None = None
) -> Booking | None:
    turn = line.ask(amount, max_wait, since)
    try:
        return await turn
    except BaseException:
        line.lost(turn, amount)
        raise
    finally:
        # An error it ends with knows this frame by its traceback: who is refused
        # would leave a cycle for the garbage collector.
        del turn
