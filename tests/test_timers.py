"""Timers that are late, early or coarse: never late for good, never too early."""

from __future__ import annotations

import asyncio
import math
import subprocess
import sys

import pytest

from aiolimiter import AsyncLimiter, SlidingWindowLimiter
from aiolimiter._core import bucket
from aiolimiter._shell import line, outlook

from .timetable import admissions, block, in_line, now, spent, until

BOTH = pytest.mark.parametrize("kind", [AsyncLimiter, SlidingWindowLimiter])


def change_timers(shift):
    """Let timers of the running loop fire at *shift* of the instant they are for."""
    loop = asyncio.get_running_loop()
    call_at = loop.call_at

    def shifted(when, *args, **kwargs):
        return call_at(shift(when), *args, **kwargs)

    loop.call_at = shifted


def up_to_a_millisecond(when):
    """Round *when* up, as a loop does whose timers are whole milliseconds."""
    return max(when, math.ceil(when * 1000) / 1000)


async def throughput(limiter, tasks, seconds):
    """How many a second *tasks* that loop get in *seconds*."""
    start, count = now(), 0

    async def loop():
        nonlocal count
        while True:
            await limiter.acquire()
            count += 1

    running = [asyncio.create_task(loop()) for _ in range(tasks)]
    await asyncio.sleep(seconds)
    for task in running:
        task.cancel()
    return count / (now() - start)


