"""The simulator's clock, for what it has no words for."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import TypeVar

from aiolimiter._sim.loop import VirtualLoop

R = TypeVar("R")


def virtual(main: Coroutine[object, object, R]) -> R:
    """Run *main* to its end, from 0 s on, without waiting."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(main)
