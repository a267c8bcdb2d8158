"""The limiter of one key of many."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn, final

from ..._core import numbers
from .. import signals
from ..verbs import Limiter, longest

if TYPE_CHECKING:
    from collections.abc import Hashable

    from ..._core.decision import Decision, LimiterStatistics
    from ..line import Line
    from ..signals import Observer, Signals
    from .keys import Keys


class KeyLimiter(Limiter):
    """
    The limiter of one key, with all the verbs of an `AsyncLimiter`.

    It has the key's line for as long as the key is live, and from then on has
    to ask for it.

    Attributes:
        key: Whose limit it is.
    """

    __slots__ = ("__weakref__", "_keys", "_line", "key")

    def __init__(self, keys: Keys, key: Hashable) -> None:
        self._keys = keys
        self.key = key

    def __getattr__(self, name: str) -> Line:
        # Called for what is not there, as a stored `_line` is found much faster
        # than any property is asked.
        if name != "_line":
            msg = f"{type(self).__name__!r} object has no attribute {name!r}"
            raise AttributeError(msg)
        return self._keys.line(self.key)

    def __reduce__(self) -> NoReturn:
        msg = (
            "can't copy or pickle the limiter of one key: copy the limiter of all, "
            "and ask the copy for limits[key]"
        )
        raise TypeError(msg)

    @property
    def max_rate(self) -> float:
        """How much is admitted in `time_period`; set for all keys at once."""
        return self._keys.terms.max_rate_of(self.key)

    @property
    def time_period(self) -> float:
        """In seconds; set for all keys at once."""
        return self._keys.terms.time_period

    @property
    def burst(self) -> float:
        """How much fits at most; set for all keys at once."""
        return self._keys.terms.burst_of(self.key)

    @property
    def max_pause(self) -> float:
        """What no pause goes beyond, in seconds; set for all keys at once."""
        return self._keys.max_pause

    @max_pause.setter
    def max_pause(self, max_pause: float) -> None:
        msg = f"max_pause is one for all keys: set it on their limiter, got {max_pause}"
        raise AttributeError(msg)

    @property
    def observer(self) -> Observer | None:
        """Who hears of it; set for all keys at once."""
        return self._keys.signals.observer

    @observer.setter
    def observer(self, observer: Observer | None) -> None:
        msg = f"observer is one for all keys: set it on their limiter, got {observer!r}"
        raise AttributeError(msg)

    def pause(self, seconds: float) -> None:
        """Admit nothing for *seconds*; see `AsyncLimiter.pause`."""
        super().pause(min(numbers.finite("seconds", seconds), self.max_pause))

    def has_capacity(self, amount: float = 1.0) -> bool:
        """Whether *amount* fits right now; see `AsyncLimiter.has_capacity`."""
        amount = numbers.not_negative("amount", amount)
        return self._keys.peek(self.key).fits(amount)

    def statistics(self) -> LimiterStatistics:
        """Tell how things are right now, without changing any."""
        return self._keys.peek(self.key).statistics()

    def _signals(self) -> Signals:
        return self._keys.signals

    def __repr__(self) -> str:
        return f"<limiter of {self.key!r} level={self.statistics().level:.4g}>"


@final
class QuietKeyLimiter(KeyLimiter):
    """The same for a key that was quiet; while it still is, it needs no line."""

    __slots__ = ()

    async def acquire(
        self, amount: float = 1.0, *, max_wait: float | None = None
    ) -> None:
        """Wait until *amount* is admitted; see `AsyncLimiter.acquire`."""
        if max_wait is not None:
            max_wait = longest(max_wait)
        keys = self._keys
        if keys.is_live(self.key) or not keys.decide(self.key, amount):
            await super().acquire(amount, max_wait=max_wait)
        elif signals.heard:
            self._told_wait(amount, None)

    def try_acquire(self, amount: float = 1.0) -> Decision:
        """Take *amount* if it is admitted now; see `AsyncLimiter.try_acquire`."""
        keys = self._keys
        if keys.is_live(self.key):
            return super().try_acquire(amount)
        decision = keys.decide(self.key, amount)
        return self._told_decision(amount, decision) if signals.heard else decision
