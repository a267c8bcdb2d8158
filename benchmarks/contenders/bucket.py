"""`AsyncLimiter`: ours, and the release whose name and face it continues."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from importlib import import_module
from typing import TYPE_CHECKING, Any

from .face import ROOM, ROOM_PERIOD, Acquire, Contender, Queue

if TYPE_CHECKING:
    from ..clock import SteppedLoop


class _Bucket(Contender):
    """The verbs that both have."""

    imports = "aiolimiter"

    def make(self, max_rate: float, time_period: float) -> Any:
        return import_module("aiolimiter").AsyncLimiter(max_rate, time_period)

    def entered(self) -> Any:
        return self.make(ROOM, ROOM_PERIOD)

    def acquire(self) -> Acquire:
        acquire: Acquire = self.make(ROOM, ROOM_PERIOD).acquire
        return acquire

    async def queue(self, n: int, loop: SteppedLoop) -> Queue:
        limiter = self.make(n, 1000)
        await limiter.acquire(n)
        return Queue(limiter.acquire, lambda: loop.step(1001))

    def paced(self, rate: float) -> Acquire:
        acquire: Acquire = self.make(1, 1 / rate).acquire
        return acquire

    def weighted(self) -> Callable[[int], Awaitable[object]]:
        acquire: Callable[[int], Awaitable[object]] = self.make(10, 1).acquire
        return acquire

    async def blocked(self) -> Any:
        limiter = self.make(1, 1e9)
        await limiter.acquire()
        return limiter.acquire


class Ours(_Bucket):
    """This library, from ``src``."""

    title = "ours"
    package = "src"

    def tried(self) -> Callable[[], object]:
        try_acquire: Callable[[], object] = self.make(ROOM, ROOM_PERIOD).try_acquire
        return try_acquire

    def refused(self) -> Callable[[], object]:
        limiter = self.make(1, 1e9)
        limiter.try_acquire()
        try_acquire: Callable[[], object] = limiter.try_acquire
        return try_acquire

    def keyed(self, limit: int, seconds: int) -> Callable[[str], object]:
        limits = import_module("aiolimiter").KeyedLimiter(limit, seconds)

        def call(key: str) -> object:
            return limits[key].try_acquire()

        return call


class First(_Bucket):
    """The aiolimiter of the package index."""

    title = "aiolimiter 1.3.0"
    package = "aiolimiter"
