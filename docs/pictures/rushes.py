"""The rushes of "Which limiter do I need?": the real limiters, on virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from strip import DOT, Stretch, Strip
from virtual import virtual

from aiolimiter import AsyncLimiter, SlidingWindowLimiter

WINDOW = 60.0
RUSHES = (0.0, 240.0)
CROWD = 25


def fullest(instants: Sequence[float], seconds: float) -> tuple[float, int]:
    """Find the fullest half-open window of *seconds*: its start, its count."""
    counts = [
        sum(start <= at < start + seconds for at in instants) for start in instants
    ]
    most = max(counts)
    return instants[counts.index(most)], most


def which_limiter() -> list[Strip]:
    """Two rushes of 25 meet four limiters that all say 10 in 60 s."""
    return [
        _rushed("AsyncLimiter(10, 60)", lambda: AsyncLimiter(10, 60)),
        _rushed("AsyncLimiter(10, 60, burst=1)", lambda: AsyncLimiter(10, 60, burst=1)),
        _rushed("AsyncLimiter(10, 60), then restrict(0)", _started_full),
        _rushed("SlidingWindowLimiter(10, 60)", lambda: SlidingWindowLimiter(10, 60)),
    ]


def _started_full() -> AsyncLimiter:
    limiter = AsyncLimiter(10, 60)
    limiter.restrict(0)
    return limiter


def _rushed(
    title: str, make: Callable[[], AsyncLimiter | SlidingWindowLimiter]
) -> Strip:
    instants = virtual(_admissions(make))
    start, most = fullest(instants, WINDOW)
    text = f"{most} in {WINDOW:g} s"
    rushes = [(at, f"{CROWD} come") for at in RUSHES]
    dots = [(instant, DOT) for instant in instants]
    return Strip(title, dots, Stretch(start, start + WINDOW, text), rushes)


async def _admissions(
    make: Callable[[], AsyncLimiter | SlidingWindowLimiter],
) -> list[float]:
    limiter = make()
    clock = asyncio.get_running_loop().time
    instants: list[float] = []

    async def request(at: float) -> None:
        await asyncio.sleep(at)
        await limiter.acquire()
        instants.append(clock())

    await asyncio.gather(*(request(at) for at in RUSHES for _ in range(CROWD)))
    return instants
