"""
What will become of those who wait, kept from one question to the next.

Played through once, a queue is known up to its end: whoever joins there goes on
from what was foretold of the last one, and whoever passes others is noted
beside it.  Nothing here takes anything.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from itertools import accumulate
from math import inf
from typing import TYPE_CHECKING

from .._core.numbers import ROUNDING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .._core.meter import Meter
    from .queue import Turn


class Plan:
    """
    When the turn of each who waits comes, or that it will give up first.

    Args:
        meter: What they wait for.

    Attributes:
        hopeless: How much those want who will give up before being due.
        everyone: What the meter will admit when all have been let through, also
            those; unless it is fluid.
        first: The first one who will not give up.
        clear_at: The instant until which others are in the way of that one.
        passed: How many have passed others since.
        pushed: How much later by all of them those are who were passed, in units.
    """

    __slots__ = (
        "_blocked",
        "_dues",
        "_early",
        "_early_amounts",
        "_ends",
        "_given_up",
        "_granted",
        "_in_time",
        "_keys",
        "_meter",
        "_sums",
        "clear_at",
        "everyone",
        "first",
        "hopeless",
        "passed",
        "pushed",
    )

    def __init__(self, meter: Meter) -> None:
        self._meter = meter
        self.first: Turn | None = None
        self.clear_at = -inf
        self.hopeless = 0.0
        self._given_up: set[Turn] = set()
        # Of those: of all with this key or more, until when they are in the way,
        # and how much they want.
        self._blocked: list[tuple[float, float, float]] = []
        self._in_time = self.everyone = meter.forecast()
        # Of each: the key, and how much is wanted up to there by those in time.
        self._keys: list[float] = []
        self._sums: list[float] = []
        # In a window: when so much will have been admitted.
        self._ends: list[float] = []
        self._dues: list[float] = []
        # How much of that was granted by now.
        self._granted = 0.0
        # Those who have passed others since, by their keys.
        self.passed = 0
        self.pushed = 0.0
        self._early: list[float] = []
        self._early_amounts: list[float] = []

    def with_all(
        self, first: Turn | None, keys: list[float], amounts: list[float]
    ) -> Plan:
        """Count all in at once, of whom nobody will give up; return itself."""
        self.first, self._keys = first, keys
        self._sums = list(accumulate(amounts))
        self._ends, self._dues = self._in_time.play(self._sums)
        return self

    def with_each(self, waiters: Iterable[Turn]) -> Plan:
        """Count all in, one by one in their order; return itself."""
        for waiter in waiters:
            self._add(waiter, self._sum())
        return self

    def __len__(self) -> int:
        """How many are kept here, whether they wait by now or not."""
        return len(self._keys) + len(self._early)

    def join(self, waiter: Turn, ahead: float) -> None:
        """Count *waiter* in, who has *ahead* of it so much by those in time."""
        if self._keys and waiter.key < self._keys[-1]:
            self.passed += 1
            self.pushed += waiter.amount
            place = bisect_right(self._early, waiter.key)
            self._early.insert(place, waiter.key)
            self._early_amounts.insert(place, waiter.amount)
            # To those behind, as if it had come last.
            self._let_in(waiter.amount)
        else:
            self._add(waiter, ahead)

    def come(self, waiter: Turn) -> None:
        """Count *waiter* out, whose turn has come."""
        place = bisect_left(self._early, waiter.key)
        if place < len(self._early) and self._early[place] == waiter.key:
            del self._early[place], self._early_amounts[place]
        elif not self.gave_up(waiter):
            self._granted += waiter.amount

    def gave_up(self, waiter: Turn) -> bool:
        """Count *waiter* out if it is hopeless; return whether it was."""
        if waiter not in self._given_up:
            return False
        self._given_up.remove(waiter)
        self.hopeless = self.hopeless - waiter.amount if self._given_up else 0.0
        return True

    def wait(self, amount: float, ahead: float) -> float:
        """Seconds until *amount* is due at the end, after *ahead* by those in time."""
        before, meter = self._before(ahead), self._meter
        if meter.fluid:
            return max(before, meter.wait(ahead + amount))
        return max(before, self._in_time.wait(amount))

    def wait_amid(self, amount: float, key: float) -> float:
        """Seconds until *amount* is due for one who passes those with larger keys."""
        now, ahead = self._meter.at, self._ahead(key)
        if self._meter.fluid:
            blocked = self._blocked_until(key) - now
            wait = self._meter.wait(max(0.0, ahead - self._granted) + amount)
            return max(0.0, blocked, wait)
        first = self._ahead(key, passed=False)
        before = max(self._due_after(first), self._blocked_until(key))
        due = self._room_after(max(0.0, ahead - self._granted), amount)
        return max(0.0, max(before, due) - now)

    def due(self, key: float) -> float:
        """Return the instant at which who waits in a window with this *key* is due."""
        return max(self._meter.at, self._due_after(self._ahead(key)))

    def certain(self, ahead: float, key: float) -> float:
        """How much of what is wanted *ahead* of *key* nobody who passed has upset."""
        place = bisect_right(self._blocked, (key, inf))
        hopeless = self._blocked[place - 1][2] if place else 0.0
        behind = sum(self._early_amounts[bisect_right(self._early, key) :])
        return ahead - min(self.hopeless, hopeless) - self.pushed + behind

    @property
    def late(self) -> float:
        """By how many seconds what is foretold of a long line may be too late."""
        return self._in_time.late

    def end(self) -> float:
        """Return the instant at which the turn of the last one is over, in a window."""
        return self._dues[-1] if self._dues else -inf

    def _add(self, waiter: Turn, ahead: float) -> None:
        amount, now, fluid = waiter.amount, self._meter.at, self._meter.fluid
        wait, left = self.wait(amount, ahead), waiter.deadline - now
        if wait <= left:
            if self.first is None:
                self.first, self.clear_at = waiter, self._blocked_until(inf)
            self._sums.append(self._sum() + amount)
            self._let_in(amount)
        else:
            wait = max(self._before(ahead), left)
            if not fluid and not self._blocked:
                self.everyone = self._in_time.fork()
            self._sums.append(self._sum())
            self._given_up.add(waiter)
            hopeless = self._blocked[-1][2] if self._blocked else 0.0
            self._blocked.append((waiter.key, now + wait, hopeless + amount))
            self.hopeless += amount
            if not fluid:
                self.everyone.take(amount)
        self._keys.append(waiter.key)
        if not fluid:
            self._ends.append(self._sum())
            self._dues.append(now + wait)

    def _let_in(self, amount: float) -> None:
        if not self._meter.fluid:
            self._in_time.take(amount)
            if self.everyone is not self._in_time:
                self.everyone.take(amount)

    def _sum(self) -> float:
        return self._sums[-1] if self._sums else 0.0

    def _before(self, ahead: float) -> float:
        # Seconds until nobody is in the way of one at the end.
        now = self._meter.at
        if not self._meter.fluid:
            return max(0.0, self._dues[-1] - now) if self._dues else 0.0
        blocked = self._blocked[-1][1] - now if self._blocked else 0.0
        return max(0.0, blocked, self._meter.wait(ahead))

    def _blocked_until(self, key: float) -> float:
        place = bisect_right(self._blocked, (key, inf))
        return self._blocked[place - 1][1] if place else -inf

    def _ahead(self, key: float, *, passed: bool = True) -> float:
        # Of those in time, whether granted by now or not.
        place = bisect_right(self._keys, key)
        ahead = max(self._granted, self._sums[place - 1] if place else 0.0)
        if passed:
            ahead += sum(self._early_amounts[: bisect_right(self._early, key)])
        return ahead

    def _due_after(self, ahead: float) -> float:
        # The instant at which so much will have been admitted.
        if ahead <= 0.0:
            return self._meter.at
        place = bisect_left(self._ends, ahead)
        if place < len(self._dues):
            return self._dues[place]
        beyond = ahead - self._sum() - sum(self._early_amounts)
        return self._meter.at + self._in_time.wait(max(0.0, beyond))

    def _room_after(self, ahead: float, amount: float) -> float:
        # The instant at which a window has room for *amount* after *ahead*: when
        # all has expired but so much as leaves it.
        meter = self._meter
        over = ahead + amount - meter.burst * (1.0 + ROUNDING)
        if over <= 0.0:
            return meter.at + meter.wait(ahead + amount)
        gone = (self._granted + over) * (1.0 - ROUNDING)
        place = min(bisect_left(self._ends, gone), len(self._dues) - 1)
        return self._dues[place] + meter.lead(meter.burst)
