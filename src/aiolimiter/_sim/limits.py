"""Limits, as people type them."""

from __future__ import annotations

import re
from math import inf
from typing import Any, NamedTuple

from .. import (
    AsyncLimiter,
    CombinedLimiter,
    KeyedLimiter,
    KeyedSlidingWindowLimiter,
    SlidingWindowLimiter,
)
from .quantities import LEAST, number, ratio, refuse

_EXAMPLE = (
    "100/60, '100/60 burst=10', window:100/60, keyed:10/1, keyed-window:10/1, or "
    "'100/60 + window:5000/1h'"
)
_PART = re.compile(
    r"(?:(?P<kind>bucket|window|keyed|keyed-window):)?(?P<ratio>[^\s=]+)"
    r"(?:\s+burst=(?P<burst>\S+))?"
)
_CLASSES = {
    "bucket": AsyncLimiter,
    "window": SlidingWindowLimiter,
    "keyed": KeyedLimiter,
    "keyed-window": KeyedSlidingWindowLimiter,
}


class Part(NamedTuple):
    """One limiter."""

    kind: str
    max_rate: float
    time_period: float
    burst: float | None

    @property
    def keyed(self) -> bool:
        """Whether each key has its own."""
        return self.kind.startswith("keyed")

    @property
    def rate(self) -> float:
        """Units a second."""
        return self.max_rate / self.time_period

    @property
    def holds(self) -> float:
        """The most that can be had at one instant."""
        return self.max_rate if self.burst is None else self.burst

    def make(self) -> Any:
        """Return the limiter itself."""
        more: dict[str, Any] = {} if self.burst is None else {"burst": self.burst}
        return _CLASSES[self.kind](self.max_rate, self.time_period, **more)

    def __str__(self) -> str:
        """Return the line of Python that makes it."""
        burst = "" if self.burst is None else f", burst={self.burst:.15g}"
        name = _CLASSES[self.kind].__name__
        return f"{name}({self.max_rate:.15g}, {self.time_period:.15g}{burst})"


class Limit(NamedTuple):
    """One limiter, or several taken as one."""

    parts: tuple[Part, ...]

    def slower(self, factor: float) -> Limit:
        """Return the same with *factor* of the rate; each burst stays."""
        return Limit(
            tuple(
                part._replace(max_rate=part.max_rate * factor, burst=burst)
                for part in self.parts
                for burst in [part.burst if part.kind != "bucket" else part.holds]
            )
        )

    @property
    def rate(self) -> float:
        """Units a second of the strictest that all share; inf if none does."""
        return min((part.rate for part in self.parts if not part.keyed), default=inf)

    @property
    def period(self) -> float:
        """The period of the first one, in seconds."""
        return self.parts[0].time_period

    def __str__(self) -> str:
        """Return the line of Python that makes it."""
        words = ", ".join(
            f"{part}[key]" if part.keyed else str(part) for part in self.parts
        )
        return words if len(self.parts) == 1 else f"CombinedLimiter({words})"


class Gate:
    """The limiters of one *limit*, made anew."""

    def __init__(self, limit: Limit) -> None:
        self._members = [(part.make(), part.keyed) for part in limit.parts]

    def limiter(self, key: str) -> Any:
        """Return what a request of *key* has to pass."""
        members = [member[key] if keyed else member for member, keyed in self._members]
        return members[0] if len(members) == 1 else CombinedLimiter(*members)

    def level(self) -> float:
        """How full the fullest member is, in units."""
        return max(float(member.statistics().level) for member, _ in self._members)


def limit(text: str) -> Limit:
    """
    Read a limit, or several joined by ``+``.

    Raises:
        ValueError: It is none.
    """
    return Limit(tuple(_part(words.strip(), text) for words in text.split(" + ")))


def _part(words: str, text: str) -> Part:
    found = _PART.fullmatch(words)
    if found is None:
        refuse(_EXAMPLE, text)
    kind = found["kind"] or "bucket"
    max_rate, time_period = ratio(found["ratio"])
    burst = found["burst"]
    if burst is None:
        return Part(kind, max_rate, time_period, None)
    if kind in {"window", "keyed-window"}:
        refuse("a window without burst=: it never admits more than its amount", text)
    much = number(burst, "burst=AMOUNT like burst=10")
    if much < LEAST:
        refuse("burst=AMOUNT above 0, like burst=10", text)
    return Part(kind, max_rate, time_period, much)
