"""Timing several short things against each other within one process."""

from __future__ import annotations

import statistics
from collections.abc import Awaitable, Callable, Sequence
from time import perf_counter
from typing import TypeVar

K = TypeVar("K")

TURNS = 7


async def waited(acquire: Callable[[], Awaitable[object]], times: int) -> float:
    """Return the seconds of one awaited call."""
    start = perf_counter()
    for _ in range(times):
        await acquire()
    return (perf_counter() - start) / times


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
