"""A clock that begins at 0 and does not keep anybody waiting."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import TypeVar

import looptime

R = TypeVar("R")


def virtual(main: Coroutine[object, object, R]) -> R:
    """Run *main* to its end on a loop of its own, on virtual time."""

    def new_loop() -> asyncio.AbstractEventLoop:
        return looptime.new_event_loop(resolution=1e-9, noop_cycles=0, idle_timeout=5)

    with asyncio.Runner(loop_factory=new_loop) as runner:
        return runner.run(main)
