"""asynciolimiter: a queue and a timer; no amounts, no keys."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from .face import ROOM, ROOM_PERIOD, Acquire, Contender, Queue

if TYPE_CHECKING:
    from ..clock import SteppedLoop


class Asynciolimiter(Contender):
    """`LeakyBucketLimiter` where a burst is needed, `Limiter` for pacing."""

    title = "asynciolimiter"
    package = imports = "asynciolimiter"

    def make(self, rate: float, capacity: int) -> Any:
        module = import_module("asynciolimiter")
        return module.LeakyBucketLimiter(rate, capacity=capacity)

    def acquire(self) -> Acquire:
        wait: Acquire = self.make(ROOM / ROOM_PERIOD, ROOM).wait
        return wait

    async def queue(self, n: int, loop: SteppedLoop) -> Queue:
        limiter = self.make(n / 1000, n)
        for _ in range(n):
            await limiter.wait()
        return Queue(limiter.wait, lambda: loop.step(1001))

    def paced(self, rate: float) -> Acquire:
        wait: Acquire = import_module("asynciolimiter").Limiter(rate).wait
        return wait

    async def blocked(self) -> Any:
        limiter = self.make(1e-6, 1)
        await limiter.wait()
        return limiter.wait
