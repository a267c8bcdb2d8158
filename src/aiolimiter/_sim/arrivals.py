"""Who comes when."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import NamedTuple, Protocol

from .amounts import Amounts
from .quantities import duration, number, ratio, refuse

_EXAMPLE = "steady:3/s, poisson:3/s, burst:50@0s,50@4m or file:PATH"


class Arrival(NamedTuple):
    """One request: when it comes, what it wants, and whose it is."""

    at: float
    amount: float
    key: str = ""


class Arrivals(Protocol):
    """A source of requests, in the order of their instants."""

    def requests(self, until: float, amounts: Amounts, seed: int) -> Iterator[Arrival]:
        """Go through all that come before *until*, each time the same."""


class Steady:
    """One after the other, at even distances: *rate* a second."""

    def __init__(self, rate: float) -> None:
        self._rate = rate

    def requests(self, until: float, amounts: Amounts, seed: int) -> Iterator[Arrival]:
        random, count = Random(seed), 0
        while (at := count / self._rate) < until:
            yield Arrival(at, amounts(random))
            count += 1


class Poisson:
    """Each independent of all others, *rate* a second on average."""

    def __init__(self, rate: float) -> None:
        self._rate = rate

    def requests(self, until: float, amounts: Amounts, seed: int) -> Iterator[Arrival]:
        random = Random(seed)
        at = random.expovariate(self._rate)
        while at < until:
            yield Arrival(at, amounts(random))
            at += random.expovariate(self._rate)


class Bursts:
    """Many at one instant; then many at another."""

    def __init__(self, bursts: list[tuple[float, int]]) -> None:
        self._bursts = sorted(bursts)

    def requests(self, until: float, amounts: Amounts, seed: int) -> Iterator[Arrival]:
        random = Random(seed)
        for at, many in self._bursts:
            for _ in range(many if at < until else 0):
                yield Arrival(at, amounts(random))


class Given:
    """The instants that somebody has clicked in, or typed."""

    def __init__(self, instants: list[float]) -> None:
        self._instants = sorted(instants)

    def requests(self, until: float, amounts: Amounts, seed: int) -> Iterator[Arrival]:
        random = Random(seed)
        for at in self._instants:
            if at < until:
                yield Arrival(at, amounts(random))


def arrivals(text: str) -> Arrivals:
    """
    Read ``steady:3/s``, ``poisson:3/s`` or ``burst:50@0s,50@4m``.

    Raises:
        ValueError: It is none of them.
    """
    kind, _, rest = text.partition(":")
    if kind in {"steady", "poisson"}:
        amount, seconds = ratio(rest)
        return (Steady if kind == "steady" else Poisson)(amount / seconds)
    if kind == "burst" and rest:
        return Bursts([_burst(word) for word in rest.split(",")])
    return refuse(_EXAMPLE, text)


def _burst(word: str) -> tuple[float, int]:
    many, at, when = word.partition("@")
    wanted = f"bursts like 50@0s,50@4m ({word!r} is none)"
    how_many = number(many, wanted)
    if not how_many.is_integer() or how_many > 10_000_000:  # noqa: PLR2004 -- a mistake
        refuse(wanted, word)
    return duration(when) if at else 0.0, int(how_many)
