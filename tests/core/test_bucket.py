"""The leaky bucket as a timetable: when, how much, what level, which wait."""

from __future__ import annotations

from math import inf
from sys import float_info

import pytest

from aiolimiter._core.bucket import LATENESS, Bucket


def bucket(max_rate, period, *, burst=None, level=0.0, at=0.0, waited=False):
    """Return a bucket of *max_rate* in *period* that stands at *level*."""
    made = Bucket(max_rate / period, float(burst or max_rate))
    made.advance(at)
    made.take(level)
    made.waited = waited
    return made


@pytest.mark.parametrize(
    ("now", "level", "wait"),
    [
        # 4 units in 2 s, full at t = 0, one unit wanted
        (0.00, 4.0, 0.50),
        (0.25, 3.5, 0.25),
        (0.50, 3.0, 0.00),
        (1.00, 2.0, -0.50),
        (2.00, 0.0, -1.50),
        (9.00, 0.0, -1.50),
        (-1.0, 4.0, 0.50),  # the clock stepped back
    ],
)
def test_a_full_bucket_makes_room_at_the_rate(now, level, wait):
    """A full bucket makes room for one unit in one unit's leaking time."""
    full = bucket(4, 2, level=4.0)

    full.advance(now)

    assert (full.level, full.wait(1.0)) == (level, wait)


@pytest.mark.parametrize(
    ("level", "amount", "wait"),
    [
        (0.0, 10.0, 0.0),
        (0.0, 10.5, 0.25),
        (9.0, 1.0, 0.0),
        (9.0, 2.0, 0.5),
        (10.0, 0.0, 0.0),
        (12.0, 0.0, 1.0),  # in debt even nothing waits
        (25.0, 1.0, 8.0),
    ],
)
def test_an_amount_fits_below_the_burst(level, amount, wait):
    """An amount fits when level + amount <= burst."""
    assert bucket(10, 5, level=level).wait(amount) == wait


@pytest.mark.parametrize("parts", [3, 7, 10, 49, 100, 1000, 4999])
def test_parts_make_a_whole(parts):
    """Equal parts of a burst fill it exactly, whatever their sum is rounded to."""
    made = bucket(1, 60)

    for _ in range(parts):
        assert made.wait(1 / parts) <= 0.0
        made.take(1 / parts)

    assert made.wait(1 / parts) > 0.0


@pytest.mark.parametrize("number", [1, 2, 3, 7, 10, 100, 9999])
@pytest.mark.parametrize("period", [1e-3, 0.7, 1, 60, 86_400])
def test_a_burst_is_whole(number, period):
    """A bucket of n admits n at one instant, and not one more."""
    made = bucket(number, period)

    assert all(made.admit(1.0, 5.0) for _ in range(number))
    assert not made.admit(1.0, 5.0)


@pytest.mark.parametrize(
    ("now", "amount", "admitted", "level"),
    [
        (0.0, 1.0, False, 4.0),
        (0.5, 1.0, True, 4.0),
        (0.5, 1.5, False, 3.0),
        (2.0, 4.0, True, 4.0),
        (9.0, 4.0, True, 4.0),
        (-1.0, 1.0, False, 4.0),
        (2.0, -1.0, False, 0.0),
        (2.0, float("nan"), False, 0.0),
        (1.0, 0.0, True, 2.0),
    ],
)
def test_admit_does_all_in_one_step(now, amount, admitted, level):
    """Admit leaks, looks and takes; a refusal only leaks."""
    full = bucket(4, 2, level=4.0)

    assert full.admit(amount, now) is admitted
    assert full.level == level


def test_admit_lets_nobody_pass_those_who_wait():
    """While somebody waits, or something may come back, admit says no."""
    made = bucket(4, 2)
    made.waited = True
    assert not made.admit(1.0, 0.0)
    made.waited = False
    made.take(1.0)
    mark = made.mark()
    assert not made.admit(1.0, 0.0)
    made.release(mark)

    assert made.admit(1.0, 0.0)


@pytest.mark.parametrize(
    ("now", "level"),
    [(1.0, 0.0), (1.005, -0.01), (1.01, -0.02), (1.02, -0.02), (100.0, -0.02)],
)
def test_lateness_is_made_up_for_while_somebody_waits(now, level):
    """While somebody waits the level falls below 0, by 10 ms' worth of the rate."""
    made = bucket(4, 2, level=2.0, waited=True)

    made.advance(now)

    assert made.level == pytest.approx(level)
    assert made.level >= -LATENESS * made.rate


