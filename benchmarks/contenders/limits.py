"""limits: in memory; `hit` says yes or no, so it has no queue to compare."""

from __future__ import annotations

import functools
from collections.abc import Callable
from importlib import import_module
from typing import Any, ClassVar

from .face import ROOM, Acquire, Contender


class _Limits(Contender):
    """One of its strategies."""

    package = "limits"
    loops = 2**13
    strategy: ClassVar[str]

    def make(self, module: str, limit: int, hours: int = 1) -> Callable[..., Any]:
        storage = import_module(f"{module}.storage").MemoryStorage()
        strategy = getattr(import_module(f"{module}.strategies"), self.strategy)
        item = import_module("limits").RateLimitItemPerHour(limit, hours)
        return functools.partial(strategy(storage).hit, item)

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


class Limits(_Limits):
    """A fixed window, its cheapest strategy: it lets two windows' worth through."""

    title = "limits"
    imports = "limits.aio"
    strategy = "FixedWindowRateLimiter"


class LimitsMoving(_Limits):
    """A moving window, its strategy that lets no window be overfull."""

    title = "limits, moving"
    strategy = "MovingWindowRateLimiter"
