"""Servers that limit, on the loop's clock; and what every client's tests share."""

from __future__ import annotations

import asyncio
import math

from aiolimiter import AsyncLimiter, BackendError


class Server:
    """
    A server with a token bucket, as strict as it says.

    Args:
        rate: Units a second.
        burst: How much its bucket holds.
        trip: Seconds from a client to it and back.
        told: Whether it sends `RateLimit`.
    """

    def __init__(self, rate=100.0, burst=20.0, *, trip=0.1, told=True):
        self.rate, self.burst, self.trip, self.told = rate, burst, trip, told
        self.left, self.at = burst, 0.0
        self.taken = self.refusals = 0
        self.arrivals = []

    async def answer(self) -> tuple[int, dict[str, str]]:
        """Take a request; return the status and the fields of the response."""
        await asyncio.sleep(self.trip / 2)
        status, fields = self._decide(asyncio.get_running_loop().time())
        await asyncio.sleep(self.trip / 2)
        return status, fields

    def _decide(self, now: float) -> tuple[int, dict[str, str]]:
        self.left = min(self.burst, self.left + (now - self.at) * self.rate)
        self.at = now
        self.arrivals.append(now)
        # A permit that is whole but for rounding is whole.
        if self.left < 1 - 1e-9:
            self.refusals += 1
            return 429, {"Retry-After": str(math.ceil((1 - self.left) / self.rate))}
        self.left -= 1
        self.taken += 1
        return 200, {"RateLimit": f'"default";r={int(self.left)}'} if self.told else {}


async def until(instant, send, tasks=60):
    """Let *tasks* send one request after the other until *instant*."""
    loop = asyncio.get_running_loop()

    async def one():
        while loop.time() < instant:
            await send()

    async with asyncio.TaskGroup() as group:
        for _ in range(tasks):
            group.create_task(one())


def now() -> float:
    """The instant, on the loop's clock."""
    return asyncio.get_running_loop().time()


def refusing(*answers):
    """Give these answers one after the other: a status, and Retry-After or None."""
    left = list(answers)

    def answer():
        status, wait = left.pop(0)
        return status, {} if wait is None else {"Retry-After": str(wait)}

    return answer


class Shared:
    """
    A limiter whose verbs are all awaited, as those that are shared.

    Attributes:
        told: What it was told, in order.
        away: Whether its store is.
    """

    def __init__(self, max_rate, time_period=60):
        self.inside = AsyncLimiter(max_rate, time_period)
        self.burst = max_rate
        self.told = []
        self.away = False

    async def acquire(self, amount=1.0, *, max_wait=None):
        """Wait until *amount* is admitted."""
        await self.inside.acquire(amount, max_wait=max_wait)

    async def pause(self, seconds):
        """Admit nothing for *seconds*."""
        await self._tell(self.inside.pause, seconds)

    async def restrict(self, remaining):
        """Admit no more than *remaining*."""
        await self._tell(self.inside.restrict, remaining)

    async def _tell(self, verb, number):
        await asyncio.sleep(0)
        if self.away:
            raise BackendError
        verb(number)
        self.told.append(number)

    has_capacity = try_acquire = statistics = __aenter__ = __aexit__ = acquire
