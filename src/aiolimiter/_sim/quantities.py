"""What people type: durations, rates, amounts."""

from __future__ import annotations

import re
from math import isfinite
from typing import NoReturn

_UNITS = {"": 1.0, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_DURATION = re.compile(r"(\d+(?:\.\d*)?|\.\d+)?(ms|s|m|h|d|)", re.ASCII)

# Beyond these a person has mistyped, and floats begin to lose what they count.
LEAST, MOST = 1e-6, 1e9


def duration(text: str) -> float:
    """
    Read ``200ms``, ``5m``, ``1h`` or plain seconds.

    Raises:
        ValueError: It is none.
    """
    found = _DURATION.fullmatch(text.strip())
    if found is None or not found[0]:
        refuse("a duration like 200ms, 30s, 5m or 1h", text)
    seconds = float(found[1] or 1.0) * _UNITS[found[2]]
    if not seconds <= MOST:
        refuse(f"at most {MOST:.0e} s", text)
    return seconds


def number(text: str, what: str = "a number, 0 or more, like 3") -> float:
    """
    Read a number that is finite and not negative.

    Raises:
        ValueError: It is none.
    """
    try:
        value = float(text)
    except ValueError:
        refuse(what, text)
    if not (isfinite(value) and 0.0 <= value <= MOST):
        refuse(what, text)
    return value


def ratio(text: str) -> tuple[float, float]:
    """
    Read ``100/60``, ``3/s`` or ``5000/1h``: so much in so many seconds.

    Raises:
        ValueError: It is none, or one of them is not above 0.
    """
    amount, slash, seconds = text.partition("/")
    example = "AMOUNT/SECONDS like 100/60, 3/s or 5000/1h"
    try:
        both = number(amount), duration(seconds if slash else "60")
    except ValueError:
        refuse(example, text)
    if not all(LEAST <= one <= MOST for one in both):
        refuse(f"{example}, each from 1e-6 to 1e9", text)
    return both


def refuse(wanted: str, given: str) -> NoReturn:
    """Say what was *wanted* and what was *given*."""
    msg = f"must be {wanted}, got {given!r}"
    raise ValueError(msg)
