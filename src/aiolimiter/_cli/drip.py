"""
Pour tasks into one leaky bucket and watch it drip, live.

Each task takes 1.  While there is room it goes at once; when the bucket is
full it waits until enough has leaked.  So what comes in a rush goes on as a
burst and then in even steps, which is what the staircase shows.

Try also: drip 4/8 --burst 1, drip 20/1 --tasks 60, drip 1/2 --every 3
"""

from __future__ import annotations

import asyncio
import shutil
import sys
from argparse import ArgumentParser, Namespace
from typing import TextIO

from .. import AsyncLimiter
from . import arguments
from .chart import Chart

# Seconds between two looks at the bucket: smooth to the eye, and idle.
_BEAT = 0.05


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the limit, who comes when, and the burst."""
    parser.add_argument(
        "limit",
        metavar="LIMIT",
        nargs="?",
        type=arguments.limit,
        default="4/8",
        help="AMOUNT/SECONDS: 4/8 is 4 in 8 seconds, 100 is 100/60 (default: 4/8)",
    )
    parser.add_argument(
        "--tasks",
        metavar="N",
        type=arguments.count,
        default=10,
        help="how many tasks come (default: 10)",
    )
    parser.add_argument(
        "--every",
        metavar="SECONDS",
        type=arguments.seconds,
        default=0.01,
        help="time from one task to the next (default: 0.01)",
    )
    parser.add_argument(
        "--burst",
        metavar="AMOUNT",
        type=arguments.burst,
        help="what the bucket holds (default: the limit's amount, but at least 1)",
    )


def run(options: Namespace) -> None:
    """Drip onto standard output until all tasks went through."""
    amount, seconds = options.limit
    burst = options.burst or (None if amount >= 1 else 1.0)
    limiter = AsyncLimiter(amount, seconds, burst=burst)
    width = shutil.get_terminal_size().columns
    asyncio.run(
        drip(limiter, options.tasks, options.every, out=sys.stdout, width=width)
    )


async def drip(
    limiter: AsyncLimiter, tasks: int, every: float, *, out: TextIO, width: int = 80
) -> None:
    """
    Let *tasks* tasks through *limiter*, and chart each as it goes.

    Args:
        limiter: The bucket; it must hold at least 1.
        tasks: How many come.
        every: Seconds from one to the next.
        out: Where to draw; on a terminal the drawing moves.
        width: Columns to draw in.
    """
    out.write(_introduction(limiter, tasks, every))
    chart = _chart(limiter, tasks, every, out, width)
    loop = asyncio.get_running_loop()
    start = loop.time()

    async def pour(number: int) -> None:
        await asyncio.sleep(start + (number - 1) * every - loop.time())
        await limiter.acquire()
        chart.drip(number, loop.time() - start, limiter.statistics())

    async def follow() -> None:
        while chart.moving:
            await asyncio.sleep(_BEAT)
            chart.grow(loop.time() - start, limiter.statistics())

    following = asyncio.create_task(follow())
    try:
        await asyncio.gather(*map(pour, range(1, tasks + 1)))
    finally:
        following.cancel()
        chart.close()
    came, went = (tasks - 1) * every, loop.time() - start
    out.write(f"\nThe last came at {came:.3g} s and went through at {went:.3g} s.\n")


def _introduction(limiter: AsyncLimiter, tasks: int, every: float) -> str:
    rate = limiter.max_rate / limiter.time_period
    leak = f"{rate:g} a second" if rate > 1 else f"1 each {1 / rate:g} s"
    many = "1 task comes" if tasks == 1 else f"{tasks} tasks come"
    pace = f"{every:g} s apart" if every else "at once"
    return (
        f"{_code(limiter)}: a bucket that holds {limiter.burst:g} "
        f"and leaks {leak}.\n"
        f"{many} {pace}; each pours in 1 as soon as that fits.\n\n"
    )


def _code(limiter: AsyncLimiter) -> str:
    burst = "" if limiter.burst == limiter.max_rate else f", burst={limiter.burst:g}"
    return f"AsyncLimiter({limiter.max_rate:g}, {limiter.time_period:g}{burst})"


def _chart(
    limiter: AsyncLimiter, tasks: int, every: float, out: TextIO, width: int
) -> Chart:
    leak = limiter.time_period / limiter.max_rate
    return Chart(
        out,
        burst=limiter.burst,
        # Whichever is later: the last one comes, or what it needs has leaked.
        horizon=max((tasks - 1) * every, (tasks - limiter.burst) * leak, leak),
        leak=leak,
        width=width,
    )
