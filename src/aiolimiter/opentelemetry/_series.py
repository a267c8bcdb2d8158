"""
Which attributes an event has: few, whatever the keys are.

Each combination of attributes is a series that a backend keeps; one for each
user would be the end of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable

    KeyClass: TypeAlias = Callable[[Any], str]

# How many classes of keys there may be of one limiter; the others are one.
MOST = 100
OTHERS = "_OTHER"


class ByKind:
    """The name of a limiter's class is all that is told of it."""

    def __init__(self) -> None:
        self._known: dict[type, dict[str, str]] = {}

    def __call__(self, limiter: object) -> dict[str, str]:
        kind = type(limiter)
        if kind not in self._known:
            # A key that is quiet, and one that is not, are one kind.
            name = kind.__name__.removeprefix("Quiet")
            self._known[kind] = {"aiolimiter.limiter": name}
        return self._known[kind]


class ByName:
    """
    A *name*, and the class of the key if it is told how to find that.

    Args:
        name: What the limiter is called.
        key_class: From the limiter of a key to the name of its class.
    """

    def __init__(self, name: str, key_class: KeyClass | None) -> None:
        self.plain = {"aiolimiter.limiter": name}
        self._key_class = key_class
        self._known: dict[str, dict[str, str]] = {}

    def __call__(self, limiter: Any) -> dict[str, str]:
        if self._key_class is None:
            return self.plain
        name = self._key_class(limiter)
        if name not in self._known:
            if len(self._known) >= MOST:
                name = OTHERS
            self._known[name] = {**self.plain, "aiolimiter.key.class": name}
        return self._known[name]
