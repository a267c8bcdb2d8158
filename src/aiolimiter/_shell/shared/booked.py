"""Those who are booked, and wait for the clock."""

from __future__ import annotations

from itertools import chain
from math import inf
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from asyncio import Future
    from collections.abc import Iterator

    from ..._core.shared.trip import Booking, Refund
    from .asking import Asking, Waiter
    from .stretch import Stretch


class Booked:
    """The stretches that this process holds, in the order of their time."""

    __slots__ = ("_offered", "_spare", "_stretches", "_told")

    def __init__(self) -> None:
        self._stretches: list[Stretch] = []
        self._offered: Stretch | None = None
        self._spare = 0.0
        # When the store told last how far all has moved up, on its clock.
        self._told = 0

    @property
    def waiting(self) -> int:
        """How many wait."""
        return sum(len(stretch.turns) for stretch in self._stretches)

    def __iter__(self) -> Iterator[Waiter]:
        """Go through them in the order in which they are due."""
        return chain.from_iterable(s.turns.values() for s in self._stretches)

    def __contains__(self, turn: object) -> bool:
        """Whether the one who waits for *turn* is booked."""
        return any(turn in stretch.turns for stretch in self._stretches)

    def add(self, stretch: Stretch) -> None:
        """Hold one more, which comes after all others."""
        self._stretches.append(stretch)

    def leave(self, turn: Future[Booking | None]) -> bool:
        """Let one go who gave up; whether it was here."""
        return any(stretch.leave(turn) for stretch in self._stretches)

    def fill(self, asking: Asking, now: float) -> None:
        """Give what nobody claims to those who are first among the *asking*."""
        for stretch in self._stretches:
            if stretch.spare:
                _fill(stretch, asking, now)
        self._stretches = [s for s in self._stretches if s.turns or s.spare]

    def grant(self, now: float) -> float:
        """Grant all who are due, and return the instant at which the next one is."""
        for stretch in self._stretches:
            due = stretch.grant(now)
            if due < inf:
                return due
        return inf

    def next_due(self) -> float:
        """Return the instant at which the first one is due."""
        return next(stretch for stretch in self._stretches if stretch.turns).next_due()

    def last_due(self) -> float:
        """Return the instant at which the last one is due."""
        last = -inf
        for stretch in self._stretches:
            if stretch.turns:
                last = max(last, stretch.last_due())
        return last

    def move_up(self, given: float, now: int) -> None:
        """Be due earlier, by what the store gave back so far, as it tells *now*."""
        for stretch in self._stretches:
            stretch.move_up(given, since=self._told)
        self._told = now

    def before(self, changed: float) -> Iterator[tuple[int, float]]:
        """Tell what was booked before that, and how much of it nobody has taken."""
        for stretch in self._stretches:
            if stretch.booked < changed and stretch.total > stretch.taken:
                yield stretch.booked, stretch.total - stretch.taken

    def void(self, raised: float) -> list[Waiter]:
        """Drop what was booked before the bucket was *raised*; return who held it."""
        void = [s for s in self._stretches if s.booked < raised]
        self._stretches = [s for s in self._stretches if s.booked >= raised]
        return [waiter for stretch in void for waiter in stretch.turns.values()]

    def tail(self) -> Refund | None:
        """Offer the store what nobody claims of the last stretch, once."""
        if not self.has_tail():
            return None
        self._offered = self._stretches[-1]
        self._spare = self._offered.spare
        return self._offered.tail()

    def has_tail(self) -> bool:
        """Whether there is something to offer."""
        if not self._stretches:
            return False
        last = self._stretches[-1]
        return last.spare > 0.0 and last is not self._offered

    def keep(self) -> None:
        """Go on holding what the store did not take back."""
        assert self._offered is not None, "it was offered"
        self._offered.total += self._spare


def _fill(stretch: Stretch, asking: Asking, now: float) -> None:
    head = asking.head()
    if head is not None and not stretch.turns:
        stretch.lapse(now, head.amount)
    while head is not None and stretch.fits(head, now):
        asking.pop(head)
        stretch.claim(head)
        head = asking.head()
