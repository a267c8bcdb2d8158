"""pyrate-limiter: GCRA in memory, its leanest bucket (the default is a log)."""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable
from importlib import import_module
from typing import Any

from .face import ROOM, ROOM_PERIOD, Acquire, Contender


class Pyrate(Contender):
    """Waiting is polling under a lock; its 50 ms of padding are switched off."""

    title = "pyrate-limiter"
    package = "pyrate-limiter"
    imports = "pyrate_limiter"
    loops = 2**13

    def make(self, limit: int, milliseconds: int) -> Any:
        pyrate = import_module("pyrate_limiter")
        bucket = pyrate.StateBucket([pyrate.Rate(limit, milliseconds)])
        factory = import_module("pyrate_limiter.limiter").SingleBucketFactory
        # No leaking thread: a state bucket has nothing to leak.
        return pyrate.Limiter(factory(bucket, schedule_leak=False), buffer_ms=0)

    def acquire(self) -> Acquire:
        limiter = self.make(ROOM, ROOM_PERIOD * 1000)
        call: Acquire = limiter.try_acquire_async
        return call

    def paced(self, rate: float) -> Acquire:
        # Whole milliseconds only, so faster rates get the smallest burst.
        milliseconds = max(1, round(1000 / rate))
        limiter = self.make(max(1, round(rate / 1000)), milliseconds)
        call: Acquire = limiter.try_acquire_async
        return call

    def weighted(self) -> Callable[[int], Awaitable[object]]:
        return functools.partial(self.make(10, 1000).try_acquire_async, "one")

    def tried(self) -> Callable[[], object]:
        limiter = self.make(ROOM, ROOM_PERIOD * 1000)
        return functools.partial(limiter.try_acquire, blocking=False)

    def refused(self) -> Callable[[], object]:
        limiter = self.make(1, 10**12)
        limiter.try_acquire(blocking=False)
        return functools.partial(limiter.try_acquire, blocking=False)

    def keyed(self, limit: int, seconds: int) -> Callable[[str], object]:
        pyrate = import_module("pyrate_limiter")
        rates = [pyrate.Rate(limit, seconds * 1000)]

        class Factory(pyrate.BucketFactory):
            """A bucket for each name, made at first use, as its guide does."""

            def __init__(self) -> None:
                self.clock = pyrate.StateBucket(rates)
                self.made: dict[str, Any] = {}

            def wrap_item(self, name: str, weight: int = 1) -> Any:
                return pyrate.RateItem(name, self.clock.now(), weight=weight)

            def get(self, item: Any) -> Any:
                bucket = self.made.get(item.name)
                if bucket is None:
                    bucket = self.made[item.name] = pyrate.StateBucket(rates)
                return bucket

        limiter = pyrate.Limiter(Factory(), buffer_ms=0)
        return functools.partial(limiter.try_acquire, blocking=False)
