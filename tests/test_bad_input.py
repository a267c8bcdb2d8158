"""Bad input is refused at once, changes nothing, and is told what would do."""

from __future__ import annotations

import asyncio
import math
import re
from decimal import Decimal
from fractions import Fraction

import pytest

from aiolimiter import (
    AsyncLimiter,
    KeyedLimiter,
    KeyedSlidingWindowLimiter,
    SlidingWindowLimiter,
)

from .timetable import in_line, now, spent

NAN = math.nan
INF = math.inf


def whole(message: str) -> str:
    """Match *message*, all of it, and nothing else."""
    return f"^{re.escape(message)}$"


POSITIVE = [
    (0, "{} must be a finite number above 0, got 0"),
    (-1, "{} must be a finite number above 0, got -1"),
    (-0.5, "{} must be a finite number above 0, got -0.5"),
    (NAN, "{} must be a finite number above 0, got nan"),
    (INF, "{} must be a finite number above 0, got inf"),
    (-INF, "{} must be a finite number above 0, got -inf"),
]
RATE = [
    (-0.1, "max_rate must be above 0 (math.inf for no limit), got -0.1"),
    (-1, "max_rate must be above 0 (math.inf for no limit), got -1"),
    (NAN, "max_rate must be above 0 (math.inf for no limit), got nan"),
    (-INF, "max_rate must be above 0 (math.inf for no limit), got -inf"),
]
NO_NUMBER = [
    ("10", "{} must be a number, got '10'"),
    (b"10", "{} must be a number, got b'10'"),
    ([1], "{} must be a number, got [1]"),
    (1j, "{} must be a number, got 1j"),
]
AMOUNT = [
    (-1, "amount must be 0 or more, got -1"),
    (-1e-9, "amount must be 0 or more, got -1e-09"),
    (-INF, "amount must be 0 or more, got -inf"),
    (NAN, "amount must be 0 or more, got nan"),
]
TOO_MUCH = (
    "can't acquire {}: this limiter holds at most {}; "
    "ask for less at a time, or raise the limit"
)
BOTH = pytest.mark.parametrize("kind", [AsyncLimiter, SlidingWindowLimiter])


HUGE = 10**400

# The numbers of a limiter.


@BOTH
@pytest.mark.parametrize("use", ["acquire", "try_acquire", "reserve", "pause"])
async def test_a_number_too_large_for_a_float(kind, use):
    """An integer that no float can hold is refused like all that is too large."""
    limiter = kind(10)
    message = f"{'seconds' if use == 'pause' else 'amount'} must be finite, got "
    with pytest.raises(ValueError, match=f"^{message}a number too large for a float$"):
        await getattr(limiter, use)(HUGE)
    assert limiter.statistics().level == 0


@pytest.mark.parametrize("numbers", [(HUGE,), (10, HUGE)])
@BOTH
def test_a_limit_too_large_for_a_float(kind, numbers):
    """So is such a limit."""
    with pytest.raises(ValueError, match=r"got a number too large for a float$"):
        kind(*numbers)


def test_max_rate_0_of_a_window():
    """A window that admits nothing can't be made."""
    message = "max_rate must be above 0 (math.inf for no limit), got 0"
    with pytest.raises(ValueError, match=whole(message)):
        SlidingWindowLimiter(0)


async def test_max_rate_0_of_a_bucket():
    """A bucket that admits nothing can be made, and says how to have no limit."""
    limiter = AsyncLimiter(0, 1)
    message = whole(
        "can't acquire 1: this limiter holds at most 0; "
        "max_rate=0 admits nothing, and math.inf is no limit"
    )

    assert (limiter.max_rate, limiter.burst) == (0, 0)
    assert not limiter.has_capacity()
    with pytest.raises(ValueError, match=message):
        await limiter.acquire()
    with pytest.raises(ValueError, match=message):
        async with limiter:
            pass
    with pytest.raises(ValueError, match=message):
        limiter.try_acquire()
    await limiter.acquire(0)
    limiter.max_rate = 5
    assert limiter.try_acquire(5)


def test_max_rate_0_beside_a_burst():
    """A burst that would never fill again is a mistake."""
    message = "max_rate must be above 0 (math.inf for no limit), got 0"
    with pytest.raises(ValueError, match=whole(message)):
        AsyncLimiter(0, burst=1)


@BOTH
@pytest.mark.parametrize(("value", "message"), RATE)
def test_max_rate_must_be_above_0(kind, value, message):
    """A limiter that admits nothing, or less, can't be made."""
    with pytest.raises(ValueError, match=whole(message)):
        kind(value)


@BOTH
@pytest.mark.parametrize(("value", "message"), POSITIVE)
def test_time_period_must_be_above_0(kind, value, message):
    """A period must be finite and above 0."""
    with pytest.raises(ValueError, match=whole(message.format("time_period"))):
        kind(10, value)


@pytest.mark.parametrize(("value", "message"), POSITIVE)
def test_burst_must_be_above_0(value, message):
    """A burst must be finite and above 0."""
    with pytest.raises(ValueError, match=whole(message.format("burst"))):
        AsyncLimiter(10, burst=value)


