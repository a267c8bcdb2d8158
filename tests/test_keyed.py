"""One limit for each key: forgotten exactly when it is as good as new."""

from __future__ import annotations

import asyncio
import contextlib
import math
import re
import time

import pytest

from aiolimiter import (
    CombinedLimiter,
    Decision,
    KeyedLimiter,
    KeyedSlidingWindowLimiter,
    LimiterStatistics,
    RateLimitExceeded,
)

from .timetable import admission, admissions, in_line, now, until, virtual


def touch(limits, number=100):
    """Use *number* of other keys, so that each key is looked at."""
    for key in range(number):
        limits[f"other {key}"].try_acquire()


async def test_each_key_has_its_own_limit():
    """What one key takes is not missing in another."""
    limits = KeyedLimiter(2, 2)

    a = asyncio.create_task(admissions(limits["a"], [0, 0, 0]))
    b = await admissions(limits["b"], [0, 0, 0])

    assert (await a, b) == ([0, 0, 1], [0, 0, 1])


async def test_a_key_is_a_leaky_bucket():
    """A key admits as an AsyncLimiter does."""
    assert await admissions(KeyedLimiter(4, 8)["a"], [0] * 6) == [0, 0, 0, 0, 2, 4]


async def test_the_period_is_a_minute():
    """KeyedLimiter(100) admits 100 in 60 seconds, for each key."""
    limits = KeyedLimiter(100)

    assert (limits.max_rate, limits.time_period, limits.burst) == (100, 60, None)


async def test_a_burst_for_each_key():
    """The burst holds for each key."""
    limits = KeyedLimiter(4, 8, burst=1)

    assert await admissions(limits["a"], [0] * 3) == [0, 2, 4]


async def test_a_rate_for_each_key():
    """A function gives each key its own rate."""
    limits = KeyedLimiter(lambda key: 4 if key == "paid" else 1, 4)

    assert await admissions(limits["free"], [0, 0]) == [0, 4]
    assert await admissions(limits["paid"], [4] * 5) == [4, 4, 4, 4, 5]


# The verbs of a key.


async def test_async_with():
    """`async with limits[key]` acquires 1 for that key."""
    limits = KeyedLimiter(1, 1)

    async with limits["a"]:
        pass
    async with limits["b"]:
        pass
    async with limits["a"]:
        assert now() == 1


async def test_decorator():
    """`@limits[key]` limits a function."""

    @KeyedLimiter(1, 1)["a"]
    async def call():
        return now()

    assert [await call(), await call()] == [0, 1]


@pytest.mark.parametrize("combined", [False, True])
async def test_settling_up_a_key_that_was_forgotten(combined):
    """What a reservation cost on top is a debt, however late that is known."""
    limits = KeyedLimiter(10, 10)
    limiter = CombinedLimiter(limits["a"]) if combined else limits["a"]

    async with limiter.reserve(6) as reservation:
        await asyncio.sleep(60)
        async with limits["a"].reserve():
            pass
        await asyncio.sleep(60)
        touch(limits)
        reservation.settle(9)

    assert limits["a"].statistics().level == 3


async def test_reserve_and_settle():
    """A key can be reserved and settled."""
    limits = KeyedLimiter(10, 10)

    async with limits["a"].reserve(6) as reservation:
        touch(limits)
        reservation.settle(2)
    touch(limits)

    assert limits["a"].statistics().level == 2


async def test_a_reservation_that_is_entered_later():
    """A reservation counts for its key, however much later it is entered."""
    limits = KeyedLimiter(10, 10)
    reservation = limits["a"].reserve(6)
    touch(limits)

    async with reservation:
        touch(limits)

        assert limits["a"].statistics().level == 6


async def test_pause():
    """A pause of a key stops that key only, and stands while others come and go."""
    limits = KeyedLimiter(10, 10)
    limits["a"].pause(5)
    touch(limits)

    assert limits["b"].try_acquire()
    assert await admission(limits["a"], 0) == 5


async def test_restrict():
    """A restriction counts for its key."""
    limits = KeyedLimiter(10, 10)

    limits["a"].restrict(3)
    touch(limits)

    assert limits["a"].statistics().available == 3
    assert limits["b"].statistics().available == 10


