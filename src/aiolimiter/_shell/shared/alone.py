"""What a process admits by itself while the shared store is away."""

from __future__ import annotations

import asyncio
from math import inf
from typing import TYPE_CHECKING

from ..._core.decision import Decision
from ..._core.errors import RateLimitExceeded, seconds
from ..limiter import AsyncLimiter

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .rate import Rate


class Alone:
    """
    A part of each of the rates, for this process only.

    Args:
        rates: What the fleet is held to.
        share: The part, above 0 and at most 1.
    """

    def __init__(self, rates: Sequence[Rate], share: float) -> None:
        limiters = [
            AsyncLimiter(
                rate.max_rate * share, rate.time_period, burst=rate.burst * share
            )
            for rate in rates
            if rate.max_rate < inf
        ]
        # The slowest first: the others then never wait for it with their
        # amount already taken.
        limiters.sort(key=lambda limiter: limiter.max_rate / limiter.time_period)
        self._limiters = limiters
        self._most = min(limiter.burst for limiter in limiters)

    async def acquire(self, amount: float, max_wait: float | None) -> None:
        """
        Wait for *amount*: in parts, if it is more than this process holds.

        Raises:
            RateLimitExceeded: The wait would be longer than *max_wait* seconds.
        """
        loop = asyncio.get_running_loop()
        longest = inf if max_wait is None else max_wait
        deadline = loop.time() + longest
        self._check(amount, longest)
        while True:
            part = min(amount, self._most)
            for limiter in self._limiters:
                left = max(0.0, deadline - loop.time())
                await limiter.acquire(part, max_wait=left)
            amount -= part
            if amount <= 0.0:
                return

    def pause(self, seconds: float) -> None:
        """Admit nothing for *seconds*."""
        for limiter in self._limiters:
            limiter.pause(seconds)

    def restrict(self, remaining: float) -> None:
        """Believe that at most *remaining* is left."""
        for limiter in self._limiters:
            limiter.restrict(remaining)

    def _check(self, amount: float, longest: float) -> None:
        slowest = self._limiters[0]
        wait = (amount - self._most) / slowest.max_rate * slowest.time_period
        if wait > longest:
            msg = (
                f"can't acquire {amount:.15g} within {seconds(longest)} while the "
                f"shared store is away: this process has {self._most:.15g} at a time"
            )
            raise RateLimitExceeded(msg, Decision(False, wait, 0.0))  # noqa: FBT003 -- a field
