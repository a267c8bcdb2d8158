"""One limit, and what becomes of each request that meets it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from math import inf, isfinite
from random import Random
from typing import NamedTuple

from .. import RateLimitExceeded
from .amounts import Amounts, amounts
from .fullest import Fullest
from .limits import Gate, Limit
from .loop import VirtualLoop
from .quantiles import Quantiles
from .servers import Kind, Latency
from .timeline import Row, Timeline

# How many stretches of time are told apart at first.
_FINE = 120
# How often each of them is looked at, unless the queue is longer than ever.
_LOOKS = 16


class Plan(NamedTuple):
    """
    How requests behave, whichever limit they meet.

    Attributes:
        until: The instant at which the last may come, in seconds.
        wanted: How much each wants, unless a column of a file says so.
        seed: What all that is drawn is drawn from.
        max_wait: The longest wait, in seconds; None for any.
        workers: How many ask again as soon as they are served; 0 for none.
        service: How long one is served, in seconds.
        settle: What the amount turns out to be, as a part of the estimate; None
            if it is what it is.
        server: The limit that the server has; None if it has none.
        latency: How long a request is under way to it.
    """

    until: float = 300.0
    wanted: Amounts = amounts("1")
    seed: int = 0
    max_wait: float | None = None
    workers: int = 0
    service: float = 0.0
    settle: Amounts | None = None
    server: Kind | None = None
    latency: Latency = Latency()


class Report(NamedTuple):
    """
    What a limit did.

    Attributes:
        limit: The line of Python that makes it.
        arrived: How many requests came.
        admitted: How many went through.
        refused: How many were refused, by ``max_wait`` or because they want more
            than the limit ever has.
        waiting: How many still wait; 0 unless it was interrupted.
        p50: The wait that half of the admitted do not exceed, in seconds.
        p90: Likewise nine tenths.
        p99: Likewise 99 of 100.
        longest: The longest wait, in seconds.
        fullest: The most that went through in any window of the period, in units.
        period: That period, in seconds.
        used: The part of the rate that was used while requests came; None
            without a rate of its own.
        queue: The longest queue, in requests.
        rejected: How many the server answered with a 429; None without a server.
        rows: The same over time.
    """

    limit: str
    arrived: int
    admitted: int
    refused: int
    waiting: int
    p50: float
    p90: float
    p99: float
    longest: float
    fullest: float
    period: float
    used: float | None
    queue: int
    rejected: int | None
    rows: list[Row]


class Trial:
    """
    A limit that is tried.

    Args:
        loop: The loop it is tried on.
        limit: What is tried.
        plan: How requests behave.
        seen: Told of each admission: the instant, and the amount.
    """

    def __init__(
        self,
        loop: VirtualLoop,
        limit: Limit,
        plan: Plan,
        seen: Callable[[float, float], None] | None = None,
    ) -> None:
        self._loop = loop
        self.limit = limit
        self._plan = plan
        self._gate = Gate(limit)
        self._shared = any(not part.keyed for part in limit.parts)
        self._server = plan.server.make() if plan.server else None
        self._random = Random(f"{plan.seed}: service")
        self._seen = seen
        self._visits: set[asyncio.Task[None]] = set()
        self._waits = Quantiles()
        self._fullest = Fullest(limit.period)
        self._timeline = Timeline(plan.until / _FINE if isfinite(plan.until) else 1.0)
        self._arrived = self._admitted = self._refused = self._waiting = 0
        self._queue = self._rejected = 0
        self._used = 0.0
        self._came_at = 0.0
        self._look_at = self._level = 0.0

    def come(self, amount: float, key: str) -> None:
        """Let one request come, and see what becomes of it."""
        self._visits.add(self._loop.create_task(self._visit(amount, key)))

    async def over(self) -> None:
        """Wait until everybody has gone."""
        while self._visits:
            await asyncio.gather(*self._visits)

    async def _visit(self, amount: float, key: str) -> None:
        # Not by a callback of the task, which would take a round of the loop.
        try:
            await self.visit(amount, key)
        finally:
            task = asyncio.current_task(self._loop)
            assert task is not None, "a visit is a task"
            self._visits.discard(task)

    async def visit(self, amount: float, key: str) -> None:
        """Come, wait, and be served."""
        loop = self._loop
        came = self._came_at = loop.now
        self._arrived += 1
        self._timeline.arrive(came, amount)
        limiter, plan = self._gate.limiter(key), self._plan
        if came >= self._timeline.due:
            self._stand(came)
        self._waiting += 1
        try:
            if plan.settle is None:
                await limiter.acquire(amount, max_wait=plan.max_wait)
                self._let_in(came, loop.now, amount)
                await self._served()
                return
            actual = amount * plan.settle(self._random)
            async with limiter.reserve(amount, max_wait=plan.max_wait) as reservation:
                self._let_in(came, loop.now, actual)
                await self._served()
                reservation.settle(actual)
        except (RateLimitExceeded, ValueError):
            self._refused += 1
            self._waiting -= 1

    def look(self) -> None:
        """Note how things are."""
        now = self._loop.now
        if now >= self._look_at or self._waiting > self._queue:
            self._look_at = now + self._timeline.step / _LOOKS
            self._queue = max(self._queue, self._waiting)
            self._note()

    def report(self) -> Report:
        """Tell what has happened so far."""
        rate, waits = self.limit.rate, self._waits
        has_rate = rate < inf and self._came_at > 0.0
        return Report(
            limit=str(self.limit),
            arrived=self._arrived,
            admitted=self._admitted,
            refused=self._refused,
            waiting=self._waiting,
            p50=waits.at(0.50),
            p90=waits.at(0.90),
            p99=waits.at(0.99),
            longest=waits.most,
            fullest=self._fullest.most,
            period=self.limit.period,
            used=self._used / (rate * self._came_at) if has_rate else None,
            queue=self._queue,
            rejected=None if self._server is None else self._rejected,
            rows=self._timeline.rows(),
        )

    def _note(self) -> None:
        level = self._gate.level() if self._shared else 0.0
        if self._waiting:
            # It may have let somebody in already: before, it was about as full.
            level = max(level, self._level)
        self._level = level
        self._timeline.look(self._loop.now, self._waiting, level)

    def _stand(self, now: float) -> None:
        # Before anything changes: how things stood in rows in which nothing did.
        # A limiter that nobody has asked since can still tell.
        loop, timeline = self._loop, self._timeline
        loop.call_soon(self.look)
        while timeline.due <= now:
            loop.now = timeline.due
            self._note()
        loop.now = now

    def _let_in(self, came: float, now: float, amount: float) -> None:
        if now >= self._timeline.due:
            self._stand(now)
        self._waiting -= 1
        self._admitted += 1
        self._waits.add(now - came)
        self._fullest.add(now, amount)
        self._timeline.admit(now, amount)
        if now <= self._plan.until:
            self._used += amount
        if self._seen is not None:
            self._seen(now, amount)
        if self._server is not None:
            self._send(now, amount)

    def _send(self, now: float, amount: float) -> None:
        latency = self._plan.latency
        if latency.varies:
            due = now + latency.draw(self._random)
            self._loop.call_at(due, self._meet, amount, due)
        else:
            self._meet(amount, now + latency.least)

    def _meet(self, amount: float, now: float) -> None:
        assert self._server is not None, "only sent where there is one"
        self._rejected += not self._server.admit(amount, now)

    async def _served(self) -> None:
        if self._plan.service > 0.0:
            await asyncio.sleep(self._plan.service)
