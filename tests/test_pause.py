"""Believing the server: pause and restrict."""

from __future__ import annotations

import asyncio

import pytest

from aiolimiter import AsyncLimiter, SlidingWindowLimiter

from .timetable import admission, admissions, at_the_grant, in_line, now, spent, until

BOTH = pytest.mark.parametrize("kind", [AsyncLimiter, SlidingWindowLimiter])


async def test_nothing_is_admitted_in_a_pause():
    """After a pause traffic goes on at the rate, without a burst."""
    limiter = AsyncLimiter(4, 8)

    limiter.pause(10)

    assert await admissions(limiter, [0] * 3) == [12, 14, 16]


async def test_a_pause_of_a_window_is_an_instant():
    """A window that is paused admits nothing, then as much as ever."""
    limiter = SlidingWindowLimiter(4, 8)

    limiter.pause(10)

    assert await admissions(limiter, [0] * 5) == [10, 10, 10, 10, 18]


@BOTH
async def test_a_pause_stops_everything(kind):
    """In a pause there is no room for anything, not even for nothing."""
    limiter = kind(4, 8)

    limiter.pause(10)

    assert not limiter.has_capacity(0)
    assert not limiter.try_acquire(0)
    assert limiter.statistics().available == 0
    assert await admission(limiter, 0) == 10


@BOTH
async def test_those_who_wait_are_paused_too(kind):
    """A pause holds up those who already wait."""
    limiter = await spent(kind(1, 1))
    waiting = await in_line(limiter)

    limiter.pause(10)

    assert await waiting >= 10


@BOTH
@pytest.mark.parametrize("others", [[3], [3, 0], [9.5, 0.1]])
async def test_the_latest_deadline_wins(kind, others):
    """Pauses never shorten each other."""
    limiter = kind(1, 1)
    limiter.pause(10)

    for seconds in others:
        limiter.pause(seconds)

    assert await admission(limiter, 0) == 10


@BOTH
async def test_a_later_pause_may_last_longer(kind):
    """A pause that ends later than the first lengthens it, and is not added."""
    limiter = kind(1, 1)
    limiter.pause(10)
    await until(8)

    limiter.pause(5)

    assert await admission(limiter, 0) == 13


@BOTH
async def test_pause_0_changes_nothing(kind):
    """pause(0) changes nothing."""
    limiter = kind(4, 8)

    limiter.pause(0)

    assert limiter.has_capacity(4)
    assert limiter.statistics().level == 0


async def test_a_pause_raises_the_level_to_what_leaks_in_it():
    """A pause is a debt: so high a level that it is down at the burst at its end."""
    limiter = AsyncLimiter(4, 8)
    await limiter.acquire(3)

    limiter.pause(10)

    assert limiter.statistics().level == 4 + 10 / 2


async def test_a_debt_that_lasts_longer_than_the_pause():
    """A pause adds nothing to a debt that is larger than it."""
    limiter = AsyncLimiter(4, 8)
    async with limiter.reserve(4) as reservation:
        reservation.settle(20)

    limiter.pause(10)

    assert limiter.statistics().level == 20


async def test_what_is_owed_on_top_of_a_pause():
    """A debt that is made in a pause is paid after it."""
    limiter = AsyncLimiter(4, 4)
    async with limiter.reserve(4) as reservation:
        limiter.pause(10)
        reservation.settle(6)

    assert await admission(limiter, 0) == 12


@BOTH
@pytest.mark.parametrize("factor", [0.5, 2, 10, 0.1])
async def test_a_pause_ends_when_it_would_whatever_the_rate(kind, factor):
    """The usual answer to a 429 is pause and halve: the deadline stands."""
    limiter = kind(10, 10)
    limiter.pause(30)
    await until(1)

    limiter.max_rate *= factor

    assert limiter.statistics().available == 0
    assert await admission(limiter, 0) == pytest.approx(30)


@BOTH
async def test_a_pause_ends_when_it_would_whatever_the_period(kind):
    """The deadline stands too when the period changes, again and again."""
    limiter = kind(10, 10)
    limiter.pause(30)
    for period in (1, 100, 3):
        await asyncio.sleep(1)
        limiter.time_period = period

    assert await admission(limiter, 0) == pytest.approx(30)


