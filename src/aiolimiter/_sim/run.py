"""
Traffic against limits: the shipped ones, unmodified, on a clock that is free.

All limits of one run meet the same requests, each for itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from random import Random
from typing import cast

from .arrivals import Arrivals
from .feed import Feed
from .limits import Limit
from .loop import VirtualLoop, nested
from .trial import Plan, Report, Trial

# Seconds from one request of a worker to its next, while all is free.
_MOMENT = 1e-3
# Into how many parts a run of workers is cut to tell how far it is.
_ROUGHLY = 100
# A rate is searched for to a hundredth.
_STEPS = 7


class Simulation:
    """
    A run that can be interrupted, and asked what has happened so far.

    Args:
        limits: What is tried.
        arrivals: Who comes when; None with workers.
        plan: How requests behave.
        progress: Told the instant reached, now and then.
        seen: Told of each admission: the number of the limit, when, how much.
    """

    def __init__(
        self,
        limits: Sequence[Limit],
        arrivals: Arrivals | None,
        plan: Plan,
        *,
        progress: Callable[[float], None] | None = None,
        seen: Callable[[int, float, float], None] | None = None,
    ) -> None:
        self._limits = limits
        self._arrivals = arrivals
        self._plan = plan
        self._progress = progress
        self._seen = seen
        self._trials: list[Trial] = []

    def run(self) -> list[Report]:
        """
        Run to the end, and tell what each limit did.

        Raises:
            OSError: A file of arrivals can't be read.
            ValueError: A line of it can't.
        """
        with nested(), asyncio.Runner(loop_factory=VirtualLoop) as runner:
            self._loop = cast("VirtualLoop", runner.get_loop())
            self._trials = [
                Trial(self._loop, limit, self._plan, seen and partial(seen, number))
                for seen in [self._seen]
                for number, limit in enumerate(self._limits)
            ]
            runner.run(self._main())
        return self.reports()

    def reports(self) -> list[Report]:
        """Tell what each limit has done so far; nothing before it has begun."""
        return [trial.report() for trial in self._trials]

    async def _main(self) -> None:
        if self._arrivals is None:
            await self._work()
        else:
            plan = self._plan
            requests = self._arrivals.requests(plan.until, plan.wanted, plan.seed)
            await Feed(self._loop, self._trials, requests, self._progress).over
        for trial in self._trials:
            await trial.over()

    async def _work(self) -> None:
        async with asyncio.TaskGroup() as group:
            for trial in self._trials:
                for number in range(self._plan.workers):
                    seed = f"{self._plan.seed}: {number}"
                    group.create_task(self._worker(trial, seed))
            if self._progress is not None:
                group.create_task(self._tell(self._progress))

    async def _worker(self, trial: Trial, seed: str) -> None:
        loop, plan, random = self._loop, self._plan, Random(seed)
        while (began := loop.now) < plan.until:
            loop.call_soon(trial.look)
            await trial.visit(plan.wanted(random), "")
            if loop.now == began:
                # Served in no time while there is room: let the clock go on.
                await asyncio.sleep(_MOMENT)

    async def _tell(self, progress: Callable[[float], None]) -> None:
        while self._loop.now < self._plan.until:
            progress(self._loop.now)
            await asyncio.sleep(self._plan.until / _ROUGHLY)


def slower(limit: Limit, arrivals: Arrivals | None, plan: Plan) -> float | None:
    """
    Return the largest part of its rate at which the server refuses nothing.

    Returns:
        A part from 0 to 1, to a hundredth; None where even a hundredth of the
        rate meets a 429.
    """

    def clean(factor: float) -> bool:
        (report,) = Simulation([limit.slower(factor)], arrivals, plan).run()
        return not report.rejected

    if clean(1.0):
        return 1.0
    most, least = 100, 0
    for _ in range(_STEPS):
        if most - least > 1:
            middle = (most + least) // 2
            most, least = (most, middle) if clean(middle / 100) else (middle, least)
    return least / 100 if least else None
