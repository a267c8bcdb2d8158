"""How long does one call take while 100,000 tasks wait?

The slowest but one in a thousand of `CALLS` for each verb, CPU time of the
thread, and so without the garbage collector's full pass.  They all come with a
deadline that is far off, to a limit in which hundreds of them fit.
"""

from __future__ import annotations

import asyncio
import gc
import random
from collections.abc import Callable
from contextlib import suppress
from time import thread_time_ns

from aiolimiter import AsyncLimiter, RateLimitExceeded, SlidingWindowLimiter

from ..clock import SteppedLoop, run_stepped
from ..contenders.bucket import Ours
from .face import Measured, Question, Row
from .how_cost_grows import PATIENCE, PERIOD, Limiter, mixed
from .queue_and_drain import pause

WAITING = 100_000
CALLS = 2_000

LINES: dict[str, tuple[str, type[Limiter], Callable[[], int]]] = {
    "bucket": ("a bucket", AsyncLimiter, lambda: 1_000),
    "mixed": ("a bucket, mixed", AsyncLimiter, mixed),
    "window": ("a window", SlidingWindowLimiter, lambda: 1_000),
    "mixed_window": ("a window, mixed", SlidingWindowLimiter, mixed),
}
# What a server says with each response, most often what is known.
SAME = "a `restrict` that changes nothing"


def measure(contender: Ours) -> Measured:  # noqa: ARG001 -- nobody else is asked
    """Return the seconds of the slowest verb in each line, and of a `restrict`."""
    found = {}
    for name, (_, kind, amount) in LINES.items():
        slowest, same = among(kind, amount)
        found |= {name: slowest, f"{name}_same": same}
    found["same"] = max(found.pop(f"{name}_same") for name in LINES)
    return found


def among(kind: type[Limiter], amount: Callable[[], int]) -> tuple[float, float]:
    """Return the seconds of the slowest verb, and the usual ones of a `restrict`."""

    async def main(loop: SteppedLoop) -> tuple[float, float]:
        random.seed(1)
        limiter = kind(1_000_000, PERIOD)
        await limiter.acquire(1_000_000)
        tasks = [
            loop.create_task(limiter.acquire(amount(), max_wait=PATIENCE))
            for _ in range(WAITING)
        ]
        await loop.create_task(pause())
        costs = [slow(verb) for verb in verbs(limiter, amount)]
        same = usual(lambda: limiter.restrict(0)) - usual(lambda: None)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        return max(costs), same

    return run_stepped(main)


def verbs(limiter: Limiter, amount: Callable[[], int]) -> list[Callable[[], object]]:
    """Return what may be called while others wait."""

    def come_and_go() -> None:
        coming = limiter.acquire(amount(), max_wait=PATIENCE)
        coming.send(None)
        coming.close()

    def refused() -> None:
        with suppress(RateLimitExceeded):
            limiter.acquire(amount(), max_wait=0.5).send(None)

    return [
        come_and_go,
        refused,
        lambda: limiter.try_acquire(amount()),
        lambda: limiter.has_capacity(amount()),
        limiter.statistics,
        lambda: limiter.pause(0.001),
    ]


def slow(call: Callable[[], object]) -> float:
    """Return the seconds of the slowest call but one in a thousand."""
    return timed(call)[-CALLS // 1_000]


def usual(call: Callable[[], object]) -> float:
    """Return the seconds of the call in the middle."""
    return timed(call)[CALLS // 2]


def timed(call: Callable[[], object]) -> list[float]:
    """Return the seconds of all calls, in their order."""
    took = []
    gc.collect()
    gc.freeze()
    for _ in range(CALLS):
        start = thread_time_ns()
        call()
        took.append((thread_time_ns() - start) * 1e-9)
    gc.unfreeze()
    return sorted(took)


QUESTION = Question(
    name="13",
    verb="tried",
    only=("ours",),
    measure=measure,
    rounds=1,
    rows=(
        *(
            Row(f"one call among {WAITING:,}, p99.9: {title}", name, reach="< 0.001")
            for name, (title, _, _) in LINES.items()
        ),
        Row(SAME, "same", reach="<= 1e-6"),
    ),
)
