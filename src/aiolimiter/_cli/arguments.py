"""What can be typed behind a command: limits, counts, seconds."""

from __future__ import annotations

from argparse import ArgumentTypeError
from math import nan
from typing import NamedTuple, NoReturn

# Beyond these a person has mistyped, and floats begin to lose what they count.
_LEAST, _MOST = 1e-6, 1e9
# Each of them is a line on a terminal.
_MOST_TASKS = 100_000


class Limit(NamedTuple):
    """So much in so many seconds."""

    amount: float
    seconds: float


def limit(text: str) -> Limit:
    """Read ``4/8``, which is 4 in 8 seconds, or ``100``, which is 100 a minute."""
    amount, slash, seconds = text.partition("/")
    both = _number(amount), _number(seconds if slash else "60")
    if not all(_LEAST <= number <= _MOST for number in both):
        _refuse(text, "AMOUNT/SECONDS like 4/8, each from 1e-6 to 1e9")
    return Limit(*both)


def count(text: str) -> int:
    """Read how many tasks there are."""
    number = _number(text)
    if not (1 <= number <= _MOST_TASKS and number.is_integer()):
        _refuse(text, f"a whole number from 1 to {_MOST_TASKS}")
    return int(number)


def seconds(text: str) -> float:
    """Read a duration."""
    number = _number(text)
    if not 0 <= number <= _MOST:
        _refuse(text, "seconds, from 0 to 1e9")
    return number


def burst(text: str) -> float:
    """Read what a bucket holds that has to take in 1 at a time."""
    number = _number(text)
    if not 1 <= number <= _MOST:
        _refuse(text, "an amount from 1, which each task takes, to 1e9")
    return number


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return nan  # which is in no range


def _refuse(text: str, wanted: str) -> NoReturn:
    msg = f"must be {wanted}, got {text!r}"
    raise ArgumentTypeError(msg)
