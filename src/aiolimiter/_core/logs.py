"""What each of many keys took when: a window for each."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING, cast

from .ledger import SHARDS, Ledger
from .window import Window

if TYPE_CHECKING:
    from collections.abc import Hashable

    from .meter import Meter
    from .terms import Terms


class Logs(Ledger[Window]):
    """
    The windows of all keys that nobody waits for.

    Args:
        terms: What each key may do.
        most: How many keys are kept; those nearest to new go first.
    """

    __slots__ = ("_terms",)

    def __init__(self, terms: Terms, most: float) -> None:
        super().__init__(most)
        self._terms = terms

    def take(self, key: Hashable, amount: float, burst: float) -> tuple[float, float]:
        """Take *amount* from *key* if it fits; see `Ledger.take`."""
        window = self._window(key)
        if window is None:
            window = Window(burst, self._terms.time_period)
            window.admit(amount, self.at)
            self._keep(key, window)
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
        self._keep(key, cast("Window", meter))

    def limit_of(self, key: Hashable) -> tuple[float, float]:
        """Return how much the window of *key* admits, and its length in seconds."""
        return self._terms.burst_of(key), self._terms.time_period

    def change(self, terms: Terms) -> None:
        """
        Let the windows be others from now on; each is changed when it is read.

        One that is not read between two changes knows of the last only.  What a
        shorter period would have let go of meanwhile it keeps: to the careful side.
        """
        if not callable(terms.max_rate) and terms.max_rate == inf:
            # Whoever had no limit once owes nothing afterwards.
            for key in list(self):
                self._drop(key)
        self._terms = terms
        self._note_anew()

    def rebase(self, back: float) -> None:
        """Go on by another clock, which is *back* seconds behind."""
        self.at -= back
        for keys in (*self._new, *self._old):
            for window in keys.values():
                window.rebase(window.at - back)
        self._note_anew()

    def _keep(self, key: Hashable, window: Window) -> None:
        self._new[hash(key) % SHARDS][key] = window
        self._come(key)

    def _window(self, key: Hashable) -> Window | None:
        window = self._state(key)
        return None if window is None else self._fresh(key, window)

    def _fresh(self, key: Hashable, window: Window) -> Window:
        limit = self.limit_of(key)
        if limit != window.limit:
            window.change(*limit)
        window.advance(self.at)
        return window

    def _state_now(self, key: Hashable, state: Window) -> Window | None:
        return state if self._fresh(key, state).level > 0.0 else None

    def _new_at(self, key: Hashable) -> float | None:
        window = self._window(key)
        return None if window is None else window.empty_at
