"""The one timer of a line."""

from __future__ import annotations

from math import inf, nextafter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable


class Alarm:
    """
    Rings once, at the instant it was set to last; maybe a little late.

    Args:
        ring: What it calls.
    """

    __slots__ = ("_due", "_handle", "_ring")

    def __init__(self, ring: Callable[[], None]) -> None:
        self._ring = ring
        self.forget()

    def forget(self) -> None:
        """Start anew, in another loop."""
        self._handle: asyncio.TimerHandle | None = None
        self._due = inf

    def set(
        self, loop: asyncio.AbstractEventLoop, now: float, due: float, grain: float
    ) -> None:
        """Ring at *due*, or never; *grain* is what the loop may round a timer down."""
        if due == self._due:
            return
        if self._handle is not None:
            self._handle.cancel()
        self.forget()
        if due < inf:
            self._due = due
            # On a coarse clock an alarm for now would ring for ever.
            when = max(due, nextafter(now, inf)) + grain
            self._handle = loop.call_at(when, self._rings)

    def _rings(self) -> None:
        self.forget()
        self._ring()
