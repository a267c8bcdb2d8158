"""Never wait in vain: who can't be served in time is told at once."""

from __future__ import annotations

import asyncio
import re

import pytest

from aiolimiter import AsyncLimiter, RateLimitExceeded, SlidingWindowLimiter
from aiolimiter._core.bucket import BucketForecast

from .timetable import admission, at_the_grant, block, in_line, now, spent, until

BOTH = pytest.mark.parametrize("kind", [AsyncLimiter, SlidingWindowLimiter])


async def refusal(waiting) -> RateLimitExceeded:
    """Return the error with which *waiting* is refused."""
    with pytest.raises(RateLimitExceeded) as caught:
        await waiting
    return caught.value


@BOTH
async def test_hopeless_is_refused_at_once(kind):
    """A wait that would be longer than max_wait is not begun."""
    limiter = await spent(kind(1, 10))

    error = await refusal(limiter.acquire(max_wait=9.9))

    assert now() == 0
    assert error.retry_after == pytest.approx(10)


@BOTH
@pytest.mark.parametrize("max_wait", [10, 10.0, 11, float("inf"), None])
async def test_in_time_is_waited_for(kind, max_wait):
    """A wait that is no longer than max_wait is waited."""
    limiter = await spent(kind(1, 10))

    assert await admission(limiter, max_wait=max_wait) == 10


@BOTH
async def test_with_room_nobody_waits(kind):
    """max_wait=0 admits when there is room, and never waits."""
    limiter = kind(1, 10)

    await limiter.acquire(max_wait=0)
    await refusal(limiter.acquire(max_wait=0))

    assert now() == 0


@BOTH
async def test_a_refused_request_changes_nothing(kind):
    """A refusal leaves the limiter as it was."""
    limiter = await spent(kind(2, 2))
    waiting = await in_line(limiter)
    before = limiter.statistics()

    await refusal(limiter.acquire(2, max_wait=1))

    assert limiter.statistics() == before
    await waiting


@BOTH
async def test_those_ahead_count(kind):
    """The queue counts: the third in line waits three times as long."""
    limiter = await spent(kind(1, 1))
    ahead = [await in_line(limiter) for _ in range(2)]

    error = await refusal(limiter.acquire(max_wait=2.9))
    third = await admission(limiter, max_wait=3)

    assert error.retry_after == pytest.approx(3)
    assert third == 3
    await asyncio.gather(*ahead)


async def test_those_who_are_passed_do_not_count():
    """Whoever would be passed is not counted."""
    limiter = await spent(AsyncLimiter(10, 10))
    large = await in_line(limiter, 10)

    assert await admission(limiter, max_wait=1) == 1

    await large


@BOTH
async def test_those_ahead_who_will_give_up_do_not_count(kind):
    """Whoever a pause has made hopeless is in nobody's way but until the deadline."""
    limiter = await spent(kind(1, 1))
    hopeless = await in_line(limiter, max_wait=1)
    limiter.pause(3)
    fits_at = 4 if kind is AsyncLimiter else 3

    error = await refusal(limiter.acquire(max_wait=fits_at - 0.1))
    waited = await admission(limiter, max_wait=fits_at)

    assert error.retry_after > fits_at - 0.1
    assert waited == fits_at
    await refusal(hopeless)


@pytest.mark.parametrize("late", [False, True])
async def test_a_crowd_is_gone_through_once(late, monkeypatch):
    """A thousand who come in one go look for the hopeless once, not each for itself."""
    limiter = await spent(AsyncLimiter(1000, 1))
    ahead = [await in_line(limiter, max_wait=1) for _ in range(100)]
    if late:
        block(0.5)
    else:
        limiter.pause(2)
    looked, wait = [], BucketForecast.wait
    monkeypatch.setattr(
        BucketForecast, "wait", lambda *args: looked.append(args) or wait(*args)
    )
    crowd = [asyncio.create_task(limiter.acquire(max_wait=60)) for _ in range(1000)]
    await asyncio.sleep(0)

    assert len(looked) <= 3 * len(ahead)
    await asyncio.gather(*ahead, *crowd, return_exceptions=True)


async def test_a_hopeless_one_who_leaves_is_not_left_out_twice():
    """Who is hopeless and cancelled counts neither as ahead nor as to be left out."""
    limiter = await spent(AsyncLimiter(1, 1))
    hopeless = await in_line(limiter, max_wait=1)
    limiter.pause(3)
    patient = await in_line(limiter, max_wait=4)
    hopeless.cancel()

    # In the same breath, before the one who is cancelled has run.
    await refusal(limiter.acquire(max_wait=4.9))

    assert now() == 0
    assert await patient == 4


