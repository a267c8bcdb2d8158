"""throttled-py: GCRA in its memory store, its leanest algorithm."""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable
from datetime import timedelta
from importlib import import_module
from typing import Any

from .face import ROOM, ROOM_PERIOD, Acquire, Contender

FOREVER = 1e9


class Throttled(Contender):
    """Waiting is polling, at least 0.2 s apart; ``timeout`` turns it on."""

    title = "throttled-py"
    package = "throttled-py"
    imports = "throttled.asyncio"
    loops = 2**13

    def make(self, limit: int, seconds: int, burst: int, **more: Any) -> Any:
        module = import_module(more.pop("module", "throttled.asyncio"))
        quota = module.per_duration(timedelta(seconds=seconds), limit, burst=burst)
        # The default store forgets all but 1024 keys, and their debts.
        store = module.MemoryStore(options={"MAX_SIZE": 10_000_000})
        return module.Throttled(
            key="one", using="gcra", quota=quota, store=store, **more
        )

    def entered(self) -> Any:
        return self.make(ROOM, ROOM_PERIOD, ROOM)

    def acquire(self) -> Acquire:
        limit: Acquire = self.make(ROOM, ROOM_PERIOD, ROOM).limit
        return limit

    def paced(self, rate: float) -> Acquire:
        limit: Acquire = self.make(int(rate), 1, 1, timeout=FOREVER).limit
        return limit

    def weighted(self) -> Callable[[int], Awaitable[object]]:
        limit = self.make(10, 1, 10, timeout=FOREVER).limit
        return functools.partial(limit, "one")

    def tried(self) -> Callable[[], object]:
        limit: Callable[[], object] = self.make(
            ROOM, ROOM_PERIOD, ROOM, module="throttled"
        ).limit
        return limit

    def refused(self) -> Callable[[], object]:
        limiter = self.make(1, 1_000_000_000, 1, module="throttled")
        limiter.limit()
        limit: Callable[[], object] = limiter.limit
        return limit

    def keyed(self, limit: int, seconds: int) -> Callable[[str], object]:
        call: Callable[[str], object] = self.make(
            limit, seconds, limit, module="throttled"
        ).limit
        return call
