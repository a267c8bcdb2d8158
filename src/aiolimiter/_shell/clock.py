"""
What time it is, and how far a loop's timers can be trusted.

The clock is the event loop's.  Standard loops share one, `time.monotonic`, and
reading it directly costs half of asking the loop; any other loop (uvloop's, or
one on virtual time) is asked itself, and found anew each time, since the next
one may count from another zero.
"""

from __future__ import annotations

import asyncio
import time
from asyncio import get_running_loop
from math import ulp
from time import monotonic

# asyncio runs a timer early by up to this.
RESOLUTION = time.get_clock_info("monotonic").resolution
MARGIN = 2.0 * RESOLUTION


class Clock:
    """
    Follows whoever uses it from one event loop to the next.

    Attributes:
        time: Called, returns the instant, fast: it may take one standard loop
            for another.
    """

    __slots__ = ("_loop", "_standard", "grain", "time")

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._standard = False
        self.time = self.now
        # Seconds by which the loop may round a timer down.
        self.grain = 0.0

    def follow(self, loop: asyncio.AbstractEventLoop) -> bool:
        """Go over to *loop*, unless something is left to do in another one."""
        if loop is self._loop:
            return True
        if self._loop is not None and not self._loop.is_closed() and self._is_bound():
            return False
        self._loop = loop
        self.grain = grain(loop)
        self._standard = _is_standard(loop)
        self.time = monotonic if self._standard else self.now
        self._arrive(loop.time())
        return True

    def is_running(self) -> bool:
        """Whether the loop that was used last is running, so that its time counts."""
        loop = self._loop
        return loop is not None and loop.is_running()

    def _is_bound(self) -> bool:
        """Whether the present loop can't be left."""
        return False

    def _arrive(self, now: float) -> None:
        """Do what there is to do in a new loop, which may have another clock."""

    def now(self) -> float:
        """Return the instant, after going over to the running loop."""
        try:
            loop = get_running_loop()
        except RuntimeError:
            return self._now_outside()
        if loop is not self._loop and not self.follow(loop):
            assert self._loop is not None, "only an older loop can be in the way"
            loop = self._loop
        return monotonic() if self._standard else loop.time()

    def _now_outside(self) -> float:
        if self._loop is None:
            return monotonic()
        now = self._loop.time()
        if self._loop.is_closed() and self._is_bound():
            self._arrive(now)
        return now


def grain(loop: asyncio.AbstractEventLoop) -> float:
    """Seconds by which *loop* may round a timer down: uvloop's are milliseconds."""
    return 0.0005 if type(loop).__module__.startswith("uvloop") else 0.0


def margin(instant: float) -> float:
    """Seconds to sleep longer, so as not to be early at *instant*."""
    return MARGIN + 8.0 * ulp(instant)


def _is_standard(loop: asyncio.AbstractEventLoop) -> bool:
    clock = getattr(loop.time, "__func__", None)
    return clock is asyncio.BaseEventLoop.time
