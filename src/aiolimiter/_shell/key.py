"""The limiter of one key of many."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from .._core import numbers
from .verbs import Verbs, longest

if TYPE_CHECKING:
    from collections.abc import Hashable

    from .._core.decision import Decision, LimiterStatistics
    from .keys import Keys
    from .line import Line


class KeyLimiter(Verbs):
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

    def has_capacity(self, amount: float = 1.0) -> bool:
        """Whether *amount* fits right now; see `AsyncLimiter.has_capacity`."""
        amount = numbers.not_negative("amount", amount)
        return self._keys.peek(self.key).fits(amount)

    def statistics(self) -> LimiterStatistics:
        """Tell how things are right now, without changing any."""
        return self._keys.peek(self.key).statistics()

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

    def try_acquire(self, amount: float = 1.0) -> Decision:
        """Take *amount* if it is admitted now; see `AsyncLimiter.try_acquire`."""
        keys = self._keys
        if keys.is_live(self.key):
            return super().try_acquire(amount)
        return keys.decide(self.key, amount)
