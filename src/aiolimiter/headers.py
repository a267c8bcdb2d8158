"""What servers say of their limits in the head of a response: read, and written."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from ._core.headers.advice import Advice, Quota
from ._core.headers.reading import Headers, Reader
from ._core.headers.times import retry_after
from ._core.headers.writing import policy, told, whole_seconds

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_sf: Callable[..., Any] | None
try:
    from http_sf import parse as _sf
except ImportError:
    # What is written needs nothing.
    _sf = None

__all__ = [
    "Advice",
    "Quota",
    "policy",
    "read",
    "reading",
    "retry_after",
    "told",
    "whole_seconds",
]


def _reader(fields: Mapping[str, str] | None = None) -> Reader:
    # Not where a field wants it: that may be after months, in the midst of a request.
    parse = _sf
    if parse is None:
        msg = "reading fields needs http-sf: pip install 'aiolimiter[headers]'"
        raise ImportError(msg)
    return Reader(lambda value, kind: parse(value, tltype=kind), fields)


_usual = cache(_reader)


def read(status: int, headers: Headers, *, now: float) -> Advice:
    """
    Tell what a response says of the server's limits.

    It knows ``Retry-After``, the three generations of the IETF draft
    (draft-ietf-httpapi-ratelimit-headers) and what some thirty services send
    instead.  It never raises for anything a server can send.

    >>> github = {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1609459200"}
    >>> headers.read(403, github, now=1609459170.0).pause
    30.0

    Args:
        status: The status of the response.
        headers: Its fields: pairs of name and value, or a mapping.
        now: The time, in seconds since 1970.  What the response's own ``Date``
            says counts more, if it is within a day of that.

    Raises:
        ImportError: http-sf is missing.
    """
    return _usual()(status, headers, now=now)


def reading(fields: Mapping[str, str]) -> Callable[..., Advice]:
    """
    Return a `read` that knows fields of a service of one's own, too.

    >>> read = headers.reading({"X-Acme-Left": "remaining", "X-Acme-Again": "reset"})
    >>> read(200, {"x-acme-left": "12"}, now=0.0).quotas[0].remaining
    12.0

    A field is ``limit``, ``remaining``, ``used``, ``used/limit``, ``reset``,
    ``reset-after``, ``pause`` (seconds, or a date), ``pause-ms``, ``name``, ``scope``
    or ``total``; with a unit after it if it does not count requests:
    ``"remaining tokens"``.

    Args:
        fields: What the fields mean, by their names.

    Raises:
        ImportError: http-sf is missing.
        ValueError: A field can't mean that.
    """
    return _reader(fields)
