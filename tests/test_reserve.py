"""Take an estimate, settle for what it cost."""

from __future__ import annotations

import asyncio
import re

import pytest

from aiolimiter import AsyncLimiter, Reservation, SlidingWindowLimiter

from .timetable import admission, in_line, now, spent, until

BOTH = pytest.mark.parametrize("kind", [AsyncLimiter, SlidingWindowLimiter])


@BOTH
async def test_entering_takes_the_amount(kind):
    """On entering the block the estimate is taken."""
    limiter = kind(10, 10)

    async with limiter.reserve(7) as reservation:
        assert isinstance(reservation, Reservation)
        assert reservation.amount == 7
        assert limiter.statistics().level == 7


@BOTH
async def test_making_one_takes_nothing(kind):
    """A reservation that is not entered takes nothing."""
    limiter = kind(10)

    limiter.reserve(7)

    assert limiter.statistics().level == 0


@BOTH
async def test_a_weight_with_async_with(kind):
    """`async with limiter.reserve(5):` waits like acquire(5)."""
    limiter = await spent(kind(10, 10))

    async with limiter.reserve(10):
        assert now() == 10


@BOTH
@pytest.mark.parametrize("actual", [0, 3, 7, 9])
async def test_settling_at_once(kind, actual):
    """Settled at once, it has cost what it has cost."""
    limiter = kind(10, 10)

    async with limiter.reserve(7) as reservation:
        reservation.settle(actual)

    assert limiter.statistics().level == actual


@BOTH
async def test_leaving_without_settling_keeps_the_estimate(kind):
    """Whoever does not settle has used the estimate."""
    limiter = kind(10, 10)

    async with limiter.reserve(7):
        pass

    assert limiter.statistics().level == 7


@BOTH
async def test_leaving_by_an_error_keeps_the_estimate(kind):
    """After an error the estimate stands: the server may have counted it."""
    limiter = kind(10, 10)

    with pytest.raises(KeyError):
        async with limiter.reserve(7):
            raise KeyError

    assert limiter.statistics().level == 7


@BOTH
async def test_settling_0_gives_all_back(kind):
    """settle(0) undoes the reservation, also on the way out by an error."""
    limiter = kind(10, 10)

    async def fail():
        async with limiter.reserve(7) as reservation:
            try:
                {}["nobody"]
            except KeyError:
                reservation.settle(0)
                raise

    with pytest.raises(KeyError):
        await fail()
    assert limiter.statistics().level == 0


@BOTH
async def test_what_comes_back_goes_to_whoever_waits(kind):
    """Settling for less grants in the same instant what has come free."""
    limiter = kind(10, 10)

    async with limiter.reserve(10) as reservation:
        waiting = await in_line(limiter, 4)
        await asyncio.sleep(0.5)
        reservation.settle(6)

        assert await waiting == 0.5


@pytest.mark.parametrize(
    ("after", "actual", "level"),
    [
        (0, 4, 4),
        (2, 4, 2),  # taken 4 in the first place, 2 would be left
        (4, 4, 0),
        (6, 4, 0),  # 4 are left of 10, as if they were of 4 none
        (8, 0, 0),
        (10, 4, 0),
        (3, 10, 7),
    ],
)
async def test_as_if_it_had_been_taken_so(after, actual, level):
    """Afterwards the level is what it would be had actual been taken at first."""
    limiter = AsyncLimiter(10, 10)

    async with limiter.reserve(10) as reservation:
        await asyncio.sleep(after)
        reservation.settle(actual)

    assert limiter.statistics().level == pytest.approx(level)


async def test_what_others_took_later_stays():
    """What has leaked is gone: later takes are not given back in its place."""
    limiter = AsyncLimiter(10, 10)

    async with limiter.reserve(6) as reservation:
        await asyncio.sleep(4)  # 2 left
        await limiter.acquire(5)
        reservation.settle(0)

    assert limiter.statistics().level == 5


async def test_several_at_once():
    """Reservations that are open at once each give back their own."""
    limiter = AsyncLimiter(10, 10)

    async with limiter.reserve(4) as first, limiter.reserve(5) as second:
        first.settle(1)
        second.settle(2)

    assert limiter.statistics().level == 3


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0), (1, 0, 2)])
async def test_several_after_a_while(order):
    """In whatever order they settle, it is as if less had been taken at first."""
    limiter = AsyncLimiter(10, 10)
    async with (
        limiter.reserve(3) as first,
        limiter.reserve(3) as second,
        limiter.reserve(3) as third,
    ):
        await until(4)
        reservations = [first, second, third]
        for index in order:
            reservations[index].settle(0)

    assert limiter.statistics().level == pytest.approx(0)


async def test_the_lowest_level_since_bounds_what_comes_back():
    """No more comes back than the lowest level since the admission."""
    limiter = AsyncLimiter(10, 10)

    async with limiter.reserve(8) as reservation:
        await until(5)  # 3 left
        await limiter.acquire(6)
        await until(7)  # 7 left
        reservation.settle(0)

    assert limiter.statistics().level == pytest.approx(4)


