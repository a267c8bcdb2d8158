"""
What a window will admit when, to one after the other, and nobody gives up.

All that is or will be in the window is kept as sums: how much more has room by
when.  Both grow, so what one waits for is found by bisection, and all who fit
when something expires come together.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from math import inf, nextafter

from .numbers import ROUNDING

# How often something expires, at most, while many come.
MOST = 4096

# A long log is merged by the window too: in the first period each of its entries
# may be put off by a slice, and then it is hardly ever long enough any more.
SPARE = 4


class Played:
    """
    A window that goes on from now by itself.

    Args:
        log: What is there now: when it expires, and how much that is.
        level: How much that is in all.
        period: In seconds.
        holds: What it holds, in units.
        start: The first instant at which anything is admitted.
        slices: Into how many entries a long log is merged, as the window does.
        first: When the last entry of the log was begun.

    Attributes:
        late: By how many seconds what it tells may be too late; never too early.
    """

    __slots__ = (
        "_at",
        "_expiries",
        "_first",
        "_free",
        "_most",
        "_period",
        "_rooms",
        "_slices",
        "_spare",
        "_taken",
        "late",
    )

    def __init__(  # noqa: PLR0913 -- what a window is made of
        self,
        log: list[tuple[float, float]],
        level: float,
        period: float,
        *,
        holds: float,
        start: float,
        slices: float,
        first: float,
    ) -> None:
        self._period = period
        self._most = holds * (1.0 + ROUNDING)
        self._slices = slices
        self._at = start
        # How much has been taken since now, and since when the last entry is one.
        self._taken = 0.0
        self._first = first
        # What there was room for to begin with, besides what it holds; and how
        # much more there is from which instant on.
        self._free = -level
        self._expiries: list[float] = []
        self._rooms: list[float] = []
        for expiry, amount in log:
            level = max(0.0, level - amount)
            self._expiries.append(expiry)
            self._rooms.append(-level)
        if log:
            self._rooms[-1] = 0.0
        self.late = 0.0
        # By how much the window itself may be later than what is played.
        self._spare = 0.0

    def due(self, amount: float) -> float:
        """Return the instant at which *amount* fits after all that was taken."""
        if amount > self._most:
            return inf
        return self._due(amount) + self._spare

    def take(self, amount: float) -> None:
        """Let *amount* go first."""
        self._admit(self._due(amount), self._taken + amount)

    def play(self, sums: list[float]) -> tuple[list[float], list[float]]:
        """
        Let many go first, who want as much as *sums* tells up to each of them.

        Returns:
            How much will have been admitted, and when; as often as any of it is.
        """
        self._merge(sums)
        ends: list[float] = []
        dues: list[float] = []
        at, most, before = self._at, self._most, self._taken
        place, head = 0, bisect_right(self._expiries, at)
        room = self._rooms[head - 1] if head else self._free
        while place < len(sums):
            came = bisect_right(sums, most + room - before, place)
            if came > place:
                place = came
                ends.append(sums[place - 1])
                dues.append(at + self._spare)
                self._admit(at, before + ends[-1])
            if place < len(sums):
                at, room = max(at, self._expiries[head]), self._rooms[head]
                head += 1
        return ends, dues

    def fork(self) -> Played:
        """Return another one, that goes on from here by itself."""
        past = bisect_right(self._expiries, self._at)
        other = Played(
            [],
            0.0,
            self._period,
            holds=0.0,
            start=self._at,
            slices=self._slices,
            first=self._first,
        )
        other._most, other._taken = self._most, self._taken
        other._free = self._rooms[past - 1] if past else self._free
        other._expiries, other._rooms = self._expiries[past:], self._rooms[past:]
        other.late, other._spare = self.late, self._spare
        return other

    def _due(self, amount: float) -> float:
        over = self._taken + amount - self._most
        if over <= self._free or not self._rooms:
            return self._at
        place = min(bisect_left(self._rooms, over), len(self._rooms) - 1)
        return max(self._at, self._expiries[place])

    def _admit(self, at: float, taken: float) -> None:
        expiries = self._expiries
        inside = len(expiries) - bisect_right(expiries, at)
        near = self._period / self._slices if inside >= self._slices else 0.0
        if not inside or at - self._first > near:
            expiries.append(inf)
            self._rooms.append(0.0)
            self._first = at
        expiries[-1] = after(at, self._period)
        # As sums grow, so does what they are rounded by.
        self._rooms[-1] = taken * (1.0 + ROUNDING)
        self._at, self._taken = at, taken

    def _merge(self, sums: list[float]) -> None:
        # Whoever comes does so when something expires, and expires a period
        # later.  So where that is not too often in the first period, it is not in
        # any; and nobody is later by more than what was put off in the first.
        if len(sums) <= MOST:
            return
        times = 1.0 + (sums[-1] - self._free) / self._most
        if len(self._rooms) * times <= MOST:
            return
        longest = self._period / max(1.0, MOST // times)
        expiries, rooms = [self._expiries[-1]], [self._rooms[-1]]
        for expiry, room in zip(
            reversed(self._expiries[:-1]), reversed(self._rooms[:-1]), strict=True
        ):
            if expiries[-1] - expiry > longest:
                expiries.append(expiry)
                rooms.append(room)
            else:
                self.late = max(self.late, expiries[-1] - expiry)
        if self.late:
            self._expiries, self._rooms = expiries[::-1], rooms[::-1]
            # It is not merged once more.
            self._spare = SPARE * self._period / self._slices
            self._slices = inf
            self.late += self._spare


def after(newest: float, period: float) -> float:
    """Return the first instant that is *period* after *newest*."""
    # The sum is rounded.  Where that went down, by Knuth's exact error of an
    # addition (TAOCP 4.2.2), the window would be a hair too short.
    expiry = newest + period
    added = expiry - newest
    error = (newest - (expiry - added)) + (period - added)
    return nextafter(expiry, inf) if error > 0.0 else expiry
