"""A loop whose clock is moved by hand.

So that a hundred thousand tasks can be made to wait for a thousand seconds and
then all be due, with no time spent on waiting. Reading it costs what reading
the real one costs: asyncio's own ``time()`` is a Python method too.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class SteppedLoop(asyncio.SelectorEventLoop):
    """An ordinary loop that believes it is `now` o'clock."""

    def __init__(self) -> None:
        self.now = 1000.0
        super().__init__()

    def time(self) -> float:
        return self.now

    def step(self, seconds: float) -> None:
        """Let `seconds` go by at once."""
        self.now += seconds


def run_stepped(main: Callable[[SteppedLoop], Coroutine[Any, Any, T]]) -> T:
    """Run ``main(loop)`` to its end on a fresh stepped loop."""
    loop = SteppedLoop()
    try:
        return loop.run_until_complete(main(loop))
    finally:
        loop.close()