@pytest.mark.parametrize(
    ("kind", "next_one"), [(AsyncLimiter, 6), (SlidingWindowLimiter, 10)]
)
async def test_more_becomes_a_debt(kind, next_one):
    """What it cost on top is owed, also above the burst; the next waits for it."""
    limiter = kind(10, 10)

    async with limiter.reserve(1) as reservation:
        reservation.settle(15)

    assert limiter.statistics().level == 15
    assert await admission(limiter) == next_one


async def test_more_makes_those_who_wait_wait_longer():
    """A debt is paid before anybody who already waits is admitted."""
    limiter = AsyncLimiter(10, 10)

    async with limiter.reserve(10) as reservation:
        waiting = await in_line(limiter)
        reservation.settle(15)

        assert await waiting == 6


async def test_after_a_wait():
    """A reservation that had to wait settles like any other."""
    limiter = await spent(AsyncLimiter(10, 10))

    async with limiter.reserve(10) as reservation:
        await until(12)
        reservation.settle(5)

    assert limiter.statistics().level == pytest.approx(3)


@BOTH
async def test_two_that_were_granted_together(kind):
    """Of two granted in one wake-up each gives back its own."""
    limiter = await spent(kind(10, 10))

    async def use(actual):
        async with limiter.reserve(4) as reservation:
            await asyncio.sleep(0.5)
            reservation.settle(actual)

    tasks = [asyncio.create_task(use(actual)) for actual in (1, 3)]
    await asyncio.sleep(0)
    limiter.max_rate = 20
    await asyncio.gather(*tasks)

    leaked = 1 if kind is AsyncLimiter else 0
    assert limiter.statistics().level == pytest.approx(14 - leaked)


async def test_a_pause_is_not_given_back():
    """Nothing that a pause put there comes back."""
    limiter = AsyncLimiter(10, 10)

    async with limiter.reserve(10) as reservation:
        limiter.pause(5)
        reservation.settle(0)

    assert await admission(limiter) == 6


async def test_a_restriction_is_not_given_back():
    """Nothing that a restriction put there comes back."""
    limiter = AsyncLimiter(10, 10)

    async with limiter.reserve(4) as reservation:
        limiter.restrict(1)  # 5 more
        reservation.settle(0)

    assert limiter.statistics().level == 9


async def test_what_the_restriction_did_not_need_comes_back():
    """A restriction that left room takes nothing from what comes back."""
    limiter = AsyncLimiter(10, 10)

    async with limiter.reserve(6) as reservation:
        limiter.restrict(7)
        reservation.settle(0)

    assert limiter.statistics().level == 3


async def test_a_window_gives_back_until_it_expires():
    """In a window what expired does not come back, and the rest does whole."""
    limiter = SlidingWindowLimiter(10, 10)

    async with limiter.reserve(6) as reservation:
        await until(9)
        await limiter.acquire(4)
        reservation.settle(1)

    assert limiter.statistics().level == 5


async def test_a_window_gives_nothing_back_that_expired():
    """What was taken a period ago is gone: nothing comes back in its place."""
    limiter = SlidingWindowLimiter(10, 10)

    async with limiter.reserve(6) as reservation:
        await until(10)
        await limiter.acquire(4)
        reservation.settle(0)

    assert limiter.statistics().level == 4


async def test_a_window_s_restriction_is_not_given_back():
    """Nothing that a restriction put into a window comes back."""
    limiter = SlidingWindowLimiter(10, 10)

    async with limiter.reserve(4) as reservation:
        limiter.restrict(1)
        reservation.settle(0)

    assert limiter.statistics().level == 9


# Misuse.


def misuse(message):
    return pytest.raises(RuntimeError, match=f"^{re.escape(message)}$")


async def test_settling_twice():
    """Settling twice is an error, and changes nothing."""
    limiter = AsyncLimiter(10, 10)

    async with limiter.reserve(5) as reservation:
        reservation.settle(4)
        with misuse(
            "can't settle: it is settled already; settle once, inside the block"
        ):
            reservation.settle(1)

    assert limiter.statistics().level == 4


async def test_settling_before_the_block():
    """A reservation that is not entered can't be settled."""
    reservation = AsyncLimiter(10).reserve(5)

    with misuse(
        "can't settle: its block is not entered yet; settle once, inside the block"
    ):
        reservation.settle(1)


async def test_settling_while_it_waits():
    """A reservation that still waits can't be settled."""
    limiter = await spent(AsyncLimiter(1, 1))
    reservation = limiter.reserve()
    entering = asyncio.create_task(reservation.__aenter__())
    await asyncio.sleep(0)

    with misuse(
        "can't settle: its amount is not taken yet; settle once, inside the block"
    ):
        reservation.settle(1)
    await entering
    await reservation.__aexit__(None, None, None)


async def test_settling_after_the_block():
    """Once its block is left, a reservation can't be settled."""
    async with AsyncLimiter(10).reserve(5) as reservation:
        pass

    with misuse("can't settle: its block is left; settle once, inside the block"):
        reservation.settle(1)


async def test_entering_twice():
    """A reservation is for one block."""
    reservation = AsyncLimiter(10).reserve(5)
    async with reservation:
        pass

    with misuse("can't enter a reservation twice: call reserve again"):
        await reservation.__aenter__()