def test_the_credit_lapses_when_nobody_waits():
    """When the last one has gone, a level below 0 is 0."""
    made = bucket(4, 2, waited=True)
    made.advance(1.0)

    made.waited = False

    assert made.level == 0.0


@pytest.mark.parametrize(("level", "available"), [(0, 4), (2.5, 1.5), (4, 0), (9, 0)])
def test_what_is_available(level, available):
    """What fits is what is missing to the burst, never less than nothing."""
    assert bucket(4, 2, level=level).available == available


def test_no_more_than_the_burst_is_available():
    """A credit for lateness is not available to all."""
    made = bucket(4, 2, waited=True)
    made.advance(1.0)

    assert made.available == 4


@pytest.mark.parametrize(
    ("seconds", "before", "after"),
    [(5, 0, 14), (5, 3, 14), (5, 14, 14), (5, 20, 20), (0, 3, 3), (1, 4, 6)],
)
def test_a_pause_is_a_debt(seconds, before, after):
    """pause(s) raises the level to what will have leaked to the burst in s."""
    made = bucket(4, 2, level=before)

    made.pause(seconds)

    assert made.level == after


@pytest.mark.parametrize(
    ("remaining", "before", "after"),
    [(0, 0, 4), (1, 0, 3), (1, 3.5, 3.5), (4, 1, 1), (9, 1, 1), (0, 9, 9)],
)
def test_a_restriction_is_a_debt(remaining, before, after):
    """restrict(k) raises the level to at least burst - k."""
    made = bucket(4, 2, level=before)

    made.restrict(remaining)

    assert made.level == after


@pytest.mark.parametrize(
    ("rate", "burst", "level"),
    [
        (2.0, 10.0, 70.0),
        (0.5, 10.0, 25.0),
        (1.0, 5.0, 35.0),
        (1.0, 50.0, 80.0),
        (4.0, 2.0, 122.0),
    ],
)
def test_a_pause_is_a_deadline_too(rate, burst, level):
    """The end of a pause stands when the rate or the burst changes."""
    made = bucket(10, 10)
    made.pause(30)

    made.change(rate, burst)

    assert made.level == level
    assert made.wait(0.0) == 30.0


def test_what_is_added_to_a_pause_stays():
    """What was taken on top of a pause is on top of it at another rate, too."""
    made = bucket(10, 10)
    made.pause(30)
    made.take(7.0)

    made.change(2.0, 10.0)

    assert made.level == 10 + 60 + 7


@pytest.mark.parametrize(
    ("level", "rate", "after"), [(40, 2.0, 40), (40, 0.5, 40), (12, 0.1, 12)]
)
def test_a_debt_of_its_own_keeps_its_level(level, rate, after):
    """What a pause did not raise is kept when the rate changes."""
    made = bucket(10, 10, level=level)
    made.pause(5)

    made.change(rate, 10.0)

    assert made.level == after


def test_a_pause_on_a_pause():
    """Two pauses and a change in between end at the later deadline."""
    made = bucket(10, 10)
    made.pause(10)
    made.advance(4)
    made.change(2.0, 10.0)
    made.pause(20)
    made.advance(8)

    made.change(0.5, 10.0)

    assert made.wait(0.0) == pytest.approx(16)


def test_after_a_pause_a_change_is_a_change():
    """Once a pause is over, a change of the rate keeps the level."""
    made = bucket(10, 10)
    made.pause(5)
    made.advance(8)

    made.change(5.0, 5.0)

    assert made.level == 7


@pytest.mark.parametrize("now", [-100.0, 0.0, 3.0])
def test_another_clock(now):
    """By another clock that is behind, level and pause go on as they were."""
    made = bucket(10, 10, at=50.0)
    made.pause(5)

    made.rebase(now)
    made.advance(now + 1)
    made.change(2.0, 10.0)

    assert made.wait(0.0) == pytest.approx(4)


def test_a_clock_that_is_ahead():
    """A clock that is ahead is as good as time that has passed."""
    made = bucket(10, 10, level=8, at=50.0)

    made.rebase(60.0)
    made.advance(60.0)

    assert (made.at, made.level) == (60.0, 0.0)


# Giving back.


