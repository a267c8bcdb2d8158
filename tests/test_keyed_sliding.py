"""One sliding window for each key: strict, and forgotten when it is empty."""

from __future__ import annotations

import asyncio
import math
import re

import pytest

from aiolimiter import CombinedLimiter, KeyedSlidingWindowLimiter, RateLimitExceeded

from .timetable import admission, admissions, in_line, now, spent, until, virtual

# All that are used are live; or none of them is only for that.
KINDS = pytest.mark.parametrize(
    "make",
    [
        KeyedSlidingWindowLimiter,
        lambda rate, period: KeyedSlidingWindowLimiter(lambda _: rate, period),
        lambda rate, period: KeyedSlidingWindowLimiter(rate, period, max_keys=1000),
    ],
    ids=["few", "own rates", "counted"],
)


@KINDS
async def test_each_key_has_a_strict_window(make):
    """No window of a key has more than max_rate, whatever the others do."""
    limits = make(2, 10)

    a = asyncio.create_task(admissions(limits["a"], [0, 4, 5, 5]))
    b = await admissions(limits["b"], [1, 1, 1])

    assert (await a, b) == ([0, 4, 10, 14], [1, 1, 11])


@KINDS
async def test_a_refusal_tells_when(make):
    """A refused request takes nothing; asked again when it was told, it is admitted."""
    limits = make(2, 10)
    assert limits["a"].try_acquire().remaining == 1
    await until(3)
    limits["a"].try_acquire()

    refused = limits["a"].try_acquire()

    assert (refused.granted, refused.remaining) == (False, 0)
    assert refused.retry_after == pytest.approx(7)
    await asyncio.sleep(refused.retry_after)
    assert limits["a"].try_acquire()


@KINDS
async def test_forgotten_when_the_window_is_empty(make):
    """A key is there while something of it is in the window, and not longer."""
    limits = make(2, 10)
    limits["a"].try_acquire()
    await until(6)
    limits["a"].try_acquire()
    await until(15.9)
    assert "a" in limits
    assert list(limits) == ["a"]
    assert limits.statistics().level == 1

    await until(16)

    assert "a" not in limits
    assert list(limits) == []


@KINDS
async def test_memory_follows_what_is_in_the_windows(make):
    """Keys whose windows are empty are given back while others are used."""
    limits = make(2, 10)
    for number in range(900):
        limits[number].try_acquire()
    assert len(limits) == 900
    await until(20)

    for _ in range(20_000):
        limits["a"].try_acquire(0)

    assert len(limits) <= 1


@KINDS
async def test_a_reservation_settles_in_the_window_of_its_key(make):
    """What comes back to a reserved key counts, whoever else came meanwhile."""
    limits = make(10, 10)

    async with limits["a"].reserve(8) as reservation:
        for number in range(500):
            limits[number].try_acquire()
        reservation.settle(3)

    assert limits["a"].statistics().level == 3
    assert limits["a"].try_acquire(7)
    assert not limits["a"].try_acquire()


@KINDS
async def test_a_pause_stands_while_others_come_and_go(make):
    """A pause of a key stops it until its end, and no other."""
    limits = make(10, 10)
    limits["a"].pause(5)
    for number in range(500):
        limits[number].try_acquire()

    assert "a" in limits
    assert limits["b"].try_acquire()
    assert await admission(limits["a"], 0) == 5


@KINDS
async def test_a_change_counts_for_all_keys(make):
    """Quiet keys, busy ones and new ones have the new period at once."""
    limits = make(1, 10)
    for key in "ab":
        await limits[key].acquire()
    waiting = await in_line(limits["a"])
    await until(2)

    limits.time_period = 5

    assert limits.time_period == 5
    assert limits["b"].try_acquire().retry_after == pytest.approx(3)
    assert await waiting == 5
    assert await admissions(limits["c"], [5, 5]) == [5, 10]


async def test_no_limit_any_more():
    """Once there is no limit, nobody owes anything, also when there is one again."""
    limits = KeyedSlidingWindowLimiter(1, 10, max_keys=10)
    limits["a"].try_acquire()

    limits.max_rate = math.inf
    assert limits["a"].try_acquire(1e9)
    limits.max_rate = 1

    assert limits["a"].try_acquire()
    assert not limits["a"].try_acquire()


async def test_the_keys_nearest_to_new_go_first():
    """With max_keys, the windows that are empty first are forgotten first."""
    limits = KeyedSlidingWindowLimiter(2, 10, max_keys=2)
    for second, key in enumerate("abac"):
        await until(second)
        limits[key].try_acquire()

    assert sorted(limits) == ["a", "c"]


async def test_with_others_at_once():
    """A key of windows may be a member of a combined limiter."""
    limits = KeyedSlidingWindowLimiter(1, 10)
    both = CombinedLimiter(await spent(limits["a"]), limits["b"])

    with pytest.raises(RateLimitExceeded):
        await both.acquire(max_wait=9)
    await both.acquire()

    assert now() == 10
    assert not limits["b"].try_acquire()


def test_in_one_loop_after_the_other():
    """In a later loop, whose clock starts anew, all windows are as they were."""
    limits = KeyedSlidingWindowLimiter(2, 10, max_keys=10)

    async def first():
        await until(1000)
        limits["a"].try_acquire()
        await until(1004)
        limits["a"].try_acquire()

    async def second():
        return await admissions(limits["a"], [0, 0])

    virtual(first())

    assert virtual(second()) == [6, 10]


def test_the_repr():
    """The repr tells the limit and how many keys owe something."""
    limits = KeyedSlidingWindowLimiter(4, 8)
    limits["a"].try_acquire()

    assert repr(limits) == "<KeyedSlidingWindowLimiter(4, 8) keys=1>"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((0,), "max_rate must be above 0 (math.inf for no limit), got 0"),
        ((1, 0), "time_period must be a finite number above 0, got 0"),
        ((1e-200, 1e200), "max_rate / time_period must be a number above 0, got "),
    ],
)
def test_bad_numbers(arguments, message):
    """A keyed window refuses what a SlidingWindowLimiter refuses."""
    with pytest.raises(ValueError, match=f"^{re.escape(message)}"):
        KeyedSlidingWindowLimiter(*arguments)
