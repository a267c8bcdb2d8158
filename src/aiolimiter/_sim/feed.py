"""Lets requests come when they are due."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence

from .arrivals import Arrival
from .loop import EARLY, VirtualLoop
from .trial import Trial

# Told after so many requests how far it is.
_OFTEN = 1000


class Feed:
    """
    One timer after the other; a task that sleeps would cost twice that.

    Args:
        loop: Where they come.
        trials: Whom they all visit.
        requests: In the order of their instants.
        progress: Told the instant reached, now and then.

    Attributes:
        over: Done when the last one has come; fails as *requests* fail.
    """

    def __init__(
        self,
        loop: VirtualLoop,
        trials: Sequence[Trial],
        requests: Iterator[Arrival],
        progress: Callable[[float], None] | None,
    ) -> None:
        self._loop = loop
        self._trials = trials
        self._requests = requests
        self._progress = progress
        self._count = 0
        self.over: asyncio.Future[None] = loop.create_future()
        self._go_on()

    def _go_on(self, request: Arrival | None = None) -> None:
        loop = self._loop
        try:
            request = request or next(self._requests, None)
            while request is not None and request.at <= loop.now + EARLY:
                self._come(request)
                request = next(self._requests, None)
        except (OSError, ValueError) as error:  # a line that can't be read
            self.over.set_exception(error)
            return
        # Behind the first steps of those who have just come.
        for trial in self._trials:
            loop.call_soon(trial.look)
        if request is None:
            self.over.set_result(None)
        else:
            loop.call_at(request.at, self._go_on, request)

    def _come(self, request: Arrival) -> None:
        for trial in self._trials:
            trial.come(request.amount, request.key)
        self._count += 1
        if self._progress is not None and self._count % _OFTEN == 0:
            self._progress(request.at)