@pytest.mark.parametrize(
    ("now", "back", "level"),
    [
        (0.0, 3.0, 5.0),
        (1.0, 3.0, 3.0),
        (3.0, 3.0, 0.0),  # 2 are left: no more can come back
        (9.0, 3.0, 0.0),
    ],
)
def test_what_has_not_leaked_comes_back(now, back, level):
    """No more comes back than the lowest level since."""
    made = bucket(10, 5, level=8.0)
    mark = made.mark()
    made.advance(now)

    made.give_back(mark, back)

    assert made.level == level


def test_what_was_taken_later_stays():
    """What others took after the water ran out is not given back in its place."""
    made = bucket(10, 5, level=8.0)
    mark = made.mark()
    made.advance(3.0)
    made.take(6.0)

    made.give_back(mark, 8.0)

    assert made.level == 6.0


def test_nothing_comes_back_twice():
    """Of one admission no more comes back than was there."""
    made = bucket(10, 5, level=3.0)
    made.take(4.0)
    mark = made.mark()

    made.give_back(mark, 4.0)
    made.give_back(mark, 4.0)

    assert made.level == 0.0


def test_a_pause_is_not_given_back():
    """What a pause raised does not come back."""
    made = bucket(10, 5, level=8.0)
    mark = made.mark()
    made.pause(1.0)

    made.give_back(mark, 8.0)

    assert made.level == 12.0


def test_a_restriction_takes_part_of_it():
    """What comes back is what the level stood above the word of the server."""
    made = bucket(10, 5, level=8.0)
    mark = made.mark()
    made.restrict(5.0)  # at least 5

    made.give_back(mark, 8.0)

    assert made.level == 5.0


def test_abandoned():
    """When all marks are let go of, nothing comes back from any of them."""
    made = bucket(10, 5, level=8.0, waited=True)
    mark = made.mark()

    made.abandon()
    made.give_back(mark, 8.0)
    made.release(mark)

    assert made.level == 8.0
    assert not made.waited


def test_quiet():
    """A bucket is quiet when level and instant are all there is to it."""
    made = bucket(10, 5, level=8.0)
    assert made.quiet

    mark = made.mark()
    assert not made.quiet
    made.release(mark)
    made.pause(3)
    assert not made.quiet
    made.advance(3)
    assert made.quiet


# Without a limit.


@pytest.mark.parametrize("rate", [0.1, 5.0, 20.0])
def test_a_pause_for_good(rate):
    """A pause may be as long as a float can say, and stands whatever the rate."""
    made = Bucket(10.0, 10.0)
    made.advance(0.0)
    made.pause(float_info.max)
    made.pause(1.0)
    made.change(rate, 10.0)
    made.advance(1e9)

    assert made.wait(0.0) > 1e300
    assert not made.admit(0.0, 1e9)


def test_without_a_limit_everything_fits():
    """At an infinite rate everything fits, and no pause or word counts."""
    made = Bucket(inf, inf)
    made.advance(0.0)
    made.pause(10)
    made.restrict(0)

    assert all(made.admit(1e307, 0.0) for _ in range(10))
    assert made.wait(1e308) == 0.0


def test_a_limit_that_is_set_later_starts_empty():
    """What was taken without a limit is not owed."""
    made = Bucket(inf, inf)
    made.admit(1e9, 0.0)

    made.change(1.0, 10.0)

    assert made.level == 0.0


# Thinking ahead.


def test_the_wait_of_each_in_a_queue():
    """Behind others one waits until all of them and one's own have leaked."""
    forecast = bucket(10, 5, level=9.0).forecast()

    waits = []
    for amount in (1.0, 4.0, 0.0, 10.0):
        waits.append(forecast.wait(amount))
        forecast.take(amount)

    assert waits == [0.0, 2.0, 2.0, 7.0]


@pytest.mark.parametrize(
    ("amount", "promised", "instant", "spared"),
    [
        (2.0, 5.0, 0.0, False),  # 4 + 2 + 5 > 10
        (2.0, 4.0, 0.0, True),
        (2.0, 5.0, 0.5, True),
        (2.0, 5.0, 0.4, False),
        (6.0, 10.0, 5.0, True),
        (6.0, 10.0, 4.9, False),
    ],
)
def test_what_a_promise_spares(amount, promised, instant, spared):
    """A promise lets pass what leaves room for it when its instant comes."""
    assert bucket(10, 5, level=4.0).spares(amount, promised, instant) is spared


def test_without_a_limit_there_is_room_for_every_promise():
    """At an infinite rate a promise holds nobody back."""
    assert Bucket(inf, inf).spares(1e9, 1e9, 0.0)