@BOTH
@pytest.mark.parametrize(("value", "message"), NO_NUMBER)
def test_what_is_no_number_is_a_type_error(kind, value, message):
    """Strings are not taken for numbers, nor is anything else."""
    with pytest.raises(TypeError, match=whole(message.format("max_rate"))):
        kind(value)
    with pytest.raises(TypeError, match=whole(message.format("time_period"))):
        kind(10, value)


@pytest.mark.parametrize(("value", "message"), NO_NUMBER)
def test_a_burst_that_is_no_number(value, message):
    """A burst that is no number is a TypeError."""
    with pytest.raises(TypeError, match=whole(message.format("burst"))):
        AsyncLimiter(10, burst=value)


@pytest.mark.parametrize("name", ["max_rate", "time_period", "burst"])
@pytest.mark.parametrize("value", [0, -1, NAN])
def test_setting_bad_numbers_changes_nothing(name, value):
    """A bad number that is set is refused as when the limiter is made."""
    limiter = AsyncLimiter(10, 5, burst=3)

    with pytest.raises(ValueError, match=rf"^{name} must be .* 0.*, got {value}$"):
        setattr(limiter, name, value)

    assert (limiter.max_rate, limiter.time_period, limiter.burst) == (10, 5, 3)


@pytest.mark.parametrize("name", ["max_rate", "time_period"])
@pytest.mark.parametrize("value", [0, -1, NAN])
def test_setting_bad_numbers_of_a_window(name, value):
    """A window keeps its numbers, too, when a bad one is set."""
    limiter = SlidingWindowLimiter(10, 5)

    with pytest.raises(ValueError, match=rf"^{name} must be .* 0.*, got {value}$"):
        setattr(limiter, name, value)

    assert (limiter.max_rate, limiter.time_period) == (10, 5)


@BOTH
@pytest.mark.parametrize(
    ("rate", "period", "numbers"),
    [
        (1e-200, 1e200, "1e-200 / 1e+200"),
        (5e-324, 60, "4.94065645841247e-324 / 60"),
        (1e200, 1e-200, "1e+200 / 1e-200"),
    ],
)
def test_a_rate_no_float_can_hold(kind, rate, period, numbers):
    """What a float takes for 0 or infinite units a second is refused."""
    message = (
        f"max_rate / time_period must be a number above 0, got {numbers}; "
        "use a time_period nearer to it"
    )

    with pytest.raises(ValueError, match=whole(message)):
        kind(rate, period)


@BOTH
def test_setting_a_rate_no_float_can_hold(kind):
    """Two numbers that do not go together are refused when the second is set."""
    limiter = kind(1e-200, 1)

    with pytest.raises(ValueError, match=r"^max_rate / time_period must be "):
        limiter.time_period = 1e200

    assert limiter.time_period == 1


# Amounts.


async def acquire(limiter, amount):
    await limiter.acquire(amount)


async def try_acquire(limiter, amount):
    limiter.try_acquire(amount)


async def reserve(limiter, amount):
    async with limiter.reserve(amount):
        pass


TAKING = pytest.mark.parametrize("take", [acquire, try_acquire, reserve])


@BOTH
@TAKING
@pytest.mark.parametrize(
    ("value", "message"), [*AMOUNT, (INF, "amount must be finite, got inf")]
)
async def test_an_amount_is_a_number_from_0_up(kind, take, value, message):
    """An amount that is negative or no number is refused, and nothing taken."""
    limiter = kind(10)

    with pytest.raises(ValueError, match=whole(message)):
        await take(limiter, value)

    assert limiter.statistics().level == 0


@BOTH
@TAKING
@pytest.mark.parametrize(("value", "message"), NO_NUMBER)
async def test_an_amount_that_is_no_number(kind, take, value, message):
    """An amount of another type is a TypeError."""
    with pytest.raises(TypeError, match=whole(message.format("amount"))):
        await take(kind(10), value)


@BOTH
@TAKING
@pytest.mark.parametrize(
    ("most", "amount", "numbers"),
    [
        (10, 11, ("11", "10")),
        (10, 10.5, ("10.5", "10")),
        (0.5, 1, ("1", "0.5")),
        (1_000_000, 1_000_001, ("1000001", "1000000")),
        (10, 10.000001, ("10.000001", "10")),
    ],
)
async def test_more_than_it_holds(kind, take, most, amount, numbers):
    """What could never be admitted is refused at once, with both numbers."""
    limiter = kind(most)

    with pytest.raises(ValueError, match=whole(TOO_MUCH.format(*numbers))):
        await take(limiter, amount)

    assert limiter.statistics().level == 0


@TAKING
async def test_more_than_the_burst(take):
    """What a bucket holds is its burst, not its rate."""
    with pytest.raises(ValueError, match=whole(TOO_MUCH.format(4, 3))):
        await take(AsyncLimiter(10, burst=3), 4)


