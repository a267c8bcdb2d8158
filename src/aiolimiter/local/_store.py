"""A file as the store of a shared limiter."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from .._core import slots
from .._core.numbers import ROUNDING
from .._core.trip import State

if TYPE_CHECKING:
    from .._core.trip import Reply, Request
    from ._file import StateFile

# The lock is held for a few microseconds, so another try soon succeeds.  Only
# a holder that was stopped in between keeps it longer, and then the loop has
# better things to do than to spin.
_SPINS = 5
_NAP = 0.0005

_PLAIN = (float, int)


class FileStore:
    """
    Keeps a bucket in a `StateFile`, on the clock that all processes of a host share.

    `time.monotonic` counts from the last boot.  A file from before it is safe:
    less time has passed on the clock since the boot than on the wall since the
    file was written, so no more leaks than may.

    Args:
        file: Where the bucket is.
        rate: What leaks, in units a microsecond.
        cap: What the bucket holds.
    """

    __slots__ = ("_cap", "_file", "_full", "_rate", "at", "left")

    def __init__(self, file: StateFile, rate: float, cap: float) -> None:
        self._file = file
        self._rate = rate
        self._cap = cap
        self._full = cap * (1.0 + ROUNDING)
        self.at = 0
        self.left = cap

    async def trip(self, request: Request) -> Reply:
        """
        Run `slots.serve` on the file's state, in one step.

        Raises:
            BackendError: The file is damaged.
        """
        await self._lock()
        try:
            now = _now()
            level, last, given, raised = self._file.read()
            if last > now:
                # From before the last boot, by another clock.  Written at once:
                # a request that changes nothing would leave it ahead.
                last, raised = now, min(raised, now)
                self._file.write(level, last, given, raised)
            stored = State((level,), int(last), given, int(raised))
            state, reply = slots.serve(stored, now, request)
            if state is not None:
                (level,) = state.levels
                self._file.write(level, state.last, state.given, state.raised)
        finally:
            self._file.unlock()
        return reply

    def take(self, amount: float) -> bool:
        """
        Take *amount* if it fits right now; no if somebody else has the lock.

        The way most requests go, so it is written for the interpreter: a trip
        through `slots.serve` costs ten times as much.  Numbers of other types,
        and all that is wrong, go that way.

        Afterwards `at` and `left` tell when it was, and what is left.
        """
        file = self._file
        if not (amount.__class__ in _PLAIN and amount >= 0 and file.lock()):
            return False
        try:
            level, last, given, raised = file.read()
            now = _now()
            if now > last:
                level -= (now - last) * self._rate
                if level < 0.0:
                    level = 0.0
            level += amount
            if level > self._full:
                return False
            file.write(level, now, given, raised)
        finally:
            file.unlock()
        self.at = now
        self.left = max(0.0, self._cap - level)
        return True

    async def _lock(self) -> None:
        for _ in range(_SPINS):
            if self._file.lock():
                return
        # The deadline of the trip ends this.
        while not self._file.lock():  # noqa: ASYNC110 -- no event of another process
            await asyncio.sleep(_NAP)


def _now() -> int:
    return time.monotonic_ns() // 1000