async def test_one_who_was_passed_and_will_give_up_does_not_count():
    """Nor does one who was passed, and will now be too late."""
    limiter = await spent(AsyncLimiter(10, 10))
    large = await in_line(limiter, 10, max_wait=10)
    small = await in_line(limiter, 1)

    assert await admission(limiter, 10, max_wait=11.5) == 11

    await small
    await refusal(large)


async def test_one_who_will_give_up_is_in_the_way_until_then():
    """What fits sooner than a hopeless one gives up has to wait until then."""
    limiter = await spent(AsyncLimiter(10, 10))
    hopeless = await in_line(limiter, 5, max_wait=6)
    limiter.pause(4)
    await until(4.5)

    # 1 fits at 5, and goes at 6.
    await refusal(limiter.acquire(max_wait=1.4))
    assert now() == 4.5
    assert await admission(limiter, max_wait=1.5) == 6

    await refusal(hopeless)


@pytest.mark.parametrize("rate", [1, 3, 7, 10, 49, 1000])
@pytest.mark.looptime(start=12345.678)
async def test_equal_amounts_are_predicted_exactly(rate):
    """Among equal amounts the n-th in line waits n times one's leaking time."""
    limiter = await spent(AsyncLimiter(rate, 1))

    start = now()
    waits = [n / rate for n in range(1, 30)]
    tasks = [await in_line(limiter, max_wait=wait + 1e-9) for wait in waits]

    assert [await task - start for task in tasks] == pytest.approx(waits, abs=1e-8)
    assert limiter.statistics().waiting == 0


async def test_the_message():
    """The error says what was wanted, what was given, and what would do."""
    limiter = await spent(AsyncLimiter(2, 4))

    error = await refusal(limiter.acquire(2, max_wait=0.5))

    assert re.fullmatch(
        r"can't acquire 2 within 0\.5 s: retry in 4 s, or allow a longer max_wait",
        str(error),
    )


async def test_the_error_carries_the_decision():
    """The error's decision says when to come again and what is left."""
    limiter = AsyncLimiter(4, 4)
    await limiter.acquire(3)

    error = await refusal(limiter.acquire(4, max_wait=1))

    assert not error.decision
    assert error.decision.remaining == 1
    assert error.decision.retry_after == error.retry_after == pytest.approx(3)


async def test_sleeping_retry_after_is_enough():
    """Who sleeps exactly retry_after and asks again is admitted."""
    limiter = await spent(AsyncLimiter(7, 3))

    error = await refusal(limiter.acquire(2, max_wait=0))
    await asyncio.sleep(error.retry_after)
    await limiter.acquire(2, max_wait=0)


# What begins well may come to be hopeless: then it ends at its deadline.


@BOTH
async def test_a_pause_ends_it_at_the_deadline(kind):
    """Who is overtaken by a pause is refused at the deadline, not later."""
    limiter = await spent(kind(1, 1))
    waiting = await in_line(limiter, max_wait=1.5)

    limiter.pause(10)

    error = await refusal(waiting)
    assert now() == 1.5
    assert error.retry_after >= 8.5  # a bucket then goes on at the rate


async def test_settling_up_ends_it_at_the_deadline():
    """A debt that grows ends a wait at its deadline."""
    limiter = AsyncLimiter(1, 1)
    async with limiter.reserve() as reservation:
        waiting = await in_line(limiter, max_wait=1.5)
        reservation.settle(5)

    await refusal(waiting)
    assert now() == 1.5


async def test_being_passed_ends_it_at_the_deadline():
    """Small ones that go first may end a large one's wait at its deadline."""
    limiter = await spent(AsyncLimiter(10, 10))
    large = await in_line(limiter, 10, max_wait=10)
    small = await in_line(limiter, 1)

    await refusal(large)

    assert now() == 10
    assert await small == 1


async def test_a_slower_rate_ends_it_at_the_deadline():
    """A rate that falls ends a wait at its deadline."""
    limiter = await spent(AsyncLimiter(1, 1))
    waiting = await in_line(limiter, max_wait=1)

    limiter.time_period = 100

    error = await refusal(waiting)
    assert now() == 1
    assert error.retry_after == pytest.approx(99)


async def test_the_later_message_is_the_same():
    """A refusal at the deadline reads like one on arrival."""
    limiter = await spent(AsyncLimiter(1, 1))
    waiting = await in_line(limiter, max_wait=1.5)

    limiter.pause(10)

    assert str(await refusal(waiting)) == (
        "can't acquire 1 within 1.5 s: retry in 9.5 s, or allow a longer max_wait"
    )


async def test_it_is_not_in_its_own_way():
    """retry_after at the deadline does not count the one that is refused."""
    limiter = await spent(AsyncLimiter(10, 10))
    waiting = await in_line(limiter, 4, max_wait=4)
    limiter.pause(10)

    error = await refusal(waiting)

    assert error.retry_after == pytest.approx(10)
    await asyncio.sleep(error.retry_after)
    assert limiter.try_acquire(4)


