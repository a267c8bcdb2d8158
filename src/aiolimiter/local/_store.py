"""A file as the store of a shared limiter."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from .._core.errors import BackendError
from .._core.numbers import ROUNDING
from .._core.shared import lows, slots
from .._core.shared.trip import Force, State, Terms
from . import _agreed, _lows

if TYPE_CHECKING:
    from .._core.shared.trip import Reply, Request
    from ._file import StateFile

# The lock is held for a few microseconds, so another try soon succeeds.  Only
# a holder that was stopped in between keeps it longer, and then the loop has
# better things to do than to spin.
_SPINS = 5
_NAP = 0.0005

# How long, in microseconds, what goes the short way may use a file that has been
# replaced meanwhile: to ask costs as much as the rest of it.
_LOOK = 10_000

_PLAIN = (float, int)


class FileStore:
    """
    Keeps a bucket in a `StateFile`, on the clock that all processes of a host share.

    `time.monotonic` counts from the last boot.  A file from before it is safe:
    less time has passed on the clock since the boot than on the wall since the
    file was written, so no more leaks than may.

    Args:
        file: Where the bucket is.
        rate: What leaks, in units a microsecond; 0.0 if nothing is kept there.
        cap: What the bucket holds.
    """

    __slots__ = (
        "_agreed",
        "_cap",
        "_file",
        "_full",
        "_little",
        "_look_at",
        "_rate",
        "at",
        "left",
    )

    def __init__(self, file: StateFile, rate: float, cap: float) -> None:
        self._file = file
        self._know(State((0.0,), 0, force=Force(Terms((rate,), (cap,)))))
        self._look_at = 0
        self.at = 0
        self.left = cap

    async def trip(self, request: Request) -> Reply:
        """
        Run `slots.serve` on the file's state, in one step.

        Raises:
            BackendError: The file is not a limiter's any more, or damaged.
            OSError: It can't be opened, read or written.
        """
        await self._lock()
        try:
            now = _now()
            stored = self._read()
            state, reply = slots.serve(stored, now, request)
            if state is not None:
                self._write(state)
            self._learn(state or stored, request)
        finally:
            self._file.unlock()
        return reply

    def take(self, amount: float) -> bool:
        """
        Take *amount* if it fits right now; no if somebody else has the lock.

        No also if there is anything odd about the file: the trip will tell.

        The way most requests go, so it is written for the interpreter: a trip
        through `slots.serve` costs ten times as much.  Numbers of other types,
        and all that is wrong, go that way.

        Afterwards `at` and `left` tell when it was, and what is left.
        """
        file = self._file
        try:
            if not (amount.__class__ in _PLAIN and amount >= 0 and file.lock()):
                return False
            try:
                level, last, given, raised, _, agreed, known = file.read()
                if agreed != self._agreed and (
                    agreed != _agreed.NOTHING or not self._agreed
                ):
                    return False
                now = _now()
                if now >= self._look_at:
                    if not file.is_there():
                        return False
                    self._look_at = now + _LOOK
                if now > last:
                    level -= (now - last) * self._rate
                    if level < 0.0:
                        level = 0.0
                filled = level + amount
                if filled > self._full:
                    return False
                known = _lows.noted(known, now, level, self._little)
                file.write(filled, now, given, raised, now, self._agreed, known)
            finally:
                file.unlock()
        except (OSError, BackendError):
            return False
        self.at = now
        self.left = max(0.0, self._cap - filled)
        return True

    def _read(self) -> State:
        level, last, given, raised, heard, agreed, written = self._file.read()
        try:
            known = _lows.unpacked(written)
            pause, force = _agreed.unpacked(agreed, heard)
        except (ValueError, OverflowError) as error:
            raise self._file.damaged(agreed, written) from error
        return State((level,), int(last), given, int(raised), known, pause, force)

    def _write(self, state: State) -> None:
        (level,), last, given, raised, known, _, force = state
        assert force is not None, "whatever was served has it"
        agreed, written = _agreed.packed(state), _lows.packed(known)
        self._file.write(level, last, given, raised, force.heard, agreed, written)

    def _learn(self, state: State, request: Request) -> None:
        force = state.force
        if force and (force.periods or force.terms == request.terms):
            self._know(state)
        else:
            # Whoever is stricter may be gone soon: the trip will tell.
            self._agreed = b""

    def _know(self, state: State) -> None:
        assert state.force is not None, "whatever is known has it"
        (self._rate,), (self._cap,) = state.force.terms
        self._full = self._cap * (1.0 + ROUNDING)
        (self._little,) = lows.little((self._cap,))
        self._agreed = _agreed.packed(state)

    async def _lock(self) -> None:
        for _ in range(_SPINS):
            self._file.follow()
            if self._file.lock():
                return
        # The deadline of the trip ends this.  Who removes the file does too.
        while not self._file.lock():
            await asyncio.sleep(_NAP)
            self._file.follow()


def _now() -> int:
    return time.monotonic_ns() // 1000