async def test_max_wait():
    """A wait that is too long is refused at once."""
    limits = KeyedLimiter(1, 10)
    await limits["a"].acquire(max_wait=0)

    with pytest.raises(RateLimitExceeded) as caught:
        await limits["a"].acquire(max_wait=9)

    assert now() == 0
    assert caught.value.retry_after == pytest.approx(10)
    assert await admission(limits["a"], max_wait=10) == 10


async def test_try_acquire():
    """A decision tells when to come again and what is left."""
    limits = KeyedLimiter(10, 10)

    first, second = limits["a"].try_acquire(8), limits["a"].try_acquire(4)

    assert first == Decision(granted=True, retry_after=0.0, remaining=2)
    assert (second.granted, second.remaining) == (False, 2)
    await asyncio.sleep(second.retry_after)
    assert limits["a"].try_acquire(4)


async def test_try_acquire_does_not_pass_those_who_wait():
    """While others wait for a key, the order holds for try_acquire as well."""
    limits = KeyedLimiter(1, 1)
    await limits["a"].acquire()
    waiting = await in_line(limits["a"])

    assert limits["a"].try_acquire().retry_after == pytest.approx(2)
    await waiting


@pytest.mark.parametrize(
    ("amount", "fits"), [(0, True), (2, True), (2.5, False), (11, False)]
)
async def test_has_capacity(amount, fits):
    """has_capacity looks, and takes nothing."""
    limits = KeyedLimiter(10, 10)
    limits["a"].try_acquire(8)

    assert limits["a"].has_capacity(amount) is fits
    assert limits["a"].statistics().level == 8


async def test_statistics_of_a_key():
    """A key tells its own statistics."""
    limits = KeyedLimiter(2, 2)
    await limits["a"].acquire(2)
    waiting = await in_line(limits["a"])

    assert limits["a"].statistics() == LimiterStatistics(
        level=2, available=0, waiting=1, amount_waiting=1, seconds_to_next=1
    )
    assert limits["b"].statistics().waiting == 0
    await waiting


async def test_statistics_of_all():
    """The limiter tells the statistics of all keys together."""
    limits = KeyedLimiter(2, 2)
    for key in "abc":
        await limits[key].acquire(2)
    waiting = [await in_line(limits[key], 0.5) for key in "abb"]

    assert limits.statistics() == LimiterStatistics(
        level=6, available=2, waiting=3, amount_waiting=1.5, seconds_to_next=0.5
    )
    await asyncio.gather(*waiting)


async def test_statistics_with_a_rate_for_each_key():
    """Where each key has its own rate, nobody can tell what a new one would have."""
    assert KeyedLimiter(lambda key: key).statistics().available == math.inf


async def test_cancellation_gives_back():
    """Who is cancelled while waiting for a key took nothing."""
    limits = KeyedLimiter(1, 1)
    await limits["a"].acquire()
    waiting = await in_line(limits["a"])
    waiting.cancel()
    await asyncio.wait([waiting])

    assert limits["a"].statistics().waiting == 0
    assert await admission(limits["a"]) == 1


def test_a_misspelt_verb():
    """A key has the verbs of a limiter, and says so of what is none."""
    message = r"^'QuietKeyLimiter' object has no attribute 'aquire'$"
    with pytest.raises(AttributeError, match=message):
        KeyedLimiter(1, 1)["a"].aquire  # noqa: B018 -- that is what is looked at


def test_the_repr():
    """The reprs tell the limit and the state."""
    limits = KeyedLimiter(4, 8)
    limits["a"].try_acquire(2.5)

    assert repr(limits) == "<KeyedLimiter(4, 8) keys=1>"
    assert re.fullmatch(r"<limiter of 'a' level=2\.\d+>", repr(limits["a"]))
    assert re.fullmatch(
        r"<KeyedLimiter\(<function .*>, 60\) keys=0>",
        repr(KeyedLimiter(lambda key: key)),
    )


# Forgetting.


async def test_a_key_is_there_while_it_owes():
    """A key is in the limiter exactly while it owes something."""
    limits = KeyedLimiter(10, 10)
    await limits["a"].acquire(2)
    await until(1.999)

    assert "a" in limits
    await until(2)
    assert "a" not in limits
    assert list(limits) == []