@BOTH
async def test_the_latest_deadline_wins_whatever_the_rate(kind):
    """Of several pauses the latest end stands when the rate changes."""
    limiter = kind(10, 10)
    limiter.pause(30)
    limiter.pause(3)

    limiter.max_rate = 5

    assert await admission(limiter, 0) == pytest.approx(30)


@pytest.mark.parametrize("burst", [1, 5, 100])
async def test_a_pause_ends_when_it_would_whatever_the_burst(burst):
    """The deadline stands when the burst changes."""
    limiter = AsyncLimiter(10, 10)
    limiter.pause(30)

    limiter.burst = burst

    assert await admission(limiter, 0) == pytest.approx(30)


async def test_halving_in_a_pause():
    """After pause and halve, traffic goes on at the new rate."""
    limiter = AsyncLimiter(10, 10)
    limiter.pause(30)

    limiter.max_rate /= 2

    assert await admissions(limiter, [0, 0]) == pytest.approx([32, 34])


async def test_a_debt_keeps_its_size_when_the_rate_changes_in_a_pause():
    """A pause that raised nothing lets a change of the rate keep the level."""
    limiter = AsyncLimiter(10, 10)
    async with limiter.reserve(10) as reservation:
        reservation.settle(40)
    limiter.pause(5)

    limiter.burst = 10
    limiter.max_rate = 5

    assert limiter.statistics().level == 40


async def test_a_debt_below_a_pause_is_not_forgiven():
    """What was owed before the pause is owed after it, at a slower rate too."""
    limiter = AsyncLimiter(10, 10)
    async with limiter.reserve(10) as reservation:
        reservation.settle(12)
    limiter.pause(5)

    limiter.burst = 10
    limiter.max_rate = 1  # 2 above the burst need 20 s now

    assert await admission(limiter, 0) == pytest.approx(20)


async def test_what_a_pause_put_there_survives_a_cancellation():
    """Who is cancelled after a pause gives nothing back of it."""
    limiter = await spent(AsyncLimiter(1, 1))
    task = await in_line(limiter)

    def stop():
        limiter.pause(10)
        task.cancel()

    await at_the_grant(limiter, stop)
    await asyncio.wait([task])

    assert await admission(limiter, 0) == 11


# Restricting.


@pytest.mark.parametrize(
    ("remaining", "available"), [(0, 0), (0.5, 0.5), (3, 3), (7, 4), (10, 4), (99, 4)]
)
@BOTH
async def test_at_most_so_much_is_left(kind, remaining, available):
    """A server's word makes a limiter more careful, never less."""
    limiter = kind(10, 10)
    await limiter.acquire(6)

    limiter.restrict(remaining)

    assert limiter.statistics().available == available


async def test_a_restriction_leaks_like_any_debt():
    """What a restriction filled up leaks at the rate."""
    limiter = AsyncLimiter(10, 10)

    limiter.restrict(0)

    assert await admissions(limiter, [0, 0]) == [1, 2]


async def test_a_restriction_of_a_window_is_an_entry():
    """What a restriction filled up expires after a period."""
    limiter = SlidingWindowLimiter(10, 10)
    await limiter.acquire(2)
    await until(1)

    limiter.restrict(5)

    assert await admissions(limiter, [(1, 5), (1, 1), (1, 2)]) == [1, 10, 11]


async def test_a_restriction_holds_up_those_who_wait():
    """Those who already wait are restricted too."""
    limiter = AsyncLimiter(10, 10)
    await limiter.acquire(6)
    waiting = await in_line(limiter, 5)

    limiter.restrict(0)

    assert await waiting == 5


async def test_in_debt_a_restriction_changes_nothing():
    """A level above the burst is careful enough."""
    limiter = AsyncLimiter(10, 10)
    limiter.pause(5)

    limiter.restrict(0)

    assert limiter.statistics().level == 15


@BOTH
async def test_restricting_twice_is_restricting_once(kind):
    """The same word twice changes nothing the second time."""
    limiter = kind(10, 10)
    limiter.restrict(3)
    before = limiter.statistics()

    limiter.restrict(3)

    assert limiter.statistics() == before


@BOTH
async def test_a_pause_without_a_loop(kind):
    """Nobody needs to wait for a pause to count."""
    limiter = kind(10, 10)

    limiter.pause(2)
    limiter.restrict(1)

    assert await admission(limiter, 0) == 2
    assert now() == 2
