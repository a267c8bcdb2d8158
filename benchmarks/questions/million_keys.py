"""What do a million live keys take, and is it given back?

Bytes by tracemalloc, beyond the keys themselves. Then the clock moves on until
every key is as good as new, and calls are made until they are forgotten: what
is still held, and the CPU time of the worst of these calls. The peers run on
real time, so they are asked for the bytes only, with 100,000 keys.
"""

from __future__ import annotations

import gc
import tracemalloc
from array import array
from importlib import import_module
from time import thread_time
from typing import Any

from ..clock import SteppedLoop, run_stepped
from ..contenders.face import Contender
from .bytes_for_each_waiter import traced
from .face import Measured, Question, Row

MANY, SOME = 1_000_000, 100_000
PERIOD = 3600
#: These calls find the emptied tables, and let go of them.
AFTERWARDS = 100


def measure(contender: Contender) -> Measured:
    """Return the bytes of a key, what stays of them, and the worst call."""
    if contender.name != "ours":
        return {"bytes": peer_bytes(contender)}
    # A call that is slow both times is slow; others were interrupted.
    (came, went), (came_too, went_too) = run_stepped(costs), run_stepped(costs)
    arrival = max(map(min, came, came_too))
    worst = max(map(min, went, went_too))
    tracemalloc.start()
    held, left = run_stepped(remembered)
    return {
        "bytes": held / MANY,
        "left": left / MANY,
        "worst": worst,
        "arrival": arrival,
    }


def peer_bytes(contender: Contender) -> float:
    """Return the bytes that a peer holds for each key."""
    names = [f"user:{number}" for number in range(SOME)]
    call = contender.keyed(1, PERIOD)
    call("the first")
    tracemalloc.start()
    gc.collect()
    before = traced()
    for name in names:
        call(name)
    gc.collect()
    return (traced() - before) / SOME


async def costs(loop: SteppedLoop) -> tuple[array[float], array[float]]:
    """Return the CPU seconds of each call while they come, and while they go."""
    names = [f"user:{number}" for number in range(MANY)]
    limits = import_module("aiolimiter").KeyedLimiter(1, PERIOD)
    came, went = array("d"), array("d")
    for name in names:
        start = thread_time()
        limits[name].try_acquire()
        came.append(thread_time() - start)
    loop.step(PERIOD + 1)
    left = AFTERWARDS
    while left and len(went) < 2 * MANY:
        start = thread_time()
        limits["live"].try_acquire()
        went.append(thread_time() - start)
        left -= len(limits) <= 1
    return came, went


async def remembered(loop: SteppedLoop) -> tuple[int, int]:
    """Return the bytes held for a million keys, and after they are forgotten."""
    names = [f"user:{number}" for number in range(MANY)]
    gc.collect()
    before = traced()
    limits = fill(names)
    gc.collect()
    held = traced() - before
    loop.step(PERIOD + 1)
    for _ in range(2 * MANY):
        limits["live"].try_acquire()
        if len(limits) <= 1:
            break
    for _ in range(AFTERWARDS):
        limits["live"].try_acquire()
    gc.collect()
    return held, traced() - before


def fill(names: list[str]) -> Any:
    """Return limits under which each of the names owes something."""
    limits = import_module("aiolimiter").KeyedLimiter(1, PERIOD)
    for name in names:
        limits[name].try_acquire()
    return limits


QUESTION = Question(
    name="11b",
    verb="keyed",
    measure=measure,
    rounds=1,
    rows=(
        Row("1,000,000 live keys: bytes each", "bytes", "B", reach="<= 250"),
        Row("- left of each after they drain", "left", "B", reach="<= 1"),
        Row("- worst call while they drain", "worst", reach="< 0.001"),
        Row("- worst call while they come", "arrival"),
    ),
)
