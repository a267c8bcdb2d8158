"""
An event loop on which waiting is free.

Where another loop would sleep until its next timer, this one puts its clock
forward; an hour of traffic is over in seconds.  It has no sockets and no
threads, so it also runs in a browser.
"""

from __future__ import annotations

import asyncio
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

# Seconds by which a timer may be early.  Less would be nothing at all beside an
# instant of some years, and a timer that is due would never be run.
EARLY = 1e-6


class _Skipping:
    """What the loop asks to wait; it never does."""

    def __init__(self, loop: VirtualLoop) -> None:
        self._loop = loop

    def select(self, timeout: float | None) -> list[Any]:
        if timeout is None:
            msg = "every task is blocked and no timer is pending"
            raise RuntimeError(msg)
        self._loop.now += timeout
        return []


class VirtualLoop(asyncio.BaseEventLoop):
    """An event loop that starts at 0 and never waits."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self._selector = _Skipping(self)
        self._clock_resolution = EARLY

    def time(self) -> float:
        """Return the seconds that have passed for those who wait here."""
        return self.now

    def _process_events(self, event_list: list[Any]) -> None:
        """There are no events but timers."""

    def _write_to_self(self) -> None:
        """Nobody else is there who could have to wake it up."""


@contextmanager
def nested() -> Generator[None]:
    """Let another loop run inside of the one that runs: a browser's always does."""
    outer = asyncio._get_running_loop()  # noqa: SLF001 -- there for those who write loops
    asyncio._set_running_loop(None)  # noqa: SLF001 -- likewise
    try:
        yield
    finally:
        asyncio._set_running_loop(outer)  # noqa: SLF001 -- likewise