async def test_async_with_more_than_it_holds():
    """`async with` on a limiter that holds less than 1 says so."""
    with pytest.raises(ValueError, match=whole(TOO_MUCH.format(1, 0.5))):
        async with AsyncLimiter(0.5):
            pass


@BOTH
@TAKING
async def test_never_fits_is_not_told_by_waiting(kind, take):
    """An amount that never fits is refused at once also while others wait."""
    limiter = await spent(kind(10, 10))
    waiting = await in_line(limiter)

    with pytest.raises(ValueError, match=whole(TOO_MUCH.format(11, 10))):
        await take(limiter, 11)

    assert now() == 0
    await waiting


@TAKING
@pytest.mark.parametrize(
    "make",
    [
        AsyncLimiter,
        SlidingWindowLimiter,
        lambda rate: KeyedLimiter(rate)["a"],
        lambda rate: KeyedSlidingWindowLimiter(lambda _: rate)["a"],
    ],
)
async def test_all_it_holds_whatever_the_sum_was_rounded_to(make, take):
    """0.1 + 0.2 is a little more than 0.3 in floats, and is all that 0.3 holds."""
    limiter = make(0.3)

    assert limiter.has_capacity(0.1 + 0.2)
    await take(limiter, 0.1 + 0.2)

    assert not limiter.has_capacity(0.1 + 0.2)
    assert limiter.try_acquire(0.1 + 0.2).retry_after > 0
    await asyncio.wait_for(limiter.acquire(0.1 + 0.2), 61)


@BOTH
@TAKING
async def test_nothing_may_be_asked_for(kind, take):
    """An amount of 0 is allowed, and takes nothing."""
    limiter = kind(10)

    await take(limiter, 0)

    assert limiter.statistics().level == 0


@BOTH
@pytest.mark.parametrize(("value", "message"), AMOUNT)
def test_has_capacity_wants_a_number_from_0_up(kind, value, message):
    """has_capacity refuses the amounts that acquire refuses, but too large ones."""
    with pytest.raises(ValueError, match=whole(message)):
        kind(10).has_capacity(value)


# All other numbers.


@BOTH
@pytest.mark.parametrize(
    ("value", "message"),
    [
        (-1, "max_wait must be 0 or more, got -1"),
        (NAN, "max_wait must be 0 or more, got nan"),
    ],
)
async def test_max_wait_from_0_up(kind, value, message):
    """A negative wait is a mistake, also when there is room."""
    with pytest.raises(ValueError, match=whole(message)):
        await kind(10).acquire(max_wait=value)
    with pytest.raises(ValueError, match=whole(message)):
        kind(10).reserve(max_wait=value)


@BOTH
@pytest.mark.parametrize(
    ("value", "message"),
    [
        (-1, "seconds must be 0 or more, got -1"),
        (NAN, "seconds must be 0 or more, got nan"),
        (INF, "seconds must be finite, got inf"),
    ],
)
def test_a_pause_is_finite(kind, value, message):
    """A pause without an end is refused, and nothing is paused."""
    limiter = kind(10)

    with pytest.raises(ValueError, match=whole(message)):
        limiter.pause(value)

    assert limiter.has_capacity(10)


@BOTH
@pytest.mark.parametrize(
    ("value", "message"),
    [
        (-1, "remaining must be 0 or more, got -1"),
        (NAN, "remaining must be 0 or more, got nan"),
    ],
)
def test_what_remains_is_0_or_more(kind, value, message):
    """A server that says that less than nothing is left is not believed."""
    limiter = kind(10)

    with pytest.raises(ValueError, match=whole(message)):
        limiter.restrict(value)

    assert limiter.has_capacity(10)


@BOTH
@pytest.mark.parametrize(
    ("value", "message"),
    [
        (-1, "actual must be 0 or more, got -1"),
        (NAN, "actual must be 0 or more, got nan"),
        (INF, "actual must be finite, got inf"),
    ],
)
async def test_an_actual_cost_is_finite(kind, value, message):
    """A bad cost is refused, and the reservation may still be settled."""
    limiter = kind(10)

    async with limiter.reserve(5) as reservation:
        with pytest.raises(ValueError, match=whole(message)):
            reservation.settle(value)
        reservation.settle(2)

    assert limiter.statistics().level == 2


# Usage.


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        (AsyncLimiter, "AsyncLimiter"),
        (SlidingWindowLimiter, "SlidingWindowLimiter"),
    ],
)
def test_with_is_a_type_error(kind, name):
    """`with limiter:` says what to write."""
    message = f"{name} waits in the event loop: use 'async with'"

    with pytest.raises(TypeError, match=whole(message)), kind(10):
        pass


@BOTH
def test_numbers_of_other_types(kind):
    """What converts to a float is a number: a Fraction, a Decimal, a bool."""
    limiter = kind(Fraction(5, 2), Decimal(10))

    assert (limiter.max_rate, limiter.time_period) == (2.5, 10)
    assert limiter.has_capacity(True)  # noqa: FBT003 -- the point