async def test_a_key_that_was_never_used_is_not_there():
    """Looking at a key does not make it one that owes."""
    limits = KeyedLimiter(10, 10)

    limits["a"].has_capacity()
    limits["a"].statistics()
    limits["a"].try_acquire(0)

    assert "a" not in limits
    assert "a" not in list(limits)


async def test_a_key_is_there_while_somebody_waits():
    """A key with waiters is there, and so is one that is paused."""
    limits = KeyedLimiter(1, 1)
    await limits["a"].acquire()
    waiting = await in_line(limits["a"])
    limits["b"].pause(3)

    touch(limits)

    assert "a" in limits
    assert "b" in limits
    await waiting


async def test_a_busy_key_goes_too():
    """A key that was waited for is forgotten like any other."""
    limits = KeyedLimiter(1, 1)
    assert await admissions(limits["a"], [0, 0, 0]) == [0, 1, 2]
    assert "a" in limits
    await until(4)
    touch(limits)

    assert "a" not in limits
    assert "a" not in list(limits)


async def test_forgetting_costs_no_debt():
    """What a key owes stays while thousands of others come and go."""
    limits = KeyedLimiter(10, 10)
    limits["a"].try_acquire(8)

    for second in range(1, 8):
        touch(limits, 1000)
        await until(second)
        assert limits["a"].statistics().level == pytest.approx(8 - second)


async def test_a_busy_key_keeps_its_debt():
    """What a key owes stays when the last one who waited for it is gone."""
    limits = KeyedLimiter(10, 10)
    await limits["a"].acquire(10)
    await limits["a"].acquire(5)  # at 5
    await until(6)
    touch(limits)

    assert limits["a"].statistics().level == 9


async def test_handles_stay_right():
    """A handle that was got long ago is that of the key, whatever happened since."""
    limits = KeyedLimiter(1, 1)
    handle = limits["a"]
    await handle.acquire()
    await until(10)
    touch(limits)
    assert "a" not in limits

    await limits["a"].acquire()

    assert not handle.try_acquire()
    assert await admission(handle) == 11


async def test_keys_that_are_quiet_are_forgotten():
    """Memory follows the keys that owe something, not those that ever came."""
    limits = KeyedLimiter(10, 10)
    for number in range(10_000):
        limits[number].try_acquire()
    assert len(limits) == 10_000
    await until(2)

    for _ in range(40_000):
        limits["a"].try_acquire(0)

    assert len(limits) == 1


async def test_a_flood_does_not_outrun_forgetting():
    """New keys without end, each as good as new in a second: few are remembered."""
    limits = KeyedLimiter(1, 1)

    for second in range(30):
        await until(second)
        for number in range(1000):
            limits[second, number].try_acquire()
        assert len(limits) < 5000


async def test_iteration():
    """Iterating gives the keys that owe something."""
    limits = KeyedLimiter(10, 10)
    for key, amount in {"a": 1, "b": 3, "c": 5}.items():
        limits[key].try_acquire(amount)
    limits["d"].restrict(5)
    await until(2)

    assert sorted(limits) == ["b", "c", "d"]


def test_keys_may_be_used_while_going_through_them():
    """Going through the keys and using them at once, old and new ones, is fine."""
    limits = KeyedLimiter(10, 1000)
    for key in range(20):
        limits[key].try_acquire()

    for key in limits:
        limits[key].try_acquire()
        limits[key, "new"].try_acquire()

    assert len(limits) >= 40


def test_max_keys_bounds_memory():
    """Under attack no more than max_keys are remembered."""
    limits = KeyedLimiter(10, 60, max_keys=100)

    for number in range(10_000):
        limits[number].try_acquire()
        assert len(limits) <= 100


async def test_the_keys_nearest_to_new_go_first():
    """With max_keys, those that owe least in time are forgotten first."""
    limits = KeyedLimiter(10, 10, max_keys=3)

    for key, amount in [("a", 9), ("b", 1), ("c", 5), ("d", 2), ("e", 3)]:
        limits[key].try_acquire(amount)

    assert sorted(limits) == ["a", "c", "e"]


async def test_what_came_on_top_counts():
    """A key that took more since is farther from new than when it came."""
    limits = KeyedLimiter(10, 10, max_keys=2)
    limits["a"].try_acquire(1)
    limits["b"].try_acquire(3)
    limits["a"].try_acquire(5)

    limits["c"].try_acquire(2)

    assert sorted(limits) == ["a", "c"]


