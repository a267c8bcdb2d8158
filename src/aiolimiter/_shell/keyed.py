"""`KeyedLimiter`: one limit for each user, host or chat."""

from __future__ import annotations

from collections import deque
from math import inf
from typing import TYPE_CHECKING, Any, TypeAlias, final

from .._core import numbers
from .._core.bucket import Bucket
from .._core.decision import Decision, LimiterStatistics
from .._core.ledger import Ledger
from .clock import Clock, margin
from .line import Line
from .verbs import Verbs

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Hashable, Iterator

    # A key's own max_rate, or the same for all.
    MaxRate: TypeAlias = float | Callable[[Any], float]


@final
class KeyedLimiter(Clock):
    """
    One leaky bucket for each key.

    ::

        limits = KeyedLimiter(20, 60)

        async with limits["chat 42"]:
            ...  # entered 20 times a minute for each chat, on average

    A key is forgotten exactly when it is as good as new: when its bucket has
    leaked empty and nobody waits for it.  That needs no task and no timer: each
    call looks at two keys.

    Args:
        max_rate: How much a key admits in *time_period*, in units; or a
            function from a key to that.
        time_period: In seconds.
        burst: How much a key's bucket holds; its *max_rate* if not given.
        max_keys: How many keys are remembered at most.  Above that, the ones
            nearest to new are forgotten, debt and all; those with waiters are
            not.

    Raises:
        ValueError: One of them is not above 0, or not finite.
    """

    __slots__ = (
        "__weakref__",
        "_burst",
        "_busy",
        "_ledger",
        "_max_keys",
        "_max_rate",
        "_round",
        "_time_period",
    )

    def __init__(
        self,
        max_rate: MaxRate,
        time_period: float = 60,
        *,
        burst: float | None = None,
        max_keys: int | None = None,
    ) -> None:
        super().__init__()
        self._max_rate = _checked(max_rate)
        self._time_period = numbers.positive("time_period", time_period)
        self._burst = None if burst is None else numbers.positive("burst", burst)
        self._max_keys = (
            inf if max_keys is None else numbers.positive("max_keys", max_keys)
        )
        # Most keys are quiet: a number and an instant in the ledger.  Where
        # somebody waits, may give back or has paused, a key has a line.
        self._ledger = Ledger(self._rate_of(), self._max_keys)
        self._busy: dict[Hashable, Line] = {}
        self._round: deque[Hashable] = deque()

    def __getitem__(self, key: Hashable) -> KeyLimiter:
        """Return the limiter of *key*; it stays right for as long as it is held."""
        return KeyLimiter(self, key)

    def __len__(self) -> int:
        """How many keys owe something; some may have leaked empty just now."""
        return len(self._ledger) + len(self._busy)

    def __contains__(self, key: Hashable) -> bool:
        """Whether *key* owes something, or somebody waits for it."""
        now = self.now()
        line = self._busy.get(key)
        if line is None:
            return self._ledger.level(key, now) > 0.0
        line.meter.advance(now)
        return not _is_quiet(line) or line.meter.level > 0.0

    def __iter__(self) -> Iterator[Hashable]:
        """Go through the keys that owe something."""
        return iter([key for key in (*self._ledger, *self._busy) if key in self])

    @property
    def max_rate(self) -> MaxRate:
        """How much each key admits in `time_period`; may be set while tasks wait."""
        return self._max_rate

    @max_rate.setter
    def max_rate(self, max_rate: MaxRate) -> None:
        self._max_rate = _checked(max_rate)
        self._change()

    @property
    def time_period(self) -> float:
        """In seconds; may be set while tasks wait."""
        return self._time_period

    @time_period.setter
    def time_period(self, time_period: float) -> None:
        self._time_period = numbers.positive("time_period", time_period)
        self._change()

    @property
    def burst(self) -> float | None:
        """How much each key's bucket holds, or None: its `max_rate`."""
        return self._burst

    @burst.setter
    def burst(self, burst: float | None) -> None:
        self._burst = None if burst is None else numbers.positive("burst", burst)
        self._change()

    def statistics(self) -> LimiterStatistics:
        """
        Tell how all keys together are right now; looks at each of them.

        ``available`` is what a new key would have, where all have the same.
        """
        each = [self[key].statistics() for key in self]
        waits = [one.seconds_to_next for one in each if one.seconds_to_next is not None]
        return LimiterStatistics(
            level=sum(one.level for one in each),
            available=inf if callable(self._max_rate) else self._burst_of(None),
            waiting=sum(one.waiting for one in each),
            amount_waiting=sum(one.amount_waiting for one in each),
            seconds_to_next=min(waits, default=None),
        )

    def __repr__(self) -> str:
        rate = self._max_rate if callable(self._max_rate) else f"{self._max_rate:g}"
        return f"<KeyedLimiter({rate}, {self._time_period:g}) keys={len(self)}>"

    # For the limiters of its keys.

    def decide(self, key: Hashable, amount: float) -> Decision | None:
        """Take *amount* from a quiet *key*, or tell when; None if it is busy."""
        now = self.time()
        self._ledger.sweep(now)
        if self._round:
            self._fold(now)
            if key in self._busy:
                return None
        burst = self._burst_of(key)
        if not 0.0 <= amount <= burst:
            numbers.amount(amount, burst)
        level = self._ledger.level(key, now)
        over = level + amount - burst
        if over <= burst * numbers.ROUNDING:
            self._ledger.book(key, level + amount, now)
            return _decision(Decision, (True, 0.0, -over if over < 0.0 else 0.0))
        wait = over / self._ledger.rate_of(key)
        retry_after = wait + self.grain + margin(now + wait)
        return _decision(Decision, (False, retry_after, max(0.0, burst - level)))

    def line(self, key: Hashable) -> Line:
        """Return the line of *key*, which it has from now on while it is busy."""
        line = self._busy.get(key)
        if line is None:
            self._busy[key] = line = Line(self._bucket(key))
            self._ledger.drop(key)
            self._round.append(key)
            self._ledger.most = max(0.0, self._max_keys - len(self._busy))
        return line

    def peek(self, key: Hashable) -> Line:
        """Return the line of *key* for a look; it does not become busy by it."""
        return self._busy.get(key) or Line(self._bucket(key))

    def _fold(self, now: float) -> None:
        # One busy key a call is looked at, and goes back to the ledger if it
        # is quiet by now.
        key = self._round.popleft()
        line = self._busy[key]
        if not _is_quiet(line):
            self._round.append(key)
            return
        line.meter.advance(now)
        del self._busy[key]
        self._ledger.most = max(0.0, self._max_keys - len(self._busy))
        if line.meter.level > 0.0:
            self._ledger.book(key, line.meter.level, now)

    def _bucket(self, key: Hashable) -> Bucket:
        bucket = Bucket(self._ledger.rate_of(key), self._burst_of(key))
        bucket.at = self.now()
        bucket.level = self._ledger.level(key, bucket.at)
        return bucket

    def _change(self) -> None:
        self._ledger.change(self._rate_of(), self.now())
        for key, line in list(self._busy.items()):
            line.change(self._ledger.rate_of(key), self._burst_of(key))

    def _rate_of(self) -> Callable[[Hashable], float]:
        # A function that keeps saying what is true now, also after a change.
        max_rate, period = self._max_rate, self._time_period
        if not callable(max_rate):
            rate = numbers.per_second(max_rate, period)
            return lambda _: rate
        return lambda key: numbers.per_second(
            numbers.rate("max_rate of a key", max_rate(key)), period
        )

    def _burst_of(self, key: Hashable) -> float:
        if self._burst is not None:
            return self._burst
        if callable(self._max_rate):
            return numbers.rate("max_rate of a key", self._max_rate(key))
        return self._max_rate

    def _is_bound(self) -> bool:
        # The lines look after those who wait.
        return False

    def _arrive(self, now: float) -> None:
        if now < self._ledger.at:
            self._ledger.rebase(self._ledger.at - now)


