"""
What time it is, and how far a loop's timers can be trusted.

The clock is the event loop's.  Standard loops share one, `time.monotonic`, and
reading it directly costs half of asking the loop; any other loop (uvloop's, or
one on virtual time) is asked itself, and found anew each time, since the next
one may count from another zero.

A test may fake either of the two, also while they are used.  Where there is room
that is not asked, it would cost a fifth of `async with`; before anybody is told
to wait, and whenever anybody looks, it is.
"""

from __future__ import annotations

import asyncio
from asyncio import get_running_loop
from contextvars import Context
from math import inf, nextafter, ulp
from os import getpid
from time import get_clock_info, monotonic
from typing import TYPE_CHECKING, Final
from weakref import ref

if TYPE_CHECKING:
    from collections.abc import Callable

# asyncio runs a timer early by up to this.
RESOLUTION = get_clock_info("monotonic").resolution
MARGIN = 2.0 * RESOLUTION

# By the package of the loop.  uvloop rounds to whole milliseconds.  Pyodide calls
# at once what is due within 2 ms, and where JavaScript's hosts cut a delay to
# whole milliseconds and count it from one, it is early by nearly two.
GRAINS: Final = {"uvloop": 0.0005, "pyodide": 0.002}

# Seconds by which the clock of uvloop is behind, which counts whole milliseconds.
BEHIND = 0.002

# The tasks of a loop that was forked: the parent's, so not ours to end.
_forked: Final[list[object]] = []


class Clock:
    """
    Follows whoever uses it from one event loop to the next.

    Attributes:
        time: Called, returns the instant, fast: it may take one standard loop
            for another, or for one whose clock is replaced.
    """

    __slots__ = ("_last", "_process", "_standard", "grain", "time")

    # In a class, where those don't find it who replace it in all modules.
    _read = staticmethod(monotonic)

    def __init__(self) -> None:
        self._last: Callable[[], asyncio.AbstractEventLoop | None] = _no_loop
        self._process = 0
        self._standard = False
        self.time = self._asks()
        # Seconds by which a timer of the loop may be early.
        self.grain = 0.0

    @property
    def _loop(self) -> asyncio.AbstractEventLoop | None:
        return self._last()

    def follow(self, loop: asyncio.AbstractEventLoop) -> bool:
        """Go over to *loop*, unless something is left to do in another one."""
        last = self._last()
        if loop is last:
            return True
        if last is not None and not last.is_closed() and self._is_bound():
            if self._process == getpid():
                return False
            _forked.append(asyncio.all_tasks(last))
        behind = BEHIND if self.grain else 0.0
        self.grain = grain(loop)
        self._process = getpid()
        self._standard = _is_standard(loop) and self._agrees(loop)
        self.time = self._read if self._standard else self._asks()
        # What was closed is let go of; but to no other loop can be said, outside
        # of any, what time it is on a virtual one.
        self._last = ref(loop) if self._standard or self.grain else lambda: loop
        self._arrive(loop.time(), behind)
        return True

    def is_current(self) -> bool:
        """Whether the loop that was used last is running, by the clock it had."""
        loop = self._last()
        if loop is None or not loop.is_running():
            return False
        return not self._standard or self._agrees(loop)

    def _is_bound(self) -> bool:
        """Whether the present loop can't be left."""
        return False

    def _arrive(self, now: float, behind: float) -> None:
        """
        Do what there is to do in a new loop, which may have another clock.

        Args:
            now: The instant, by its clock.
            behind: Seconds by which the clock of the last one may have been.
        """

    def _retime(self, now: float) -> None:
        """Go on at *now* in the same loop, whose clock was replaced."""

    def _asks(self) -> Callable[[], float]:
        """Return what asks the loop itself, which is kept as `time`."""
        return self.now

    def now(self) -> float:
        """Return the instant, after going over to the running loop."""
        try:
            loop = get_running_loop()
        except RuntimeError:
            return self._now_outside()
        last = self._last()
        if loop is not last and not self.follow(loop):
            assert last is not None, "only an older loop can be in the way"
            loop = last
        return self.now_in(loop)

    def now_in(self, loop: asyncio.AbstractEventLoop) -> float:
        """Return the instant in *loop*, which was followed."""
        now = loop.time()
        if self._standard and not self._agrees(loop):
            self._standard = False
            self.time = self._asks()
            self._retime(now)
        return now

    def wake(self, due: float, callback: Callable[[], object]) -> asyncio.TimerHandle:
        """
        Call *callback* at *due*; soon, if that has come.

        Args:
            due: The instant, in the time of the loop that was followed.
            callback: Runs in an empty context: in that of whoever came first it would
                keep that alive, and act in its name.  In a new one each time, since
                two threads can't be in the same.
        """
        loop = self._last()
        assert loop is not None, "whoever waits, waits in a loop"
        now = loop.time()
        # On a coarse clock a timer for now would ring for ever.
        due = max(due, nextafter(now, inf))
        if self._standard:
            return loop.call_at(due, callback, context=Context())
        # A timer for an instant that is over by a moment may be refused: browsers'
        # loops do.
        return loop.call_later(due - now + self.grain, callback, context=Context())

    def _agrees(self, loop: asyncio.AbstractEventLoop) -> bool:
        # Whether the clock that is read directly is that of *loop*.
        return self._read() <= loop.time() <= self._read()

    def _now_outside(self) -> float:
        loop = self._last()
        if loop is None:
            return self._read()
        now = loop.time()
        if loop.is_closed() and self._is_bound():
            self._arrive(now, 0.0)
        return now


def _no_loop() -> None:
    pass


def grain(loop: asyncio.AbstractEventLoop) -> float:
    """Seconds by which a timer of *loop* may be early; 0 for a standard one."""
    return GRAINS.get(type(loop).__module__.partition(".")[0], 0.0)


def margin(instant: float) -> float:
    """Seconds to sleep longer, so as not to be early at *instant*."""
    return MARGIN + 8.0 * ulp(instant)


def _is_standard(loop: asyncio.AbstractEventLoop) -> bool:
    clock = getattr(loop.time, "__func__", None)
    return clock is asyncio.BaseEventLoop.time
