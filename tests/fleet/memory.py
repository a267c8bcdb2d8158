"""A store in this process's memory, with a way to it that takes time and breaks."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from aiolimiter._core.shared.slots import serve
from aiolimiter._shell.shared.limiter import SharedLimiter
from aiolimiter._shell.shared.rate import rates

if TYPE_CHECKING:
    from aiolimiter._core.shared.trip import Reply, Request, State


class Memory:
    """
    One bucket for several limiters of one loop, as if they were processes.

    Attributes:
        way: Seconds a trip takes there, and back.
        ahead: Seconds by which its clock is ahead of the loop's.
        error: What a trip raises, if anything.
        requests: All that came.
    """

    def __init__(self, way: float = 0.0) -> None:
        self.way = way
        self.ahead = 1e6
        self.error: Exception | None = None
        self.requests: list[Request] = []
        self.state: State | None = None

    async def trip(self, request: Request) -> Reply:
        """Serve *request* after one way, and answer after the other."""
        self.requests.append(request)
        await asyncio.sleep(self.way)
        if self.error is not None:
            raise self.error
        now = int((asyncio.get_running_loop().time() + self.ahead) * 1e6)
        changed, reply = serve(self.state, now, request)
        self.state = changed or self.state
        await asyncio.sleep(self.way)
        return reply


def process(store: Memory, max_rate, time_period=1.0, **options) -> SharedLimiter:
    """A limiter on *store*, as another process would make it."""
    burst = options.pop("burst", None)
    settings = {"quantum": 50_000, "timeout": 1.0, "on_error": "raise", "share": 1.0}
    limits = rates(max_rate, time_period, burst)
    return SharedLimiter(store, limits, **{**settings, **options})


async def cancelled_when_granted(limiter: SharedLimiter, number: int) -> None:
    """Let *number* tasks be cancelled in the very tick in which they are granted."""
    line = limiter._line
    turns = [line.ask(1.0, None) for _ in range(number)]
    await asyncio.wait(turns)
    for turn in turns:
        line.lost(turn, 1.0)
