"""A keyed limiter as a value: true, generic, of one key at a time."""

from __future__ import annotations

from math import inf

import pytest

from aiolimiter import KeyedLimiter, KeyedSlidingWindowLimiter
from aiolimiter._core.keyed.shards import SHARDS

from .timetable import admission

BOTH = pytest.mark.parametrize("kind", [KeyedLimiter, KeyedSlidingWindowLimiter])


@BOTH
def test_it_is_true_before_it_is_used(kind):
    """An optional limiter that is asked for by `if limits:` is used."""
    limits = kind(10)

    assert len(limits) == 0
    assert limits


@BOTH
def test_it_is_generic_in_its_key(kind):
    """`KeyedLimiter[str]` is a type, and makes a limiter."""
    limits = kind[str](10)

    assert isinstance(limits, kind)
    assert limits["a"].try_acquire()


@BOTH
async def test_without_a_key(kind):
    """Who forgets the key is asked which, and told how."""
    limits = kind(10)
    message = (
        rf"^which key\? a {kind.__name__} has one limiter for each: limits\[key\]$"
    )

    with pytest.raises(TypeError, match=message):
        async with limits:
            pass
    with pytest.raises(TypeError, match=message), limits:
        pass
    with pytest.raises(TypeError, match=message):
        limits(admission)


@BOTH
def test_the_limit_of_a_key(kind):
    """A key tells its rate, period and burst, and they are set for all at once."""
    limits = kind(lambda key: {"paid": 20}.get(key, 2), 30)

    paid, free = limits["paid"], limits["free"]
    assert (paid.max_rate, paid.time_period, paid.burst) == (20, 30, 20)
    assert (free.max_rate, free.time_period, free.burst) == (2, 30, 2)
    limits.max_rate, limits.time_period = 5, 60
    assert (paid.max_rate, paid.time_period, paid.burst) == (5, 60, 5)
    for name in ("max_rate", "time_period", "burst"):
        with pytest.raises(AttributeError):
            setattr(paid, name, 1)


def test_the_burst_of_a_key():
    """A burst for all keys is that of each."""
    assert KeyedLimiter(10, burst=3)["a"].burst == 3


@BOTH
async def test_no_pause_of_a_key_is_longer_than_max_pause(kind):
    """Pauses of all keys are cut to an hour, or to what max_pause says."""
    limits = kind(10)
    limits["a"].pause(1e12)
    assert limits["a"].try_acquire(0).retry_after == pytest.approx(3600)

    limits.max_pause = 10
    limits["b"].pause(1e12)

    assert limits.max_pause == limits["c"].max_pause == 10
    assert await admission(limits["b"], 0) == 10
    limits.max_pause = inf
    limits["b"].pause(10_000)
    assert await admission(limits["b"], 0) == 10_010


@BOTH
def test_max_pause_is_set_for_all_keys(kind):
    """A key has no max_pause of its own, and says where it is set."""
    limits = kind(10)

    with pytest.raises(AttributeError, match=r"^max_pause is one for all keys: set it"):
        limits["a"].max_pause = 10
    with pytest.raises(ValueError, match=r"^max_pause must be above 0"):
        limits.max_pause = 0
    with pytest.raises(ValueError, match=r"^seconds must be"):
        limits["a"].pause(-1)
    assert limits.max_pause == 3600


@BOTH
async def test_a_key_that_is_reset(kind):
    """A key that is reset is as good as new, and no other one is."""
    limits = kind(2, 10)
    for key in "ab":
        await limits[key].acquire(2)
    limits["a"].pause(100)

    limits["a"].reset()

    assert limits["a"].try_acquire(2)
    assert not limits["b"].try_acquire()


@BOTH
@pytest.mark.parametrize(
    "make",
    [
        lambda number: number,
        lambda number: number * 64,
        lambda number: number * 2**22,
        lambda number: number * 2**40,
        lambda number: -number * 64,
        lambda number: number / 64,
        lambda number: ("user", number * 64),
        lambda number: f"user {number}",
        lambda number: (number >> 12) * 2**30 + (number & 4095) * 64,
    ],
    ids=["1", "64", "2**22", "2**40", "-64", "1/64", "tuple", "string", "snowflake"],
)
def test_keys_of_any_kind_are_spread(kind, make):
    """No dict of keys holds many times its share, so none is slow to grow."""
    limits = kind(10, 1e6, max_keys=1e9)
    number = 64 * SHARDS

    for each in range(number):
        limits[make(each)].try_acquire()

    ledger = limits._keys._ledger
    sizes = [
        len(new) + len(old) for new, old in zip(ledger._new, ledger._old, strict=True)
    ]
    assert sum(sizes) == number
    assert max(sizes) < 4 * number / SHARDS
