"""
All keys of a limiter: known in one of two ways, each at one time.

- A *quiet* key is what it owes, in a ledger.  There may be millions.
- A *live* one has a line, as a single limiter has: while somebody waits for it,
  may give back or has paused it; and while it is used again and again, for a
  line costs less to ask.  There are few that are only used.
"""

from __future__ import annotations

from collections import deque
from contextvars import Context
from itertools import islice
from math import inf
from typing import TYPE_CHECKING, Any

from ..._core import numbers
from ..._core.decision import Decision, LimiterStatistics, decided
from .. import signals
from ..clock import Clock, margin
from ..line import MAX_PAUSE, Line
from ..signals import Signals
from .key import KeyLimiter, QuietKeyLimiter
from .key_line import KeyLine

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterator

    from ..._core.keyed.ledger import Ledger
    from ..._core.keyed.terms import Terms
    from ..._core.meter import Meter

# Keys that are only used again and again are live while there are fewer.
FEW = 2048
# How many calls share one sweep.
CALLS = 128
# How many live keys it looks at while there are few, and while there are many.
LOOKS, MORE = 16, 64
# For how many calls one counts that makes one more live of many: so that they
# can't pile up.
HASTE = 8
# How many limiters have the line of their key at hand.  A change takes it from
# them, so that they ask for it anew.
AT_HAND = 16_384
# How much of those that wait a change looks at in one go: lines, of which one that
# is not quiet counts as so many.
GO, BUSY = 256, 8


