"""limits: a fixed window in memory, its cheapest strategy; it never waits."""

from __future__ import annotations

import functools
from collections.abc import Callable
from importlib import import_module
from typing import Any

from .face import ROOM, Acquire, Contender


class Limits(Contender):
    """`hit` says yes or no, so it has no queue to compare."""

    title = "limits"
    package = "limits"
    imports = "limits.aio"
    loops = 2**13

    def make(self, module: str, limit: int, hours: int = 1) -> Callable[..., Any]:
        storage = import_module(f"{module}.storage").MemoryStorage()
        strategy = import_module(f"{module}.strategies")
        item = import_module("limits").RateLimitItemPerHour(limit, hours)
        hit = strategy.FixedWindowRateLimiter(storage).hit
        return functools.partial(hit, item)

    def acquire(self) -> Acquire:
        return functools.partial(self.make("limits.aio", ROOM), "one")

    def tried(self) -> Callable[[], object]:
        return functools.partial(self.make("limits", ROOM), "one")

    def refused(self) -> Callable[[], object]:
        hit = functools.partial(self.make("limits", 1, 1000), "one")
        hit()
        return hit

    def keyed(self, limit: int, seconds: int) -> Callable[[str], object]:
        return self.make("limits", limit, max(1, seconds // 3600))
