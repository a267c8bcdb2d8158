"""What does a grant cost that needs its own key and a limit for everyone?

10,000 keys with five waiters each, every one a `CombinedLimiter` made for the
call, of the key's limit and a global one; beside as many waiters on the global
one alone, and on the keys alone. CPU from making the tasks to the last one's
end, on a clock that is moved by a second whenever nothing moves: so the global
one alone lets 10,000 through each time it wakes up.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from importlib import import_module
from time import process_time
from typing import Any

from ..clock import SteppedLoop, run_stepped
from ..contenders.face import Contender
from .face import Measured, Question, Row

KEYS, EACH = 10_000, 5
STEPS = 20


def measure(_ours: Contender) -> Measured:
    """Return CPU seconds for each grant, and how they compare."""
    combined, single = run_stepped(on_both), run_stepped(on_one)
    keys = run_stepped(on_keys)
    return {
        "cpu": combined,
        "over_single": combined / single,
        "over_keys": combined / keys,
    }


async def on_both(loop: SteppedLoop) -> float:
    """Let everyone wait for the key's limit and the global one."""
    module = import_module("aiolimiter")
    everyone, limits = module.AsyncLimiter(KEYS, 1), module.KeyedLimiter(1, 1)

    async def one(key: int) -> None:
        await module.CombinedLimiter(everyone, limits[key]).acquire()

    return await drained(loop, one)


async def on_one(loop: SteppedLoop) -> float:
    """Let everyone wait for the global limit."""
    everyone = import_module("aiolimiter").AsyncLimiter(KEYS, 1)

    async def one(_key: int) -> None:
        await everyone.acquire()

    return await drained(loop, one)


async def on_keys(loop: SteppedLoop) -> float:
    """Let everyone wait for the key's limit."""
    limits = import_module("aiolimiter").KeyedLimiter(1, 1)

    async def one(key: int) -> None:
        await limits[key].acquire()

    return await drained(loop, one)


async def drained(
    loop: SteppedLoop, one: Callable[[int], Coroutine[Any, Any, None]]
) -> float:
    """Return the CPU seconds for each grant until all are through."""
    start = process_time()
    tasks = [loop.create_task(one(key)) for _ in range(EACH) for key in range(KEYS)]
    for _ in range(STEPS):
        # A timer, a grant, a woken task: three turns of the loop, and spare ones.
        for _ in range(8):
            await loop.create_task(turn())
        if all(task.done() for task in tasks):
            return (process_time() - start) / len(tasks)
        loop.step(1.001)
    msg = f"{sum(not t.done() for t in tasks)} still wait after {STEPS} s"
    raise RuntimeError(msg)


async def turn() -> None:
    """End in the next turn of the loop."""


QUESTION = Question(
    name="11c",
    verb="keyed",
    only=("ours",),
    measure=measure,
    rounds=3,
    rows=(
        Row("10,000 keys and a global limit: CPU a grant", "cpu"),
        Row("- over the global limit alone", "over_single", "x", reach="<= 3"),
        Row("- over the keys alone", "over_keys", "x"),
    ),
)
