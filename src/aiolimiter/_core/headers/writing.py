"""
What a server says of a limit, as text.

The fields are those of draft-ietf-httpapi-ratelimit-headers-10: Items of RFC 9651,
each a String with Integers as parameters.
"""

from __future__ import annotations

import re
from math import ceil, floor

# The largest Integer of a structured field.
MOST = 999_999_999_999_999
_PRINTABLE = re.compile(r"[ -~]*")


def policy(name: str, limit: float, window: float, *, unit: str = "requests") -> str:
    """
    Write an item of ``RateLimit-Policy``: how much is admitted, and in which time.

    >>> from aiolimiter.headers import policy
    >>> policy("default", 100, 60)
    '"default";q=100;w=60'
    >>> policy("upload", 1e6, 0.5, unit="content-bytes")
    '"upload";q=1000000;w=1;qu="content-bytes"'

    Args:
        name: What the limit is called, in printable ASCII.
        limit: How much, in units; told as whole units, rounded down.
        window: In which time, in seconds; rounded up, and 1 at least.
        unit: What is counted: ``"requests"``, ``"content-bytes"``, ...

    Raises:
        ValueError: *name* or *unit* is not printable ASCII, or a number is NaN.
    """
    text = f"{_string('name', name)};q={_down(limit)};w={whole_seconds(window)}"
    return text if unit == "requests" else f"{text};qu={_string('unit', unit)}"


def told(name: str, remaining: float, reset_after: float | None = None) -> str:
    """
    Write an item of ``RateLimit``: what is left, and when there will be more.

    >>> from aiolimiter.headers import told
    >>> told("default", 41.7)
    '"default";r=41'
    >>> told("default", 0, 0.6)
    '"default";r=0;t=1'

    Args:
        name: As in `policy`.
        remaining: What is left, in units; rounded down, and 0 at least.
        reset_after: Seconds until there is more; rounded up, and 0 at least.

    Raises:
        ValueError: *name* is not printable ASCII, or a number is NaN.
    """
    text = f"{_string('name', name)};r={_down(remaining)}"
    return text if reset_after is None else f"{text};t={_up(reset_after)}"


def whole_seconds(seconds: float) -> int:
    """
    Return *seconds* for ``Retry-After``: rounded up, and 1 at least.

    Never rounded down, so whoever obeys it exactly is admitted, if nobody else
    came meanwhile.

    >>> from aiolimiter.headers import whole_seconds
    >>> whole_seconds(0.02), whole_seconds(59.1)
    (1, 60)

    Raises:
        ValueError: *seconds* is NaN.
    """
    return max(1, _up(seconds))


def _string(what: str, text: str) -> str:
    if _PRINTABLE.fullmatch(text) is None:
        msg = f"{what} must be printable ASCII, got {text!r}"
        raise ValueError(msg)
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _down(value: float) -> int:
    return floor(_within(value))


def _up(value: float) -> int:
    return ceil(_within(value))


def _within(value: float) -> float:
    if value != value:  # noqa: PLR0124 -- only NaN is not itself
        msg = "NaN can't be told"
        raise ValueError(msg)
    return min(max(value, 0), MOST)
