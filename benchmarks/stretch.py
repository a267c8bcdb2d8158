"""Timing several short things against each other within one process."""

from __future__ import annotations

import asyncio
import statistics
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from time import perf_counter
from typing import TypeVar

K = TypeVar("K")

TURNS = 7
PIECES = 16


async def beside_lock(
    stretch: Callable[[int], Awaitable[float]], loops: int
) -> tuple[float, float]:
    """
    Return the seconds of `loops` calls, and of as many blocks on a free Lock.

    In short turns: processes differ by more than what is to be told apart, and
    on a busy machine so does one second from the next.
    """
    lock = asyncio.Lock()
    mine = its = 0.0
    for _ in range(PIECES):
        mine += await stretch(loops // PIECES)
        its += await entered(lock, loops // PIECES)
    return mine, its


async def entered(limiter: AbstractAsyncContextManager[object], times: int) -> float:
    """Return the seconds of all these blocks."""
    start = perf_counter()
    for _ in range(times):
        async with limiter:
            pass
    return perf_counter() - start


async def waited(acquire: Callable[[], Awaitable[object]], times: int) -> float:
    """Return the seconds of all these awaited calls."""
    start = perf_counter()
    for _ in range(times):
        await acquire()
    return perf_counter() - start


def called(call: Callable[[], object], times: int) -> float:
    """Return the seconds of one call."""
    start = perf_counter()
    for _ in range(times):
        call()
    return (perf_counter() - start) / times


def called_on(call: Callable[[K], object], keys: Sequence[K]) -> float:
    """Return the seconds of one call, each with the next key."""
    start = perf_counter()
    for key in keys:
        call(key)
    return (perf_counter() - start) / len(keys)


def median_ratio(above: Sequence[float], below: Sequence[float]) -> float:
    """Return the median of the ratios of what was timed in the same turn."""
    return statistics.median(a / b for a, b in zip(above, below, strict=True))
