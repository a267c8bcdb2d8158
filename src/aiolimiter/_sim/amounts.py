"""How much each request wants."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import TypeAlias

from .quantities import number, refuse

Amounts: TypeAlias = Callable[[Random], float]

_EXAMPLE = "a number, uniform:1,2000 or lognormal:400,1"


def amounts(text: str) -> Amounts:
    """
    Read ``1``, ``uniform:LEAST,MOST`` or ``lognormal:MEDIAN,SIGMA``.

    Raises:
        ValueError: It is none of them.
    """
    kind, colon, rest = text.partition(":")
    if not colon:
        fixed = number(text, _EXAMPLE)
        return lambda _: fixed
    first, second = _pair(rest, text)
    if kind == "uniform" and first <= second:
        return lambda random: random.uniform(first, second)
    if kind == "lognormal" and first > 0.0:
        return lambda random: first * random.lognormvariate(0.0, second)
    return refuse(_EXAMPLE, text)


def _pair(rest: str, text: str) -> tuple[float, float]:
    words = rest.split(",")
    if len(words) != 2:  # noqa: PLR2004 -- a pair
        refuse(_EXAMPLE, text)
    return number(words[0], _EXAMPLE), number(words[1], _EXAMPLE)