@pytest.mark.parametrize("make", [KeyedLimiter, KeyedSlidingWindowLimiter])
async def test_a_key_that_comes_back_does_not_go_for_itself(make):
    """Who was forgotten and comes back in the same instant is kept, not the others."""
    limits = make(5, 60, max_keys=1)

    for key in ["a", "b", "a"]:
        limits[key].try_acquire()

    assert list(limits) == ["a"]
    assert len(limits) == 1


async def test_max_keys_forgets_nobody_who_waits():
    """Keys with waiters are not forgotten for max_keys."""
    limits = KeyedLimiter(1, 1, max_keys=2)
    waiting = []
    for key in "abc":
        await limits[key].acquire()
        waiting.append(await in_line(limits[key]))

    touch(limits)

    assert {"a", "b", "c"} <= set(limits)
    assert [await task for task in waiting] == [1, 1, 1]


# Changes.


async def test_a_change_of_the_rate():
    """All keys, busy and quiet ones, keep their level and go on at the new rate."""
    limits = KeyedLimiter(10, 10)
    for key in "ab":
        await limits[key].acquire(10)
    waiting = await in_line(limits["a"], 4)
    await until(1)

    limits.time_period = 5

    assert limits["b"].statistics().level == 9
    assert await waiting == 2.5
    assert limits["b"].statistics().level == 6


async def test_several_changes():
    """A key that nobody looked at meanwhile leaks at each rate in its time."""
    limits = KeyedLimiter(10, 10, burst=100)
    limits["a"].try_acquire(100)

    for second, max_rate in [(1, 20), (2, 40), (3, 10)]:
        await until(second)
        limits.max_rate = max_rate
    await until(4)

    assert limits["a"].statistics().level == pytest.approx(100 - 1 - 2 - 4 - 1)


async def test_a_change_of_the_burst():
    """The burst of all keys may be set; what they hold counts at once."""
    limits = KeyedLimiter(10, 10)
    await limits["a"].acquire(6)

    limits.burst = 7

    assert limits.burst == 7
    assert limits["a"].statistics().available == 1
    assert limits["b"].statistics().available == 7


async def test_a_change_with_max_keys():
    """After a change the keys nearest to new still go first."""
    limits = KeyedLimiter(lambda key: {"a": 1, "b": 9}.get(key, 5), 10, max_keys=2)
    limits["a"].try_acquire(1)  # new in 10 s
    limits["b"].try_acquire(5)  # new in 5.6 s

    limits.max_rate = 10  # now in 1 s and in 5 s
    limits["c"].try_acquire(5)

    assert sorted(limits) == ["b", "c"]


@pytest.mark.parametrize(
    ("name", "value"),
    [("max_rate", 0), ("time_period", -1), ("burst", 0), ("time_period", 1e200)],
)
def test_a_refused_change_changes_nothing(name, value):
    """A bad number that is set is refused, and nothing has changed."""
    limits = KeyedLimiter(1e-200, 1)

    with pytest.raises(ValueError, match=r"^[a-z_/ ]+ must be "):
        setattr(limits, name, value)

    assert (limits.max_rate, limits.time_period, limits.burst) == (1e-200, 1, None)


# Bad input.


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((0,), "max_rate must be above 0 (math.inf for no limit), got 0"),
        ((1, 0), "time_period must be a finite number above 0, got 0"),
    ],
)
def test_bad_numbers(arguments, message):
    """A keyed limiter refuses what an AsyncLimiter refuses."""
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        KeyedLimiter(*arguments)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"burst": 0}, "burst must be a finite number above 0, got 0"),
        ({"max_keys": 0}, "max_keys must be a finite number above 0, got 0"),
        ({"max_keys": -1}, "max_keys must be a finite number above 0, got -1"),
    ],
)
def test_bad_options(options, message):
    """Its own numbers must be above 0, too."""
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        KeyedLimiter(10, **options)


@pytest.mark.parametrize("rate", [0, -1, math.nan])
def test_a_bad_rate_of_a_key(rate):
    """A function that gives a bad rate is told for which number."""
    limits = KeyedLimiter(lambda _: rate)

    with pytest.raises(ValueError, match=rf"^max_rate of a key must be .* got {rate}$"):
        limits["a"].try_acquire()


