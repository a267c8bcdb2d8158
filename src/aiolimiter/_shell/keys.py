"""
The keys of a `KeyedLimiter`: quiet ones in a ledger, busy ones with a line.

Most keys are quiet: a level and an instant.  A key has a line while somebody
waits for it, may give back or has paused it; each call looks at one of these,
and folds it back into the ledger once it is quiet.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from .._core import numbers
from .._core.bucket import Bucket
from .._core.decision import Decision, decided
from .._core.ledger import Ledger
from .clock import Clock, margin
from .line import Line

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterator

    # A key's own max_rate, or the same for all.
    MaxRate: TypeAlias = float | Callable[[Any], float]


class Terms(NamedTuple):
    """The limit of all keys, or how to find a key's."""

    max_rate: MaxRate
    time_period: float
    burst: float | None

    def max_rate_of(self, key: Hashable) -> float:
        """How much *key* admits in the period."""
        if callable(self.max_rate):
            return numbers.rate("max_rate of a key", self.max_rate(key))
        return self.max_rate

    def burst_of(self, key: Hashable) -> float:
        """How much the bucket of *key* holds."""
        return self.max_rate_of(key) if self.burst is None else self.burst

    def rate(self) -> Callable[[Hashable], float]:
        """Return a function from a key to units a second."""
        if not callable(self.max_rate):
            rate = numbers.per_second(self.max_rate, self.time_period)
            return lambda _: rate
        return lambda key: numbers.per_second(self.max_rate_of(key), self.time_period)


class Keys(Clock):
    """All keys that owe something."""

    __slots__ = ("_burst", "_busy", "_ledger", "_most", "_round", "terms")

    def __init__(self, terms: Terms, most: float) -> None:
        super().__init__()
        self._most = most
        self._ledger = Ledger(terms.rate(), most)
        self._set(terms)
        self._busy: dict[Hashable, Line] = {}
        self._round: deque[Hashable] = deque()

    def __len__(self) -> int:
        return len(self._ledger) + len(self._busy)

    def __iter__(self) -> Iterator[Hashable]:
        yield from list(self._ledger)
        yield from list(self._busy)

    def owes(self, key: Hashable) -> bool:
        """Whether *key* owes something, or somebody waits for it."""
        now = self.now()
        line = self._busy.get(key)
        if line is None:
            return self._ledger.level(key, now) > 0.0
        line.advance()
        return not line.quiet or line.meter.level > 0.0

    def decide(self, key: Hashable, amount: float) -> Decision | None:
        """
        Take *amount* from a quiet *key*, or tell when; None if it is busy.

        Raises:
            ValueError: *amount* is no amount, or more than the bucket holds.
        """
        now = self.time()
        self._ledger.count(now)
        if self._round:
            self._fold(now)
            if key in self._busy:
                return None
        burst = self._burst or self.terms.burst_of(key)
        if not 0.0 <= amount <= burst:
            numbers.amount(amount, burst)
        level = self._ledger.level(key, now)
        over = level + amount - burst
        if over <= burst * numbers.ROUNDING:
            self._ledger.book(key, level + amount, now)
            return decided(Decision, (True, 0.0, -over if over < 0.0 else 0.0))
        wait = over / self._ledger.rate_of(key)
        retry_after = wait + self.grain + margin(now + wait)
        return decided(Decision, (False, retry_after, max(0.0, burst - level)))

    def line(self, key: Hashable) -> Line:
        """Return the line of *key*, which it has from now on while it is busy."""
        now = self.now()
        self._ledger.count(now)
        for _ in range(min(2, len(self._round))):
            self._fold(now)
        line = self._busy.get(key)
        if line is None:
            self._busy[key] = line = Line(self._bucket(key))
            self._ledger.drop(key)
            self._round.append(key)
            self._ledger.most = max(0.0, self._most - len(self._busy))
        return line

    def peek(self, key: Hashable) -> Line:
        """Return the line of *key* for a look; it does not become busy by it."""
        return self._busy.get(key) or Line(self._bucket(key))

    def change(self, terms: Terms) -> None:
        """
        Go on with other *terms*.

        Raises:
            ValueError: They make no rate; nothing is changed.
        """
        rate = terms.rate()
        self._set(terms)
        self._ledger.change(rate, self.now())
        for key, line in list(self._busy.items()):
            line.change(rate(key), terms.burst_of(key))

    def _set(self, terms: Terms) -> None:
        self.terms = terms
        # The burst of all keys, unless it depends on the key.
        self._burst = terms.burst or (
            None if callable(terms.max_rate) else terms.max_rate
        )

    def _bucket(self, key: Hashable) -> Bucket:
        bucket = Bucket(self._ledger.rate_of(key), self.terms.burst_of(key))
        bucket.at = self.now()
        bucket.level = self._ledger.level(key, bucket.at)
        return bucket

    def _fold(self, now: float) -> None:
        key = self._round.popleft()
        line = self._busy[key]
        line.advance()
        if not line.quiet:
            self._round.append(key)
            return
        del self._busy[key]
        self._ledger.most = max(0.0, self._most - len(self._busy))
        if line.meter.level > 0.0:
            self._ledger.book(key, line.meter.level, now)

    def _arrive(self, now: float) -> None:
        if now < self._ledger.at:
            self._ledger.rebase(self._ledger.at - now)
