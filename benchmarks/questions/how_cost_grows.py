"""How does what one does cost, when four times as many do it?

CPU of the process for `MANY` tasks that come, give up or are let through in one
go; and the power of their number it grows with, from `FEW` on: 1 is as many times
as much, 2 the square.
"""

from __future__ import annotations

import asyncio
import gc
import random
from collections.abc import Awaitable, Callable
from contextlib import suppress
from math import log
from time import process_time

from aiolimiter import (
    AsyncLimiter,
    CombinedLimiter,
    RateLimitExceeded,
    SlidingWindowLimiter,
)

from ..clock import SteppedLoop, run_stepped
from ..contenders.bucket import Ours
from .face import Measured, Question, Row
from .queue_and_drain import pause

MANY, FEW = 8_000, 2_000
PERIOD = 60.0
# Far off, so that nobody is refused.
PATIENCE = 1e7

Limiter = AsyncLimiter | SlidingWindowLimiter
Call = Callable[[], Awaitable[object]]


def mixed() -> int:
    """Return how much the next one wants: a request to a language model."""
    return random.randint(1, 2000)


def alone(kind: type[Limiter], amount: Callable[[], int]) -> Call:
    """Return who comes to one limiter, with a deadline."""
    limiter = kind(30_000, PERIOD)
    return lambda: limiter.acquire(amount(), max_wait=PATIENCE)


def model(kind: type[Limiter]) -> Call:
    """Return who comes to a limit of requests and one of tokens."""
    both = CombinedLimiter(requests=kind(500, PERIOD), tokens=kind(30_000, PERIOD))
    return lambda: both.acquire(requests=1, tokens=mixed())


def pairs() -> Call:
    """Return who comes to two of three limiters."""
    members = {
        "a": AsyncLimiter(500, PERIOD),
        "b": AsyncLimiter(30_000, PERIOD),
        "c": SlidingWindowLimiter(3_000, PERIOD),
    }

    def come() -> Awaitable[None]:
        chosen = random.sample(sorted(members), 2)
        amounts = {name: random.randint(1, 400) for name in chosen}
        limits = CombinedLimiter(**{name: members[name] for name in chosen})
        return limits.acquire(**amounts)

    return come


COMING: dict[str, tuple[str, Callable[[], Call]]] = {
    "bucket": ("a bucket", lambda: alone(AsyncLimiter, lambda: 100)),
    "mixed": ("a bucket, mixed", lambda: alone(AsyncLimiter, mixed)),
    "window": (
        "a window",
        lambda: alone(SlidingWindowLimiter, lambda: 100),
    ),
    "mixed_window": ("a window, mixed", lambda: alone(SlidingWindowLimiter, mixed)),
    "buckets": ("two buckets as one, mixed", lambda: model(AsyncLimiter)),
    "windows": ("two windows as one, mixed", lambda: model(SlidingWindowLimiter)),
    "pairs": ("pairs of three, mixed", pairs),
}


def measure(contender: Ours) -> Measured:  # noqa: ARG001 -- nobody else is asked
    """Return the seconds of each scene, and the power it grows with."""
    scenes = {
        **{name: lambda n, m=make: coming(m, n) for name, (_, make) in COMING.items()},
        "drained": drained,
        "refused": refused,
    }
    found = {}
    for name, scene in scenes.items():
        few, many = scene(FEW), scene(MANY)
        found |= {name: many, f"{name}_power": log(many / few) / log(MANY / FEW)}
    return found


def coming(make: Callable[[], Call], many: int) -> float:
    """Return the CPU seconds in which all come."""

    async def main(loop: SteppedLoop) -> float:
        come = make()

        async def visit() -> None:
            await come()

        random.seed(1)
        gc.collect()
        start = process_time()
        tasks = [loop.create_task(visit()) for _ in range(many)]
        await loop.create_task(pause())
        took = process_time() - start
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        return took

    return run_stepped(main)


def drained(many: int) -> float:
    """Return the CPU seconds in which all of two windows are let through."""

    async def main(loop: SteppedLoop) -> float:
        limits = SlidingWindowLimiter(many, 1), SlidingWindowLimiter(1000 * many, 1)
        both = CombinedLimiter(requests=limits[0], tokens=limits[1])
        await both.acquire(requests=many, tokens=1000 * many)
        tasks = [
            loop.create_task(both.acquire(requests=1, tokens=mixed()))
            for _ in range(many)
        ]
        await loop.create_task(pause())
        start = process_time()
        while not all(task.done() for task in tasks[-1:]):
            loop.step(1.001)
            await asyncio.sleep(0)
        await asyncio.gather(*tasks)
        return process_time() - start

    return run_stepped(main)


def refused(many: int) -> float:
    """Return the CPU seconds in which all give up in one callback."""

    async def main(loop: SteppedLoop) -> float:
        limiter = SlidingWindowLimiter(many, PERIOD)
        await limiter.acquire(many)

        async def visit() -> None:
            with suppress(RateLimitExceeded):
                await limiter.acquire(max_wait=2.0 * PERIOD)

        tasks = [loop.create_task(visit()) for _ in range(many)]
        await loop.create_task(pause())
        limiter.pause(10.0 * PERIOD)
        start = process_time()
        loop.step(3.0 * PERIOD)
        await asyncio.gather(*tasks)
        return process_time() - start

    return run_stepped(main)


def rows() -> tuple[Row, ...]:
    """Two rows for each scene."""
    titles = {
        **{name: f"{MANY:,} come: {title}" for name, (title, _) in COMING.items()},
        "drained": f"{MANY:,} let through, two windows as one",
        "refused": f"{MANY:,} refused together, a window",
    }
    pairs = (
        (
            Row(title, name),
            Row("- grows with the power", f"{name}_power", "", reach="<= 1.2"),
        )
        for name, title in titles.items()
    )
    return tuple(row for pair in pairs for row in pair)


QUESTION = Question(
    name="12",
    verb="tried",
    only=("ours",),
    measure=measure,
    rounds=1,
    rows=rows(),
)
