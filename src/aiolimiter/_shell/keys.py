"""
All keys of a limiter: known in one of two ways, each at one time.

- A *quiet* key is what it owes, in a ledger.  There may be millions.
- A *live* one has a line, as a single limiter has: while somebody waits for it,
  may give back or has paused it; and while it is used again and again, for a
  line costs less to ask.  There are few that are only used.
"""

from __future__ import annotations

from collections import deque
from math import inf
from typing import TYPE_CHECKING, Any

from .._core import numbers
from .._core.decision import Decision, LimiterStatistics, decided
from .clock import Clock, margin
from .key import KeyLimiter, QuietKeyLimiter
from .line import Line

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator

    from .._core.ledger import Ledger
    from .._core.meter import Meter
    from .._core.terms import Terms

# Keys that are only used again and again are live while there are fewer.
FEW = 2048
# How many calls share one sweep.
CALLS = 128
# How many live keys it looks at while there are few, and while there are many.
LOOKS, MORE = 16, 64
# For how many calls one counts that makes one more live of many: so that they
# can't pile up.
HASTE = 8


class Keys(Clock):
    """
    All keys that owe something.

    Args:
        ledger: Knows what the quiet ones owe.
        terms: What each key may do.

    Attributes:
        calls: Counted down by every call; at 0 it is time to `sweep`.
        handles: The limiter of each live key, which has its line; and of any
            other key that is asked for.
        terms: What each key may do.
    """

    __slots__ = (
        "_burst",
        "_few",
        "_ledger",
        "_lines",
        "_most",
        "_round",
        "calls",
        "handles",
        "terms",
    )

    def __init__(self, ledger: Ledger[Any], terms: Terms) -> None:
        super().__init__()
        self.calls = CALLS
        self.handles = _Handles(self)
        self._lines: dict[Hashable, Line] = {}
        # Which of them is looked at next, and when it had been used last.
        self._round: deque[tuple[Hashable, float]] = deque()
        self._most = ledger.most
        self._ledger = ledger
        self._set(terms)

    def __len__(self) -> int:
        return len(self._ledger) + len(self._lines)

    def __iter__(self) -> Iterator[Hashable]:
        # At once: a key that goes from one to the other must not be missed.
        yield from [*self._ledger, *self._lines]

    def owes(self, key: Hashable) -> bool:
        """Whether *key* owes something, or somebody waits for it."""
        line = self._lines.get(key)
        if line is None:
            self._advance()
            return self._ledger.level(key) > 0.0
        line.advance()
        return not line.quiet or line.meter.level > 0.0

    def is_live(self, key: Hashable) -> bool:
        """Whether *key* is live; it will be from now on while there are few."""
        if key in self._lines:
            return True
        if len(self._lines) >= self._few:
            return False
        self._enliven(key)
        return True

    def decide(self, key: Hashable, amount: float) -> Decision:
        """
        Take *amount* from a quiet *key* if it fits, or tell when it will.

        Raises:
            ValueError: *amount* is no amount, or more than the bucket holds.
        """
        burst = self._burst or self.terms.burst_of(key)
        if amount.__class__ is not float or not 0.0 <= amount <= burst < inf:
            amount = numbers.amount(amount, burst)
        now = self._ledger.advance(self.time())
        wait, left = self._ledger.take(key, amount, burst)
        if wait > 0.0:
            wait += self.grain + margin(now + wait)
            return decided(Decision, (False, wait, left))
        return decided(Decision, (True, 0.0, left))

    def line(self, key: Hashable) -> Line:
        """
        Return the line of *key*, which is live from now on.

        Nothing is swept here: one may need the lines of several keys, and finds
        them one after the other.
        """
        if key not in self._lines:
            if len(self._lines) >= self._few:
                self.calls -= HASTE
            self._enliven(key)
        return self._lines[key]

    def peek(self, key: Hashable) -> Line:
        """Return the line of *key* for a look; it does not become live by it."""
        line = self._lines.get(key)
        if line is None:
            self._advance()
            return self._line_of(self._ledger.meter(key))
        return line

    def sweep(self) -> None:
        """Look at some keys of each kind, and let go of what is not needed."""
        self.calls = CALLS
        self._advance()
        self._ledger.sweep()
        # A flood must not drive out those that are used: it is let in slowly.
        looks = LOOKS if len(self._lines) <= self._few else MORE
        for _ in range(min(looks, len(self._round))):
            self._look_at_one()

    def statistics(self) -> LimiterStatistics:
        """Tell how all keys together are right now; ``available`` is a new one's."""
        self._advance()
        lines = [line.statistics() for line in self._lines.values()]
        next_ones = [one.seconds_to_next for one in lines]
        level = sum(self._ledger.level(key) for key in self._ledger)
        return LimiterStatistics(
            level=level + sum(one.level for one in lines),
            available=self._burst or inf,
            waiting=sum(one.waiting for one in lines),
            amount_waiting=sum(one.amount_waiting for one in lines),
            seconds_to_next=min((s for s in next_ones if s is not None), default=None),
        )

    def change(self, terms: Terms) -> None:
        """
        Go on with other *terms*.

        Raises:
            ValueError: They make no rate; nothing is changed.
        """
        terms.rate()
        for key in self._lines:
            # Refused before anything is changed.
            terms.rate_of(key)
        self._advance()
        self._ledger.change(terms)
        self._set(terms)
        for key, line in list(self._lines.items()):
            line.change(*self._ledger.limit_of(key))

    def _set(self, terms: Terms) -> None:
        self.terms = terms
        single = not callable(terms.max_rate)
        # That of each key, if it is one for all.
        self._burst = terms.burst_of(None) if single else None
        # A key's own rate may be another one the next time, and with `max_keys`
        # the nearest to new have to be found among all.
        self._few = FEW if single and self._most == inf else 0

    def _enliven(self, key: Hashable) -> None:
        self._advance()
        handle = KeyLimiter(self, key)
        handle._line = line = self._line_of(self._ledger.pop(key))  # noqa: SLF001 -- given and taken here
        self._lines[key], self.handles[key] = line, handle
        self._round.append((key, -inf))
        self._share()

    def _line_of(self, meter: Meter) -> Line:
        line = Line(meter)
        self._bring_along(line)
        return line

    def _bring_along(self, line: Line) -> None:
        # Outside of any loop, too, all go by one clock: that of the last loop.
        if self._loop is not None:
            line.follow(self._loop)

    def _look_at_one(self) -> None:
        key, used_at = self._round.popleft()
        line = self._lines[key]
        # The first look finds every line used, since it came to be so.
        used = line.meter.at > used_at and len(self._lines) <= self._few
        # Waiting or used, as most are: then no clock is read.  Whoever waits in a
        # loop that does not run may wait for ever; `advance` knows.
        if not (used or (line.queue.waiting and line.is_running())):
            self._bring_along(line)
            line.advance()
            if line.quiet:
                self._quieten(key)
                return
        self._round.append((key, line.meter.at))

    def _quieten(self, key: Hashable) -> None:
        del self.handles.pop(key)._line  # noqa: SLF001 -- given and taken here
        meter = self._lines.pop(key).meter
        self._share()
        if meter.level > 0.0:
            self._ledger.book(key, meter)

    def _advance(self) -> float:
        return self._ledger.advance(self.now())

    def _share(self) -> None:
        # Those that are live count too, and do not go.
        self._ledger.most = max(0.0, self._most - len(self._lines))

    def _arrive(self, now: float) -> None:
        if now < self._ledger.at:
            self._ledger.rebase(self._ledger.at - now)


class _Handles(dict[Any, KeyLimiter]):
    def __init__(self, keys: Keys) -> None:
        super().__init__()
        self._keys = keys

    def __missing__(self, key: Hashable) -> KeyLimiter:
        # A new one each time, and not kept: there may be millions.
        return QuietKeyLimiter(self._keys, key)
