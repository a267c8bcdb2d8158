"""A server that has a limit of its own."""

from __future__ import annotations

from random import Random
from typing import NamedTuple, Protocol

from .._core.bucket import Bucket
from .._core.window import Window
from .quantities import duration, ratio, refuse

_EXAMPLE = "bucket:100/60, window:100/60 or fixed:100/60"


class Server(Protocol):
    """Counts, and refuses with a 429 what is too much."""

    def admit(self, amount: float, now: float) -> bool:
        """Take *amount* at *now*, or refuse it."""


class Fixed:
    """*most* in each stretch of *period*, which start at 0: all at once anew."""

    def __init__(self, most: float, period: float) -> None:
        self._most = most
        self._period = period
        self._window = -1
        self._taken = 0.0

    def admit(self, amount: float, now: float) -> bool:
        """Take *amount* at *now*, or refuse it."""
        window = int(now // self._period)
        if window != self._window:
            self._window, self._taken = window, 0.0
        if self._taken + amount > self._most * (1.0 + 1e-12):
            return False
        self._taken += amount
        return True


class Kind(NamedTuple):
    """What a server does, to make one."""

    kind: str
    amount: float
    seconds: float

    def make(self) -> Server:
        """Return a server that has met nobody yet."""
        if self.kind == "bucket":
            return Bucket(self.amount / self.seconds, self.amount)
        if self.kind == "window":
            return Window(self.amount, self.seconds)
        return Fixed(self.amount, self.seconds)

    def __str__(self) -> str:
        return f"{self.kind}:{self.amount:g}/{self.seconds:g}"


def server(text: str) -> Kind:
    """
    Read ``bucket:100/60``, ``window:100/60`` or ``fixed:100/60``.

    Raises:
        ValueError: It is none of them.
    """
    kind, colon, rest = text.partition(":")
    if not colon or kind not in {"bucket", "window", "fixed"}:
        refuse(_EXAMPLE, text)
    return Kind(kind, *ratio(rest))


class Latency(NamedTuple):
    """How long a request is under way: evenly between two durations, in seconds."""

    least: float = 0.0
    most: float = 0.0

    @property
    def varies(self) -> bool:
        """Whether one can overtake another."""
        return self.least < self.most

    def draw(self, random: Random) -> float:
        """Return how long one takes."""
        return random.uniform(self.least, self.most) if self.varies else self.least


def latency(text: str) -> Latency:
    """
    Read ``50ms``, or ``20ms..80ms`` for one that varies.

    Raises:
        ValueError: It is neither.
    """
    least, dots, most = text.partition("..")
    try:
        found = Latency(duration(least), duration(most if dots else least))
    except ValueError:
        refuse("a duration like 50ms, or two like 20ms..80ms", text)
    if found.least > found.most:
        refuse("the shorter one first, like 20ms..80ms", text)
    return found