BOTH = pytest.mark.parametrize("kind", [KeyedLimiter, KeyedSlidingWindowLimiter])


@BOTH
@pytest.mark.parametrize("most", [None, 500])
def test_a_rate_that_can_not_be_told_any_more(kind, most):
    """A function that fails for one key disturbs those who call for that key only."""
    rates = dict.fromkeys(range(3000), 2)
    limits = kind(lambda key: rates[key], 3600, max_keys=most)
    for key in range(50):
        limits[key].try_acquire(2)
    del rates[7]

    for key in range(100, 3000):
        assert limits[key].try_acquire()
    with pytest.raises(KeyError):
        limits[7].try_acquire()
    rates[7] = 2

    assert len(limits) == len(set(limits._keys))
    # Its debt may have been forgotten, if there were too many; else it stands.
    assert most or not limits[7].try_acquire()


@BOTH
def test_a_function_that_fails_can_be_replaced(kind):
    """What a function can't tell any more is not asked of it after a change."""
    rates = {"a": 2}
    limits = kind(lambda key: rates[key], 3600)
    limits["a"].try_acquire(2)
    del rates["a"]

    limits.max_rate = 3

    assert limits["a"].try_acquire().remaining == pytest.approx(0, abs=0.1)
    assert not limits["a"].try_acquire()


@BOTH
async def test_a_change_that_can_not_be_for_a_key_in_use(kind):
    """A function that fails for a key in use is refused, and nothing has changed."""
    limits = kind(1, 10)
    await limits["a"].acquire()
    waiting = await in_line(limits["a"])

    with pytest.raises(ValueError, match=r"^max_rate of a key must be above 0"):
        limits.max_rate = lambda _: 0

    assert limits.max_rate == 1
    assert await waiting == 10


@pytest.mark.parametrize("amount", [-1, math.nan, math.inf, 11, 10.5])
async def test_bad_amounts(amount):
    """A key refuses the amounts that an AsyncLimiter refuses."""
    limits = KeyedLimiter(10)

    with pytest.raises(ValueError, match=r"^amount must|^can't acquire"):
        limits["a"].try_acquire(amount)
    with pytest.raises(ValueError, match=r"^amount must|^can't acquire"):
        await limits["a"].acquire(amount)
    with pytest.raises(ValueError, match=r"^amount must|^can't acquire"):
        limits["a"].reserve(amount)
    assert "a" not in limits


async def test_a_bad_max_wait():
    """A bad max_wait is refused also when there is room."""
    limits = KeyedLimiter(10)

    with pytest.raises(ValueError, match=r"^max_wait must be 0 or more, got -1$"):
        await limits["a"].acquire(max_wait=-1)
    assert "a" not in limits


def test_keys_must_be_hashable():
    """What is not hashable is no key."""
    with pytest.raises(TypeError, match=r"^unhashable type"):
        KeyedLimiter(10)[[]].try_acquire()


async def test_without_a_limit():
    """With max_rate=inf no key is ever limited, or remembered."""
    limits = KeyedLimiter(math.inf)

    for _ in range(5):
        assert limits["a"].try_acquire(1e9)
        await limits["a"].acquire(1e9)
    limits["a"].pause(10)

    assert limits["a"].has_capacity(1e9)
    await until(1e-6)
    assert "a" not in limits


# Loops.


def test_in_one_loop_after_the_other():
    """In a later loop all keys are as they were, and so is who was paused."""
    limits = KeyedLimiter(10, 10, max_keys=10)

    async def first():
        await until(1000)
        limits["a"].try_acquire(8)
        limits["b"].pause(5)

    async def second():
        level = limits["a"].statistics().level
        await limits["b"].acquire(0)
        return level, now(), limits["a"].statistics().level

    virtual(first())

    assert virtual(second()) == (8, 5, 3)


def test_in_a_second_loop_while_the_first_is_open():
    """As long as nobody waits, two open loops may use the keys in turns."""
    limits = KeyedLimiter(10, 1e6, max_keys=10)
    loops = [asyncio.new_event_loop() for _ in range(2)]

    async def use():
        return limits["a"].try_acquire(3).remaining, "a" in limits

    try:
        left = [loop.run_until_complete(use()) for loop in (*loops, loops[0])]
    finally:
        for loop in loops:
            loop.close()

    assert left == [(pytest.approx(rest, abs=0.1), True) for rest in (7, 4, 1)]


