"""
A dict of very many keys, in parts.

To free or to resize one dict of a million takes too long for one call; each of
these is a 64th of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable

V = TypeVar("V")
Shards: TypeAlias = "list[dict[Hashable, V]]"

# Into how many dicts the keys are divided; a power of 2.
SHARDS = 64
# What a hash is multiplied by, so that each of its bits has a say in the upper
# ones (Knuth, TAOCP 6.4: the golden ratio).  Numbers are their own hashes: by
# the lower bits, all multiples of 64 would stand in one dict.  The shard of a
# key is `hash(key) * MIX >> UPPER & LAST`.
MIX = 0x9E3779B97F4A7C15
UPPER = 64 - 6
LAST = SHARDS - 1


def shards() -> Shards[Any]:
    """Return empty ones."""
    return [{} for _ in range(SHARDS)]


class Leftovers:
    """What nobody needs any more, and is freed bit by bit."""

    __slots__ = ("_parts",)

    def __init__(self) -> None:
        self._parts: list[dict[Any, Any] | list[Any]] = []

    def add(self, parts: Iterable[dict[Any, Any] | list[Any]]) -> None:
        """Take over some *parts*, which nobody else has."""
        self._parts.extend(part for part in parts if part)

    def free(self, number: int) -> None:
        """Let go of up to *number* things."""
        while self._parts and number > 0:
            part = self._parts[-1]
            some = min(number, len(part))
            if isinstance(part, list):
                del part[-some:]
            else:
                for _ in range(some):
                    part.popitem()
            number -= some
            if not part:
                self._parts.pop()
