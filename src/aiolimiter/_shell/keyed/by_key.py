"""What all limiters for each key have in common."""

from __future__ import annotations

from copy import copy
from math import inf
from typing import TYPE_CHECKING, Generic, cast

from ..._core import numbers

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator
    from typing import Any, NoReturn

    from typing_extensions import TypeVar

    from ..._core.decision import LimiterStatistics
    from ..._core.keyed.terms import MaxRate
    from ..signals import Observer
    from ..verbs import State
    from .key import KeyLimiter
    from .keys import Keys

    # With a default: `KeyedLimiter(10)` alone says nothing of its keys.
    K = TypeVar("K", bound=Hashable, default=Hashable)
else:
    from typing import TypeVar

    K = TypeVar("K")


class ByKey(Generic[K]):
    """A limiter for each key, made when it is asked for."""

    __slots__ = ("__weakref__", "_keys")

    def __init__(self, keys: Keys) -> None:
        self._keys = keys

    def __getitem__(self, key: K) -> KeyLimiter:
        """Return the limiter of *key*; it stays right for as long as it is held."""
        keys = self._keys
        keys.calls = calls = keys.calls - 1
        if calls <= 0:
            keys.sweep()
        return keys.handles[key]

    def __getstate__(self) -> State:
        # For `copy` and `pickle`: one that shares nothing with this.
        return None, {"_keys": copy(self._keys)}

    def __bool__(self) -> bool:
        # Or one that is optional (`if limits:`) is false until it is used.
        return True

    def __len__(self) -> int:
        """How many keys owe something; some may have leaked empty just now."""
        return len(self._keys)

    def __contains__(self, key: Hashable) -> bool:
        """Whether *key* owes something, or somebody waits for it."""
        return self._keys.owes(key)

    def __iter__(self) -> Iterator[K]:
        """Go through the keys that owe something."""
        keys = cast("Iterator[K]", iter(self._keys))
        return (key for key in keys if self._keys.owes(key))

    @property
    def max_rate(self) -> MaxRate:
        """How much each key admits in `time_period`; may be set while tasks wait."""
        return self._keys.terms.max_rate

    @max_rate.setter
    def max_rate(self, max_rate: MaxRate) -> None:
        self._keys.change(self._keys.terms._replace(max_rate=checked(max_rate)))

    def _waiting_now(self) -> int:
        return self._keys.waiting()

    @property
    def time_period(self) -> float:
        """In seconds; may be set while tasks wait."""
        return self._keys.terms.time_period

    @time_period.setter
    def time_period(self, time_period: float) -> None:
        period = numbers.positive("time_period", time_period)
        self._keys.change(self._keys.terms._replace(time_period=period))

    @property
    def max_pause(self) -> float:
        """What no pause of a key goes beyond; see `AsyncLimiter.max_pause`."""
        return self._keys.max_pause

    @max_pause.setter
    def max_pause(self, max_pause: float) -> None:
        self._keys.max_pause = numbers.rate("max_pause", max_pause)

    @property
    def observer(self) -> Observer | None:
        """Who hears of what any key does; see `AsyncLimiter.observer`."""
        return self._keys.signals.observer

    @observer.setter
    def observer(self, observer: Observer | None) -> None:
        self._keys.signals.observer = observer

    def reset(self) -> None:
        """
        Let every key be as good as new: empty, and not paused.

        Those who wait are looked at, a few hundred at once and the others in the
        next turns of the event loop; no key that is quiet is looked at.
        """
        self._keys.reset()

    def statistics(self) -> LimiterStatistics:
        """
        Tell how all keys together are right now; looks at each of them.

        ``available`` is what a new key has, infinite if that depends on the key.
        """
        return self._keys.statistics()

    def __repr__(self) -> str:
        name = type(self).__name__
        rate = self.max_rate if callable(self.max_rate) else f"{self.max_rate:g}"
        return f"<{name}({rate}, {self.time_period:g}) keys={len(self)}>"

    # Type checkers find what is not there by themselves.
    if not TYPE_CHECKING:

        def __aenter__(self, *_args: Any, **_kwargs: Any) -> NoReturn:
            name = type(self).__name__
            msg = f"which key? a {name} has one limiter for each: limits[key]"
            raise TypeError(msg)

        __aexit__ = __enter__ = __exit__ = __call__ = __aenter__


def checked(max_rate: MaxRate) -> MaxRate:
    """Return *max_rate* if it may be that of a key, or finds it for each."""
    return max_rate if callable(max_rate) else numbers.rate("max_rate", max_rate)


def most(max_keys: float | None) -> float:
    """Return how many keys are remembered at most."""
    return inf if max_keys is None else numbers.positive("max_keys", max_keys)