async def test_in_a_window_it_is_not_in_its_own_way():
    """Nor is it in a window, where those who wait are counted one by one."""
    limiter = await spent(SlidingWindowLimiter(10, 10))
    await until(8)
    waiting = await in_line(limiter, 4, max_wait=4)
    behind = await in_line(limiter, 5)
    limiter.pause(10)

    error = await refusal(waiting)

    assert now() == 12
    assert error.retry_after == pytest.approx(6)
    await asyncio.sleep(error.retry_after)
    assert limiter.try_acquire(4)
    assert await behind == 18


async def test_those_behind_go_on():
    """When one is refused, those behind it move up."""
    limiter = await spent(AsyncLimiter(10, 10))
    hopeless = await in_line(limiter, 5, max_wait=5)
    behind = await in_line(limiter, 5)
    limiter.pause(10)

    await refusal(hopeless)

    assert await behind == 15


async def test_the_one_behind_may_go_in_the_same_breath():
    """When the first in line is refused, the next goes at once if it fits."""
    limiter = AsyncLimiter(10, 10)
    await limiter.acquire(5)
    large = await in_line(limiter, 10, max_wait=5)  # due at 5, its place is at 10
    passing = await admission(limiter, 1)
    next_one = await in_line(limiter, 10)

    await refusal(large)

    assert (passing, now()) == (0, 5)
    assert await next_one == 6


@pytest.mark.parametrize("behind", [1, 3])
async def test_deadlines_out_of_order(behind):
    """Everyone is refused at their own deadline, wherever they stand."""
    limiter = await spent(AsyncLimiter(1, 1))
    waits = [9, 5, 7, 6, 8][: behind + 2]
    tasks = [await in_line(limiter, max_wait=wait) for wait in waits]
    limiter.pause(100)
    refused = {}

    async def watch(wait, task):
        await refusal(task)
        refused[wait] = now()

    await asyncio.gather(*map(watch, waits, tasks))

    assert refused == {wait: wait for wait in waits}
    assert limiter.statistics().waiting == 0


async def test_granted_at_the_deadline_is_granted():
    """Who is due at the very instant of the deadline is admitted."""
    limiter = await spent(AsyncLimiter(3, 1))
    tasks = [await in_line(limiter, max_wait=1) for _ in range(3)]

    assert [await task for task in tasks][-1] == 1


async def test_a_deadline_ends_with_the_wait():
    """Once granted, a request has no deadline any more."""
    limiter = await spent(AsyncLimiter(1, 1))
    first = await in_line(limiter, max_wait=1.5)
    second = await in_line(limiter)

    assert [await first, await second] == [1, 2]


async def test_cancelled_before_its_deadline():
    """Who is cancelled is not refused as well."""
    limiter = await spent(AsyncLimiter(1, 1))
    first = await in_line(limiter, max_wait=1)
    second = await in_line(limiter)
    first.cancel()

    limiter.pause(5)

    assert await second == 6
    assert first.cancelled()


async def test_refused_and_cancelled():
    """Who is cancelled in the instant of the refusal is cancelled, and took nothing."""
    limiter = await spent(AsyncLimiter(1, 1))
    waiting = await in_line(limiter, max_wait=1)
    limiter.pause(5)

    def run():
        assert limiter.statistics().waiting == 0
        waiting.cancel()

    asyncio.get_running_loop().call_at(1 + 5e-10, run)
    await asyncio.wait([waiting])

    assert waiting.cancelled()
    assert limiter.statistics().level == pytest.approx(1 + 4)


async def test_a_loop_that_was_blocked_past_the_deadline():
    """A loop that is blocked beyond the deadline refuses, as no wait is longer."""
    limiter = await spent(AsyncLimiter(1, 1))
    waiting = await in_line(limiter, max_wait=1.5)
    await until(0.9)

    block(6)

    await refusal(waiting)
    assert limiter.has_capacity()


async def test_a_timer_that_is_a_little_late():
    """Who was due before the deadline is granted by a timer that is 5 ms late."""
    limiter = await spent(AsyncLimiter(1, 1))
    waiting = await in_line(limiter, max_wait=1)
    await until(0.995)

    block(0.010)

    assert await waiting == pytest.approx(1.005)


async def test_reserve_with_max_wait():
    """Reserve refuses on entering, as acquire does."""
    limiter = await spent(AsyncLimiter(1, 10))
    reservation = limiter.reserve(max_wait=9)

    await refusal(reservation.__aenter__())

    assert limiter.statistics().level == 1
    assert now() == 0


async def test_cancelled_after_the_grant_with_max_wait():
    """max_wait changes nothing about giving back."""
    limiter = await spent(AsyncLimiter(1, 1))
    task = await in_line(limiter, max_wait=1)

    await at_the_grant(limiter, task.cancel)
    await asyncio.wait([task])

    assert limiter.has_capacity()