def test_changes_are_remembered_from_loop_to_loop():
    """A change of the rate in an earlier loop counts for as long as it did."""
    limits = KeyedLimiter(10, 10, max_keys=10)

    async def first():
        await until(1000)
        limits["a"].try_acquire(8)
        await until(1001)
        limits.max_rate = 20

    async def second():
        limits["b"].try_acquire()
        await until(1)
        return limits["a"].statistics().level

    virtual(first())

    assert virtual(second()) == pytest.approx(8 - 1 - 2)


def test_functions_of_before_are_remembered_from_loop_to_loop():
    """What a function said in an earlier loop counts for as long as it was asked."""
    limits = KeyedLimiter(lambda _: 10, 10, max_keys=10)

    async def first():
        await until(1000)
        limits["a"].try_acquire(8)
        await until(1001)
        limits.max_rate = lambda _: 20

    async def second():
        limits["b"].try_acquire()
        await until(1)
        return limits["a"].statistics().level

    virtual(first())

    assert virtual(second()) == pytest.approx(8 - 1 - 2)


async def test_who_is_nearest_to_new_by_another_function_is_found_among_many():
    """After a change to a function the key it is fastest for goes first."""
    limits = KeyedLimiter(lambda _: 10, 60, max_keys=400)
    for key in range(400):
        limits[key].try_acquire(5)
    limits.max_rate = lambda key: 100 if key == 399 else 10
    for burst in range(200):
        # Each looks at some more keys.
        limits.burst = 100 + burst

    limits["new"].try_acquire()

    assert 399 not in limits
    assert len(list(limits)) == 400


@pytest.mark.parametrize("rate", [1, lambda _: 1], ids=["one", "function"])
def test_outside_of_any_loop_the_last_clock_goes_on(rate):
    """A key owes the same outside of any loop, whatever the clock of the last one."""
    limits = KeyedLimiter(rate, 60)

    async def take():
        await until(10)
        assert limits["a"].try_acquire()

    virtual(take())

    assert not limits["a"].has_capacity()
    limits["a"].restrict(1)
    assert not limits["a"].try_acquire()


def test_outside_of_any_loop_a_sweep_keeps_to_one_clock():
    """A key that was used in an earlier loop does not bring its clock along."""
    limits = KeyedLimiter(1, 100)

    async def take(key, instant):
        await until(instant)
        assert limits[key].try_acquire()

    virtual(take("a", 5000))
    virtual(take("b", 10))
    for _ in range(1000):
        limits["b"].has_capacity()

    assert not limits["b"].has_capacity()
    assert not limits["b"].try_acquire()


@pytest.mark.real_time
def test_a_key_whose_waiter_went_with_its_loop():
    """A key is forgotten when those who waited for it did so in a closed loop."""
    limits = KeyedLimiter(1, 0.1)

    async def leave():
        await limits["a"].acquire()
        return await in_line(limits["a"])

    loop = asyncio.new_event_loop()
    task = loop.run_until_complete(leave())
    # It is pending for ever; asyncio would complain when it goes.
    task._log_destroy_pending = False
    loop.close()
    time.sleep(0.11)
    touch(limits)

    assert "a" not in limits
    assert limits["a"].try_acquire()
    assert limits["a"].statistics().waiting == 0


@pytest.mark.real_time
def test_keys_whose_waiters_went_with_their_loop_do_not_pile_up():
    """They are let go of in a later loop, also when nobody asks for them again."""
    limits = KeyedLimiter(1, 0.05)

    async def leave():
        for key in range(20):
            await limits[key].acquire()
        return [await in_line(limits[key]) for key in range(20)]

    async def later():
        for _ in range(20):
            touch(limits)
        await asyncio.sleep(0.06)
        for _ in range(20):
            touch(limits)

    with contextlib.closing(asyncio.new_event_loop()) as loop:
        tasks = loop.run_until_complete(leave())
    for task in tasks:
        # It is pending for ever; asyncio would complain when it goes.
        task._log_destroy_pending = False
    asyncio.run(later())

    assert not set(range(20)) & set(limits._keys)