@pytest.mark.parametrize("rate", [100, 1000, 10_000, 50_000])
async def test_coarse_timers_cost_no_throughput(rate):
    """With timers of whole milliseconds the rate is reached all the same."""
    change_timers(up_to_a_millisecond)

    # The burst of 1 is there before the clock runs.
    achieved = await throughput(AsyncLimiter(1, 1 / rate), 50 + rate // 500, 0.5)

    assert 0.995 * rate <= achieved <= rate * (1 + 0.02) + 2


async def test_the_coarse_timers_of_windows_cost_no_throughput(monkeypatch):
    """With clock and timers of 15.6 ms the rate is reached all the same."""
    for module in (bucket, line, outlook):
        monkeypatch.setattr(module, "LATENESS", made_up_for("win32"))
    change_timers(lambda when: math.ceil(when * 64) / 64)
    loop = asyncio.get_running_loop()
    fine = loop.time
    monkeypatch.setattr(loop, "time", lambda: math.floor(fine() * 64) / 64)

    achieved = await throughput(AsyncLimiter(1, 1 / 1000), 60, 2)

    assert 0.98 * 1000 <= achieved <= 1.02 * 1000


def made_up_for(platform):
    """How late a timer may be at no cost, in seconds, on *platform*."""
    program = (
        f"import asyncio, sys; sys.platform = {platform!r};"
        "from aiolimiter._core.bucket import LATENESS; print(LATENESS)"
    )
    return float(subprocess.check_output([sys.executable, "-c", program]))


@pytest.mark.parametrize(("platform", "most"), [("win32", 0.02), ("linux", 0.01)])
def test_what_is_made_up_for(platform, most):
    """Ten milliseconds are, and twenty where timers are coarser than that."""
    assert made_up_for(platform) == most


@pytest.mark.parametrize("late", [0.001, 0.005, 0.0099])
async def test_a_late_timer_is_made_up_for(late):
    """A timer that is late by less than 10 ms delays nobody but the first."""
    limiter = await spent(AsyncLimiter(1, 0.1))
    tasks = [await in_line(limiter) for _ in range(5)]
    await until(0.1 - 1e-9)

    block(late + 1e-9)

    expected = [0.1 + late, 0.2, 0.3, 0.4, 0.5]
    assert [await task for task in tasks] == pytest.approx(expected, abs=1e-6)


async def test_many_due_grants_in_one_late_wake_up():
    """Everybody who has come to be due meanwhile is granted in one wake-up."""
    limiter = await spent(AsyncLimiter(1, 0.001))
    tasks = [await in_line(limiter) for _ in range(20)]
    await until(0.0005)

    block(0.005)

    instants = [await task for task in tasks]
    assert instants[:5] == [pytest.approx(0.0055)] * 5
    assert instants[5:] == pytest.approx([0.006 + n * 0.001 for n in range(15)])


@pytest.mark.parametrize("blocked", [0.02, 1, 6, 3600])
async def test_a_blocked_loop_lets_no_flood_through(blocked):
    """After six seconds of blocking, not six seconds' worth is admitted."""
    limiter = await spent(AsyncLimiter(1, 0.01))
    tasks = [await in_line(limiter) for _ in range(1000)]
    await until(0.005)

    block(blocked)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    await asyncio.sleep(0)

    # One for the burst, one for 10 ms.
    assert sum(task.done() for task in tasks) == 2
    for task in tasks:
        task.cancel()


@pytest.mark.parametrize(("burst", "achieved"), [(1, 38), (10, 100)])
async def test_a_busy_loop_needs_a_burst_to_catch_up_with(burst, achieved):
    """Busy for 50 ms at a time, at 100 a second: 38 with a burst of 1, 100 with 10."""

    async def busy():
        while True:
            block(0.05)
            await asyncio.sleep(0.001)

    being_busy = asyncio.create_task(busy())
    found = await throughput(AsyncLimiter(100, 1, burst=burst), 40, 20)
    being_busy.cancel()

    assert found == pytest.approx(achieved, rel=0.03)


async def test_after_a_blocked_loop_it_goes_on_at_the_rate():
    """What blocking cost beyond 10 ms is lost; the rate goes on from there."""
    limiter = await spent(AsyncLimiter(1, 0.1))
    tasks = [await in_line(limiter) for _ in range(4)]
    await until(0.05)

    block(6)

    start = 6.05
    assert [await task for task in tasks] == pytest.approx(
        [start, start + 0.09, start + 0.19, start + 0.29]
    )


async def test_the_credit_lapses_when_the_queue_empties():
    """What lateness left over is gone once nobody waits any more."""
    limiter = await spent(AsyncLimiter(10, 1))
    waiting = await in_line(limiter, 0.01)

    block(6)
    await waiting

    assert limiter.statistics().level == 0
    assert limiter.try_acquire(10)
    assert not limiter.try_acquire(0.01)


async def test_the_promise_when_nobody_waits():
    """While nobody waits, t seconds admit at most burst + rate * t: no credit."""
    limiter = await spent(AsyncLimiter(10, 1))
    await asyncio.sleep(100)

    assert [bool(limiter.try_acquire()) for _ in range(11)] == [True] * 10 + [False]


async def test_the_credit_is_not_a_grant_before_its_time():
    """A newcomer does not profit from lateness that was before its time."""
    limiter = await spent(AsyncLimiter(1, 0.1))
    await asyncio.sleep(5)

    assert await admissions(limiter, [5, 5, 5]) == pytest.approx([5, 5.1, 5.2])


async def test_a_window_makes_up_for_nothing():
    """A window is strict: what a late timer cost is lost."""
    limiter = await spent(SlidingWindowLimiter(1, 0.1))
    tasks = [await in_line(limiter) for _ in range(3)]
    await until(0.099)

    block(0.006)

    assert [await task for task in tasks] == pytest.approx([0.105, 0.205, 0.305])


@BOTH
@pytest.mark.parametrize("early", [1e-9, 1e-6, 0.001, 0.09])
async def test_an_early_timer_grants_nothing_early(kind, early):
    """A timer that fires early is not trusted, and set again."""
    times = iter([True, False] * 100)
    change_timers(lambda when: when - early if next(times) else when)

    found = await admissions(await spent(kind(1, 0.1)), [0] * 4)

    assert found == pytest.approx([0.1, 0.2, 0.3, 0.4])
    assert all(instant >= (n + 1) * 0.1 - 1e-9 for n, instant in enumerate(found))


@BOTH
async def test_random_lateness(kind):
    """Whatever the lateness, no grant is early, and none late beyond its timer."""
    lateness = [0, 0.003, 0.0001, 0.009, 0.0004, 0.007]
    number = iter(range(10_000))
    change_timers(lambda when: when + lateness[next(number) % len(lateness)])

    found = await admissions(await spent(kind(1, 0.02)), [0] * 50)

    for n, instant in enumerate(found, 1):
        assert instant >= n * 0.02 - 1e-9
        if kind is AsyncLimiter:
            assert instant <= n * 0.02 + 0.009 + 1e-9


@BOTH
@pytest.mark.looptime(start=1e8, resolution=1e-6)
async def test_after_three_years_of_uptime(kind):
    """At an uptime of 1e8 s, where an instant has a grain of 15 ns, all is well."""
    # asyncio's own nanosecond is lost there, and virtual time would stand still.
    asyncio.get_running_loop()._clock_resolution = 1e-7
    limiter = await spent(kind(1, 1e-3))
    start = now()

    found = await admissions(limiter, [start] * 20)

    assert found == pytest.approx([start + n * 1e-3 for n in range(1, 21)], abs=5e-5)


@BOTH
async def test_a_timer_is_never_for_now(kind):
    """A timer is always ahead, so that a coarse clock can't make it spin."""
    limiter = await spent(kind(3, 1))
    loop, ahead = asyncio.get_running_loop(), []
    call_at = loop.call_at

    def recorded(when, *args, **kwargs):
        ahead.append(when > loop.time())
        return call_at(when, *args, **kwargs)

    loop.call_at = recorded
    await asyncio.gather(*(limiter.acquire(0.7) for _ in range(50)))

    assert ahead
    assert all(ahead)


async def test_a_clock_that_steps_back():
    """A clock that steps back leaks nothing and takes nothing away."""
    limiter = AsyncLimiter(10, 10)
    loop = asyncio.get_running_loop()
    await until(100)
    await limiter.acquire(10)

    time, loop.time = loop.time, lambda: 50.0
    stepped_back = limiter.statistics()
    loop.time = time
    await until(103)

    assert stepped_back.level == 10
    assert limiter.statistics().level == 7