@final
class KeyLimiter(Verbs):
    """The limiter of one key, with all the verbs of an `AsyncLimiter`."""

    __slots__ = ("_limits", "key")

    def __init__(self, limits: KeyedLimiter, key: Hashable) -> None:
        self._limits = limits
        self.key = key

    @property
    def _line(self) -> Line:
        return self._limits.line(self.key)

    def has_capacity(self, amount: float = 1.0) -> bool:
        """Whether *amount* fits right now; see `AsyncLimiter.has_capacity`."""
        amount = numbers.not_negative("amount", amount)
        line = self._limits.peek(self.key)
        line.meter.advance(self._limits.now())
        return line.meter.wait(amount) <= 0.0

    async def acquire(
        self, amount: float = 1.0, *, max_wait: float | None = None
    ) -> None:
        """Wait until *amount* is admitted; see `AsyncLimiter.acquire`."""
        decision = self._limits.decide(self.key, _float(amount))
        if decision is None or not decision.granted:
            await super().acquire(amount, max_wait=max_wait)

    def try_acquire(self, amount: float = 1.0) -> Decision:
        """Take *amount* if it is admitted now; see `AsyncLimiter.try_acquire`."""
        decision = self._limits.decide(self.key, _float(amount))
        return super().try_acquire(amount) if decision is None else decision

    def statistics(self) -> LimiterStatistics:
        """Tell how things are right now, without changing any."""
        return self._limits.peek(self.key).statistics()

    def __repr__(self) -> str:
        now = self.statistics()
        return f"<{self.key!r} of {self._limits!r} level={now.level:.4g}>"


def _is_quiet(line: Line) -> bool:
    return line.meter.quiet and not (line.queue.waiting or line.promises)


def _float(amount: float) -> float:
    return (
        amount if amount.__class__ is float else numbers.not_negative("amount", amount)
    )


def _checked(max_rate: MaxRate) -> MaxRate:
    return max_rate if callable(max_rate) else numbers.rate("max_rate", max_rate)


# A fifth of the cost of calling the class.
_decision = tuple.__new__
