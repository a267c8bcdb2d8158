"""The public interface as users write it; type checkers read this, nobody runs it."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Hashable
from contextlib import AsyncExitStack
from typing import assert_type

from aiolimiter import (
    AdaptiveLimiter,
    AsyncLimiter,
    Attempt,
    BackendError,
    CombinedLimiter,
    CombinedReservation,
    Decision,
    KeyedLimiter,
    KeyedSlidingWindowLimiter,
    Limiter,
    LimiterStatistics,
    Observer,
    RateLimitExceeded,
    Reservation,
    SharedLimiter,
    SlidingWindowLimiter,
    set_default_observer,
)


def made_in_many_ways() -> None:
    AsyncLimiter(10)
    AsyncLimiter(10, 1)
    AsyncLimiter(10, time_period=0.5)
    AsyncLimiter(max_rate=10.5, time_period=1, burst=3)
    AsyncLimiter(math.inf, burst=None)
    AsyncLimiter(10, 1, 5)  # type: ignore[call-arg]  # burst is named
    AsyncLimiter("10")  # type: ignore[arg-type]  # a number
    SlidingWindowLimiter(10)
    SlidingWindowLimiter(max_rate=10, time_period=60)
    SlidingWindowLimiter(10, burst=1)  # type: ignore[call-arg]  # a window has none


async def waits(limiter: AsyncLimiter | SlidingWindowLimiter) -> None:
    async with limiter:
        pass
    async with limiter as nothing:
        assert_type(nothing, None)
    await limiter.acquire()
    await limiter.acquire(2.5, max_wait=10)
    await asyncio.wait_for(limiter.acquire(2), timeout=1)
    await asyncio.gather(limiter.acquire(), limiter.acquire(amount=2))
    task = asyncio.create_task(limiter.acquire())
    assert_type(await task, None)
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(limiter)


def never_waits(limiter: AsyncLimiter | SlidingWindowLimiter) -> float:
    assert_type(limiter.has_capacity(), bool)
    assert_type(limiter.has_capacity(0.5), bool)
    decision = limiter.try_acquire(2)
    assert_type(decision, Decision)
    assert_type(decision.granted, bool)
    decision.granted = True  # type: ignore[misc]  # frozen
    if not decision:
        return decision.retry_after
    limiter.pause(30)
    limiter.restrict(3)
    limiter.max_pause = 60
    limiter.reset()
    statistics = limiter.statistics()
    assert_type(statistics, LimiterStatistics)
    assert_type(statistics.waiting, int)
    assert_type(statistics.amount_waiting, float)
    statistics.waiting = 0  # type: ignore[misc]  # frozen
    assert_type(statistics.seconds_to_next, float | None)
    return decision.remaining + statistics.level + statistics.available


async def settles(limiter: AsyncLimiter | SlidingWindowLimiter) -> None:
    async with limiter.reserve(900, max_wait=5) as reservation:
        assert_type(reservation, Reservation)
        assert_type(reservation.amount, float)
        reservation.settle(700)


def changes(limiter: AsyncLimiter) -> None:
    limiter.max_rate = limiter.max_rate / 2
    limiter.time_period = 1
    limiter.burst = 5
    limiter.burst = None  # type: ignore[assignment]  # no way back


def changes_a_window(limiter: SlidingWindowLimiter) -> None:
    limiter.max_rate = limiter.max_rate / 2
    limiter.time_period = 1
    limiter.burst = 5  # type: ignore[attr-defined]  # a window has none


def looks(limiter: AsyncLimiter) -> None:
    assert_type(limiter.max_rate, float)
    assert_type(limiter.time_period, float)
    assert_type(limiter.burst, float)


async def refused(limiter: AsyncLimiter) -> float:
    try:
        await limiter.acquire(max_wait=0)
    except RateLimitExceeded as error:
        assert_type(error.decision, Decision)
        return error.retry_after
    except BackendError as error:
        assert_type(error.__cause__, BaseException | None)
    return 0.0


limiter = AsyncLimiter(10, 1)


@limiter
async def fetch(url: str, *, timeout: float = 1) -> bytes:
    await asyncio.sleep(timeout)
    return url.encode()


async def decorated() -> None:
    assert_type(await fetch("x", timeout=2), bytes)
    await fetch(1)  # type: ignore[arg-type]  # the signature is kept


async def keyed(user_id: int) -> None:
    limits = KeyedLimiter(10)
    limits.reset()
    KeyedLimiter(10, time_period=1, burst=3, max_keys=100_000)
    async with limits[user_id]:
        pass
    await limits["user", user_id].acquire(2, max_wait=1)
    assert_type(limits[user_id].try_acquire(), Decision)
    async with limits[user_id].reserve(2) as reservation:
        reservation.settle(1)
    limits.max_rate, limits.time_period, limits.burst = 5, 1, None
    assert_type(limits.statistics(), LimiterStatistics)
    assert_type(list(limits), list[Hashable])
    assert_type(len(limits), int)
    assert_type(user_id in limits, bool)
    strict = KeyedSlidingWindowLimiter(lambda user_id: 2.5 * user_id, max_keys=10)
    assert_type(strict[user_id].try_acquire(), Decision)
    names = KeyedLimiter[str](10)
    assert_type(list(names), list[str])
    names[user_id]  # type: ignore[index]  # a name is no number
    one = names["a"]
    assert_type((one.max_rate, one.time_period, one.burst), tuple[float, float, float])
    one.max_rate = 1  # type: ignore[misc]  # that of all is set on their limiter
    names.max_pause = one.max_pause
    limits[[user_id]]  # type: ignore[index]  # a key is hashable


async def combined(chats: KeyedLimiter, chat_id: int) -> None:
    model = CombinedLimiter(requests=AsyncLimiter(5), tokens=AsyncLimiter(30_000))
    await model.acquire(requests=1, tokens=900, max_wait=10)
    assert_type(model.try_acquire(tokens=900), Decision)
    assert_type(model.statistics(), LimiterStatistics)
    async with model.reserve(tokens=900) as reservation:
        assert_type(reservation, CombinedReservation)
        reservation.settle(tokens=700)
    async with CombinedLimiter(AsyncLimiter(30, 1), chats[chat_id]):
        pass
    CombinedLimiter(10)  # type: ignore[arg-type]  # limiters, not numbers


class Watch(Observer):
    def waited(self, limiter: AsyncLimiter, amount: float, seconds: float) -> None:
        limiter.pause(seconds)

    def refused(self, limiter: object, amount: float, retry_after: float) -> None: ...

    def paused(self, limiter: object, seconds: float) -> None: ...

    def backend(
        self, limiter: object, seconds: float, error: BackendError | None
    ) -> None: ...


def observed(limiter: AsyncLimiter, chats: KeyedLimiter) -> None:
    limiter.observer = chats.observer = Watch()
    assert_type(chats["a"].observer, Observer | None)
    set_default_observer(None)
    set_default_observer(Watch)  # type: ignore[arg-type]  # one, not its class


async def families(limiter: Limiter, shared: SharedLimiter) -> None:
    async with limiter, shared:
        pass
    await limiter.acquire(2, max_wait=1)
    await shared.acquire(2, max_wait=1)
    assert_type(limiter.try_acquire(), Decision)
    assert_type(await shared.try_acquire(), Decision)
    assert_type(await shared.has_capacity(), bool)
    limiter.pause(1)
    await shared.pause(1)
    limiter.restrict(1)
    await shared.restrict(1)
    await shared.reset()
    await shared.change(max_rate=5, time_period=1, burst=2)
    await shared.change(rate=5)  # type: ignore[call-arg]  # by the names it has


async def members_of_families() -> None:
    one: Limiter = AsyncLimiter(1)
    one = SlidingWindowLimiter(1)
    one = KeyedLimiter[str](1)["a"]
    one = CombinedLimiter(AsyncLimiter(1))  # type: ignore[assignment]  # no pause
    await one.acquire()


async def found_out(limiter: AdaptiveLimiter) -> None:
    async with limiter.attempt(2, max_wait=1) as attempt:
        assert_type(attempt, Attempt)
        attempt.refused()
        attempt.refused(retry_after=2.5)
    assert_type(limiter.rate, float)
    limiter.rate = 5  # type: ignore[misc]  # it finds that out
    AdaptiveLimiter(100, 1, burst=5, start=10)
    CombinedLimiter(limiter, AsyncLimiter(5))
