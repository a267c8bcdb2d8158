"""When a request that was refused is sent again."""

from __future__ import annotations

from collections.abc import Mapping

from .._core import numbers

# Of a refused body so much is read, in bytes, to have its connection back.
MOST_READ = 65_536

# RFC 9110, section 9.2.2; QUERY is safe by its own draft.
_IDEMPOTENT = frozenset(["GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE", "QUERY"])
# The server may have begun before it found out that it can't.
_OVERLOADED = frozenset([503, 529])


class Resending:
    """
    The rule, for one client.

    Args:
        resends: How often at most.
        max_delay: The longest pause that is waited for, in seconds.

    Raises:
        ValueError: *resends* is no whole number of 0 or more, or *max_delay* is
            negative or not a number.
    """

    __slots__ = ("_max_delay", "_resends")

    def __init__(self, resends: int, max_delay: float) -> None:
        if resends.__class__ is not int or resends < 0:
            msg = f"resends must be a whole number, 0 or more, got {resends!r}"
            raise ValueError(msg)
        self._resends = resends
        self._max_delay = numbers.not_negative("max_delay", max_delay)

    def allows(
        self,
        method: str,
        headers: Mapping[str, str],
        status: int,
        delay: float,
        sent: int,
    ) -> bool:
        """
        Whether a request that was refused is sent again.

        Args:
            method: Its method.
            headers: Its fields.
            status: What it was refused with.
            delay: For how long nothing more is wanted, in seconds.
            sent: How often it was sent.
        """
        if sent > self._resends or delay > self._max_delay:
            return False
        # SDKs that count their own attempts resend by themselves, and two layers
        # would multiply; a handshake is the caller's to repeat.
        if "x-stainless-retry-count" in headers:
            return False
        if headers.get("upgrade", "").lower() == "websocket":
            return False
        return (
            status not in _OVERLOADED
            or method.upper() in _IDEMPOTENT
            or "idempotency-key" in headers
        )
