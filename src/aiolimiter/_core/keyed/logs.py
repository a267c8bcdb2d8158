"""What each of many keys took when: a window for each."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING, cast

from ..window import Window
from .ledger import Ledger
from .past import Periods

if TYPE_CHECKING:
    from collections.abc import Hashable

    from ..meter import Meter
    from .terms import Terms


class Logs(Ledger[Window]):
    """
    The windows of all keys that nobody waits for.

    Args:
        terms: What each key may do.
        most: How many keys are kept; those nearest to new go first.
    """

    __slots__ = ("_past", "_shift", "_terms")

    def __init__(self, terms: Terms, most: float) -> None:
        super().__init__(most)
        self._terms = terms
        self._past = Periods()
        # By how much the clocks of earlier loops were ahead.
        self._shift = 0.0

    def take(self, key: Hashable, amount: float, burst: float) -> tuple[float, float]:
        """Take *amount* from *key* if it fits; see `Ledger.take`."""
        window = self._window(key)
        if window is None:
            window = Window(burst, self._terms.time_period)
            window.admit(amount, self.at)
            self._come(key, window)
            return 0.0, window.available
        if window.admit(amount, self.at):
            return 0.0, window.available
        return window.refuse(amount)

    def level(self, key: Hashable) -> float:
        """How much *key* took in the last period."""
        window = self._window(key)
        return 0.0 if window is None else window.level

    def meter(self, key: Hashable) -> Window:
        """Return the window of *key*, or a new one."""
        window = self._window(key) or Window(*self.limit_of(key))
        window.advance(self.at)
        return window

    def book(self, key: Hashable, meter: Meter) -> None:
        """Keep *meter* for *key*, which is not here."""
        self.advance(meter.at)
        self._come(key, cast("Window", meter))

    def limit_of(self, key: Hashable) -> tuple[float, float]:
        """Return how much the window of *key* admits, and its length in seconds."""
        return self.limit_by(self._terms, key)

    def limit_by(self, terms: Terms, key: Hashable) -> tuple[float, float]:
        """Return what these would be by *terms*."""
        return terms.burst_of(key), terms.time_period

    def change(self, terms: Terms) -> None:
        """Let the windows be others from now on; each is changed when it is read."""
        before, self._terms = self._terms, terms
        if before.time_period != terms.time_period:
            self._past.add(self.at, before.time_period, self.generation)
        if inf in (before.max_rate, terms.max_rate):
            # Whoever has no limit once owes nothing afterwards.
            self.clear()
        # As in `Levels.change`.
        self.sweep()

    def clear(self) -> None:
        """Forget all keys, and what they took."""
        super().clear()
        self._past.clear()

    def sweep(self) -> None:
        """Look at some keys, and forget those that took nothing of late."""
        super().sweep()
        if self._past:
            self._past.forget(self.generation - (3 if len(self) else 0))

    def rebase(self, back: float) -> None:
        """Go on by another clock, which is *back* seconds behind."""
        self.at -= back
        self._shift += back
        self._past.rebase(back)
        for keys in (*self._new, *self._old):
            for window in keys.values():
                window.rebase(window.at, -back)

    def _window(self, key: Hashable) -> Window | None:
        window = self._state(key)
        return None if window is None else self._fresh(key, window)

    def _fresh(self, key: Hashable, window: Window) -> Window:
        former = self._past.shortest(window.at) if self._past else None
        if former is not None:
            until, period = former
            window.change(window.burst, period)
            window.advance(until)
        limit = self.limit_of(key)
        if limit != window.limit:
            window.change(*limit)
        window.advance(self.at)
        return window

    def _state_now(self, key: Hashable, state: Window) -> Window | None:
        return state if self._fresh(key, state).level > 0.0 else None

    def _clock(self) -> float:
        # Whatever was taken by then has expired, by any period.
        return self.at - self._terms.time_period + self._shift

    def _new_at(self, key: Hashable) -> float | None:
        window = self._window(key)
        if window is None:
            return None
        return window.empty_at - self._terms.time_period + self._shift
