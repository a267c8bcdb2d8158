"""The one timer of a line."""

from __future__ import annotations

from functools import partial
from math import inf
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from ..clock import Clock


class Alarm:
    """Rings once, at the instant it was set to last; maybe a little late."""

    __slots__ = ("_due", "_handle")

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Start anew, in another loop."""
        self._handle: asyncio.TimerHandle | None = None
        self._due = inf

    def set(self, clock: Clock, due: float, ring: Callable[[], None]) -> None:
        """
        Ring at *due*, or never.

        Args:
            clock: Whose time it is.
            due: The instant.
            ring: What it calls.  It is held until then only, for it holds whose
                alarm this is.
        """
        if due == self._due:
            return
        if self._handle is not None:
            self._handle.cancel()
            self.forget()
        if due < inf:
            self._due = due
            self._handle = clock.wake(due, partial(self._rings, ring))

    def _rings(self, ring: Callable[[], None]) -> None:
        self.forget()
        ring()
