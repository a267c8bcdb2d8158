"""Does a call take longer for many keys, whatever they look like?

CPU of the worst call while `MANY` keys come and while they go, for hashes that a
table could trip over; and of a change and a reset for all keys: with `MANY` that
owe something, with 2,048 that are live, and with `WAITING` that somebody waits for.
"""

from __future__ import annotations

import asyncio
import gc
from array import array
from collections.abc import Callable, Hashable
from functools import partial
from statistics import median
from time import thread_time

from aiolimiter import KeyedLimiter

from ..clock import SteppedLoop, run_stepped
from ..contenders.bucket import Ours
from .face import Measured, Question, Row
from .queue_and_drain import pause

MANY, LIVE, WAITING = 1_000_000, 2_048, 20_000
PERIOD = 3600
CHANGES = 20


class LowBits:
    """A key whose hash is constant in its lower bits."""

    __slots__ = ("number",)

    def __init__(self, number: int) -> None:
        self.number = number

    def __hash__(self) -> int:
        return self.number << 40

    def __eq__(self, other: object) -> bool:
        return isinstance(other, LowBits) and self.number == other.number


KINDS: dict[str, Callable[[int], Hashable]] = {
    "multiples of 64": lambda number: number * 64,
    "multiples of 2**22": lambda number: number << 22,
    "tuples": lambda number: (number, "chat"),
    "constant low bits": LowBits,
}


def measure(contender: Ours) -> Measured:  # noqa: ARG001 -- only ours is asked
    """Return the worst calls, and what a change and a reset take."""
    gc.disable()
    found = {}
    for kind, make in KINDS.items():
        # A call that is slow both times is slow; others were interrupted.
        once, again = (run_stepped(partial(calls, make=make)) for _ in range(2))
        found[kind] = max(map(min, once, again))
    found["many"] = run_stepped(lambda _: changing(MANY, live=False, waits=False))
    found["live"] = run_stepped(lambda _: changing(LIVE, live=True, waits=False))
    found["waiting"] = run_stepped(lambda _: changing(WAITING, live=True, waits=True))
    gc.enable()
    return found


async def calls(loop: SteppedLoop, make: Callable[[int], Hashable]) -> array[float]:
    """Return the CPU seconds of each call while keys come, and while they go."""
    keys = [make(number) for number in range(MANY)]
    limits, took = KeyedLimiter(1, PERIOD), array("d")
    for turn in range(MANY + MANY // 8):
        if turn == MANY:
            loop.step(PERIOD + 1)
        key = keys[turn % MANY]
        start = thread_time()
        limits[key].try_acquire()
        took.append(thread_time() - start)
    return took


async def changing(number: int, *, live: bool, waits: bool) -> float:
    """Return the CPU seconds of a change of the rate, the median of some."""
    limits, tasks = KeyedLimiter(10, PERIOD), []
    for key in range(number):
        if live or waits:
            await limits[key].acquire(10)
        else:
            limits[key].try_acquire()
        if waits:
            tasks.append(asyncio.ensure_future(limits[key].acquire()))
    await pause()
    costs = []
    for turn in range(CHANGES):
        start = thread_time()
        limits.max_rate = 11 + turn
        costs.append(thread_time() - start)
        await pause()
    for task in tasks:
        task.cancel()
    await pause()
    return median(costs)


QUESTION = Question(
    name="11c",
    verb="keyed",
    only=("ours",),
    measure=measure,
    rounds=1,
    rows=(
        *(
            Row(f"1,000,000 keys, {kind}: worst call", kind, reach="< 0.002")
            for kind in KINDS
        ),
        Row("a change of the rate, 1,000,000 quiet keys", "many", reach="< 0.001"),
        Row("- 2,048 live keys", "live", reach="< 0.001"),
        Row("- 20,000 keys with somebody who waits", "waiting", reach="< 0.001"),
    ),
)