class Keys(Clock):
    """
    All keys that owe something.

    Args:
        ledger: Knows what the quiet ones owe.
        terms: What each key may do.

    Attributes:
        changed: How often something was changed for all.
        calls: Counted down by every call; at 0 it is time to `sweep`.
        handles: The limiter of each live key, which has its line unless there are
            very many; and of any other key that is asked for.
        max_pause: Seconds; what no pause of a key goes beyond.
        signals: What the limiters of all keys tell.
        terms: What each key may do.
    """

    __slots__ = (
        "_at_hand",
        "_behind",
        "_burst",
        "_changes",
        "_few",
        "_ledger",
        "_lines",
        "_most",
        "_round",
        "_to_look_at",
        "calls",
        "changed",
        "handles",
        "max_pause",
        "signals",
        "terms",
    )

    def __init__(self, ledger: Ledger[Any], terms: Terms) -> None:
        super().__init__()
        self.calls = CALLS
        self.handles = _Handles(self)
        self.max_pause = MAX_PAUSE
        self.signals = Signals()
        self._lines: dict[Hashable, KeyLine] = {}
        self._at_hand: dict[Hashable, KeyLimiter] = {}
        self.changed = 0
        # What was changed when, as long as a line does not know; how many don't;
        # and how many are still to be looked at because somebody may wait.
        self._changes: list[tuple[float, Terms | None]] = []
        self._behind = 0
        self._to_look_at = 0
        # Which of them is looked at next, and when it had been used last.
        self._round: deque[tuple[Hashable, float]] = deque()
        self._most = ledger.most
        self._ledger = ledger
        self._set(terms)

    def __reduce__(self) -> tuple[object, ...]:
        # A copy has what each key owes by now; who waits, waits here.
        self._advance()
        meters = {key: self._ledger.meter(key).copy() for key in self._ledger}
        for key, line in self._lines.items():
            line.advance()
            meters[key] = line.meter.copy()
        return _again, (
            type(self._ledger),
            self.terms,
            self._most,
            self.max_pause,
            meters,
        )

    def restore(self, key: Hashable, meter: Meter) -> None:
        """Let *key*, of which nothing is known, owe what is in *meter*."""
        # It may come from another process, or host, whose clock is another.
        now = self._advance()
        meter.rebase(meter.at, now - meter.at)
        if meter.quiet:
            self._ledger.book(key, meter)
        else:
            self.line(key).meter = meter

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

    def ask(self, key: Hashable, amount: float) -> Decision:
        """
        Decide as the limiter of *key* would; see `AsyncLimiter.try_acquire`.

        Of a quiet key none is made for it, which would be a third of the cost.
        """
        self.calls = calls = self.calls - 1
        if calls <= 0:
            self.sweep()
        if self._few or signals.heard or key in self._lines:
            return self.handles[key].try_acquire(amount)
        return self.decide(key, amount)

    def decide(self, key: Hashable, amount: float) -> Decision:
        """
        Take *amount* from a quiet *key* if it fits, or tell when it will.

        Raises:
            ValueError: *amount* is no amount, or more than the bucket holds.
        """
        burst = self._burst or self.terms.burst_of(key)
        if amount.__class__ is not float or not 0.0 <= amount <= burst < inf:
            amount = numbers.amount(amount, burst)
        ledger, now = self._ledger, self.time()
        # `advance`, written out: its call is a tenth of all this.
        if now > ledger.at:
            ledger.at = now
        wait, left = ledger.take(key, amount, burst)
        if wait > 0.0 and not self.is_current():
            self._advance()
            wait, left = ledger.take(key, amount, burst)
        if wait > 0.0:
            now = ledger.at
            wait += self.grain + margin(now + wait)
            return decided(Decision, (False, wait, left))
        return decided(Decision, (True, 0.0, left))

    def line(self, key: Hashable) -> Line:
        """
        Return the line of *key*, which is live from now on.

        Nothing is swept here: one may need the lines of several keys, and finds
        them one after the other.
        """
        line = self._lines.get(key)
        if line is None:
            if len(self._lines) >= self._few:
                self.calls -= HASTE
            return self._enliven(key)
        if line.known != self.changed:
            line.advance()
        handle = self.handles.get(key)
        if handle is not None:
            self._hand(handle, line)
        return line

    def peek(self, key: Hashable) -> Line:
        """Return the line of *key* for a look; it does not become live by it."""
        line = self._lines.get(key)
        if line is None:
            self._advance()
            return self._bring(Line(self._ledger.meter(key)))
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

    def waiting(self) -> int:
        """How many wait for any key; any thread may ask."""
        return sum(line.queue.waiting for line in list(self._lines.values()))

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
        for key in islice(self._lines, GO):
            # Refused before anything is changed, as far as that can be told.
            terms.rate_of(key)
        now = self._advance()
        self._ledger.change(terms)
        self._set(terms)
        self._note(now, terms)

    def reset(self) -> None:
        """Let every key be as good as new."""
        now = self._advance()
        self._ledger.clear()
        self._note(now, None)

    def catch_up(self, line: KeyLine) -> None:
        """Do to *line* what was changed since it was last looked at."""
        missed = self.changed - line.known
        line.known = self.changed
        for instant, terms in self._changes[-missed:]:
            line.meter.advance(instant)
            limit = None if terms is None else self._limit_by(terms, line.key)
            if limit is not None:
                line.adopt(*limit)
            elif terms is None:
                line.empty()
        self._behind -= 1
        if not self._behind:
            self._changes.clear()

    def _limit_by(self, terms: Terms, key: Hashable) -> tuple[float, float] | None:
        try:
            return self._ledger.limit_by(terms, key)
        except Exception:  # noqa: BLE001 -- a user's function
            # It keeps what it was told; who asks next hears of it.
            return None

    def _note(self, now: float, terms: Terms | None) -> None:
        self.changed += 1
        self._behind = len(self._lines)
        if self._behind:
            self._changes.append((now, terms))
        for handle in self._at_hand.values():
            del handle._line  # noqa: SLF001 -- given and taken here
        self._at_hand.clear()
        is_under_way = self._to_look_at > 0
        self._to_look_at = len(self._round)
        if not is_under_way:
            self._look_at_some()

    def _look_at_some(self) -> None:
        # Those who wait are to be timed anew, and nobody else is.
        left = GO
        self._to_look_at = min(self._to_look_at, len(self._round))
        while self._to_look_at and left > 0:
            self._to_look_at -= 1
            self._round.rotate(-1)
            line = self._lines[self._round[-1][0]]
            left -= 1
            if not line.quiet:
                left -= BUSY
                line.look()
        if self._to_look_at:
            loop = self._loop
            if loop is None or loop.is_closed():
                # Nobody waits anywhere.
                self._to_look_at = 0
            else:
                loop.call_soon(self._look_at_some, context=Context())

    def _set(self, terms: Terms) -> None:
        self.terms = terms
        single = not callable(terms.max_rate)
        # That of each key, if it is one for all.
        self._burst = terms.burst_of(None) if single else None
        # A key's own rate may be another one the next time, and with `max_keys`
        # the nearest to new have to be found among all.
        self._few = FEW if single and self._most == inf else 0

    def _enliven(self, key: Hashable) -> KeyLine:
        self._advance()
        line = KeyLine(self, key, self._ledger.pop(key))
        self._bring(line)
        self._lines[key] = line
        if len(self.handles) < AT_HAND:
            handle = self.handles[key] = KeyLimiter(self, key)
            self._hand(handle, line)
        self._round.append((key, -inf))
        self._share()
        return line

    def _hand(self, handle: KeyLimiter, line: KeyLine) -> None:
        handle._line = line  # noqa: SLF001 -- given and taken here
        self._at_hand[handle.key] = handle

    def _bring(self, line: Line) -> Line:
        # Whoever asks for a pause looks at that of all keys.
        line.max_pause = inf
        self._bring_along(line)
        return line

    def _bring_along(self, line: Line) -> None:
        # Outside of any loop, too, all go by one clock: that of the last loop.
        loop = self._loop
        if loop is not None:
            line.follow(loop)

    def _look_at_one(self) -> None:
        key, used_at = self._round.popleft()
        line = self._lines[key]
        # The first look finds every line used, since it came to be so.
        used = line.meter.at > used_at and len(self._lines) <= self._few
        # Waiting or used, as most are: then no clock is read.  Whoever waits in a
        # loop that does not run may wait for ever; `advance` knows.
        if not (used or (line.queue.waiting and line.is_current())):
            self._bring_along(line)
            line.advance()
            if line.quiet:
                self._quieten(key)
                return
        self._round.append((key, line.meter.at))

    def _quieten(self, key: Hashable) -> None:
        self.handles.pop(key, None)
        handle = self._at_hand.pop(key, None)
        if handle is not None:
            del handle._line  # noqa: SLF001 -- given and taken here
        meter = self._lines.pop(key).meter
        self._share()
        if meter.level > 0.0:
            self._ledger.book(key, meter)

    def _advance(self) -> float:
        return self._ledger.advance(self.now())

    def _share(self) -> None:
        # Those that are live count too, and do not go.
        self._ledger.most = max(0.0, self._most - len(self._lines))

    def _retime(self, now: float) -> None:
        self._rebase(now, 0.0)

    def _rebase(self, now: float, behind: float) -> None:
        self._to_look_at = 0
        for line in self._lines.values():
            # As long as the clock is that of the changes.
            if line.known != self.changed:
                self.catch_up(line)
        back = max(0.0, self._ledger.at - now) - behind
        if back:
            self._ledger.rebase(back)

    def _arrive(self, now: float, behind: float) -> None:
        self._rebase(now, behind)
        # Or each loop that is closed is kept for as long as one key knows it.
        for line in self._lines.values():
            self._bring_along(line)


def _again(
    ledger: Callable[[Terms, float], Ledger[Any]],
    terms: Terms,
    most: float,
    max_pause: float,
    meters: dict[Hashable, Meter],
) -> Keys:
    keys = Keys(ledger(terms, most), terms)
    keys.max_pause = max_pause
    for key, meter in meters.items():
        keys.restore(key, meter)
    return keys


class _Handles(dict[Any, KeyLimiter]):
    def __init__(self, keys: Keys) -> None:
        super().__init__()
        self._keys = keys

    def __missing__(self, key: Hashable) -> KeyLimiter:
        # A new one each time, and not kept: there may be millions.
        return QuietKeyLimiter(self._keys, key)
