"""The sliding window as a timetable: when, how much, how full, which wait."""

from __future__ import annotations

from fractions import Fraction
from math import fsum, inf, nextafter

import pytest

from aiolimiter._core.window import SLICES, Window


def window(max_rate, period, *takes):
    """Return a window after *takes*, each an (instant, amount)."""
    made = Window(float(max_rate), float(period))
    for instant, amount in takes:
        made.advance(instant)
        made.take(amount)
    return made


TAKES = [(0.0, 1.0), (1.0, 2.0), (3.0, 1.0)]


@pytest.mark.parametrize(
    ("now", "level", "waits"),
    [
        # 4 in 5 s; waits for 1, 2, and 4
        (3.0, 4.0, [2.0, 3.0, 5.0]),
        (4.5, 4.0, [0.5, 1.5, 3.5]),
        (5.0, 3.0, [0.0, 1.0, 3.0]),
        (6.0, 1.0, [0.0, 0.0, 2.0]),
        (8.0, 0.0, [0.0, 0.0, 0.0]),
        (-1.0, 4.0, [2.0, 3.0, 5.0]),  # the clock stepped back
    ],
)
def test_what_is_a_period_old_makes_room(now, level, waits):
    """Each admission makes room again when it is a period old, and not before."""
    made = window(4, 5, *TAKES)

    made.advance(now)

    assert made.level == level
    assert [max(0.0, made.wait(amount)) for amount in (1.0, 2.0, 4.0)] == waits


@pytest.mark.parametrize("start", [0.1, 1 / 3, 5.7, 1234.5678, 1e6 + 0.1, 1e8 + 0.3])
@pytest.mark.parametrize("period", [0.1, 1 / 3, 0.7, 1.0, 60.0, 86_400.0])
def test_half_open_to_the_last_bit(start, period):
    """Two admissions never are less than a period apart, by exact arithmetic."""
    made = window(1, period, (start, 1.0))

    due = made.at + made.wait(1.0)
    for instant in (nextafter(due, -inf), due, nextafter(due, inf)):
        made.advance(instant)
        if made.wait(1.0) <= 0.0:
            assert Fraction(instant) - Fraction(start) >= Fraction(period)


@pytest.mark.parametrize(
    ("amount", "due"), [(0.0, -inf), (4.0, -inf), (4.5, inf), (inf, inf)]
)
def test_what_never_fits(amount, due):
    """More than max_rate never fits, not even into an empty window."""
    assert window(4, 5).due(amount) == due


def test_admit():
    """Admit looks and takes in one step, unless somebody waits."""
    made = window(2, 5)

    assert [made.admit(1.0, 0.0) for _ in range(3)] == [True, True, False]
    assert not made.admit(float("nan"), 9.0)
    assert not made.admit(-1.0, 9.0)
    made.waited = True
    assert not made.admit(1.0, 9.0)


@pytest.mark.parametrize(
    ("remaining", "level"), [(0.0, 4.0), (1.0, 3.0), (2.0, 2.0), (3.0, 2.0), (9.0, 2.0)]
)
def test_a_restriction_is_an_entry_made_now(remaining, level):
    """restrict(k) fills the window until k is left, for a period from now."""
    made = window(4, 5, (0.0, 2.0))
    made.advance(1.0)

    made.restrict(remaining)

    assert made.level == level
    made.advance(5.0)
    assert made.level == level - 2.0
    made.advance(6.0)
    assert made.level == 0.0


def test_a_pause_is_an_instant():
    """A paused window admits nothing, and what expires meanwhile expires."""
    made = window(4, 5, (0.0, 4.0))
    made.pause(8.0)

    made.advance(6.0)

    assert (made.wait(0.0), made.wait(4.0), made.available) == (2.0, 2.0, 0.0)
    assert not made.quiet
    made.advance(8.0)
    assert made.wait(4.0) <= 0.0
    assert made.available == 4.0
    assert made.quiet


@pytest.mark.parametrize(
    ("at", "back", "level"), [(4.0, 2.0, 2.0), (4.0, 9.0, 1.0), (5.0, 2.0, 1.0)]
)
def test_giving_back(at, back, level):
    """What is given back is undone, unless it is a period old."""
    made = window(4, 5, (0.0, 3.0))
    mark = made.mark()
    made.advance(1.0)
    made.take(1.0)
    made.advance(at)

    made.give_back(mark, back)

    assert made.level == level


def test_nothing_to_give_back():
    """A window that took nothing has nothing to give back."""
    made = window(4, 5, (0.0, 0.0))

    made.give_back(made.mark(), 3.0)

    assert made.level == 0.0


@pytest.mark.parametrize(
    ("remaining", "level"), [(0.0, 4.0), (1.0, 3.0), (2.0, 2.0), (3.5, 0.5), (4.0, 0.0)]
)
def test_a_word_is_not_given_back(remaining, level):
    """What comes back leaves the window as full as the server's word wants it."""
    made = window(4, 5, (0.0, 3.0))
    mark = made.mark()
    made.advance(1.0)
    made.restrict(remaining)

    # What stays expires with the word.
    assert made.give_back(mark, 3.0) == (1.0 if level else 0.0)
    assert made.level == level


def test_two_words():
    """Of two words the stricter one counts for what comes back."""
    made = window(4, 5, (0.0, 3.0))
    mark = made.mark()
    made.restrict(2.0)  # at least 2 taken
    made.restrict(3.0)  # at least 1

    made.give_back(mark, 3.0)

    assert made.level == 2.0


def test_what_came_after_the_word_comes_back():
    """A word of the server does not keep what was taken after it."""
    made = window(4, 5, (0.0, 1.0))
    made.restrict(2.0)
    made.advance(1.0)
    made.take(2.0)

    made.give_back(made.mark(), 2.0)

    assert made.level == 2.0


def test_a_word_that_is_a_period_old():
    """After a period a word of the server is over."""
    made = window(4, 5, (0.0, 1.0))
    made.restrict(0.0)
    made.advance(5.0)
    made.take(3.0)
    mark = made.mark()
    made.restrict(3.0)

    made.give_back(mark, 3.0)

    assert made.level == 1.0


@pytest.mark.parametrize("now", [-50.0, 0.0, 99.0])
def test_another_clock(now):
    """By another clock that is behind, everything is as old as it was."""
    made = window(4, 5, (100.0, 4.0))
    made.pause(2.0)
    made.advance(101.0)

    made.rebase(now)

    assert (made.at, made.wait(0.0), made.wait(1.0)) == (now, 1.0, 4.0)


def test_a_clock_that_is_ahead():
    """A clock that is ahead is as good as time that has passed."""
    made = window(4, 5, (100.0, 4.0))

    made.rebase(104.0)
    made.advance(104.0)

    assert made.wait(1.0) == 1.0


@pytest.mark.parametrize(("period", "wait"), [(2.0, 0.0), (5.0, 2.0), (10.0, 7.0)])
def test_another_period(period, wait):
    """Another period counts for what is in the window, too."""
    made = window(4, 5, (0.0, 4.0))
    made.advance(3.0)

    made.change(4.0, period)
    made.advance(nextafter(3.0, inf))

    assert max(0.0, made.wait(4.0)) == pytest.approx(wait)


def test_a_shorter_period_counts_at_once():
    """What is too old by a shorter period makes room in the same instant."""
    made = window(3, 10, (0.0, 3.0))
    made.advance(5.0)

    made.change(3.0, 4.0)

    assert (made.level, made.available) == (0.0, 3.0)


def test_without_a_limit():
    """Without a limit nothing is kept, and nothing waits."""
    made = window(4, 5, (0.0, 4.0))
    made.pause(9.0)
    made.change(inf, 5.0)

    for _ in range(10):
        assert made.admit(1e300, 0.0)
    made.pause(9.0)
    made.restrict(0.0)

    assert made.level == 0.0
    assert made.available == inf
    assert made.wait(1.0) <= 0.0


def test_the_log_is_bounded():
    """A long log is merged, to the careful side: nothing expires too early."""
    made = Window(1e9, 1.0)
    for number in range(20_000):
        made.advance(number / 10_000)
        made.take(1.0)

    assert len(made._entries) <= 2 * SLICES
    assert made.level >= 10_000
    assert made.level <= 10_000 * (1 + 1 / SLICES) + 5


def test_a_merged_log_costs_little():
    """A greedy client of a merged window gets 99.9 % of what the rule allows."""
    made, now, taken = Window(10_000.0, 1.0), 0.0, 0
    while now < 5.0:
        made.advance(now)
        while made.wait(1.0) <= 0.0:
            made.take(1.0)
            taken += 1
        now += 1e-4

    assert 0.999 * 5 * 10_000 <= taken <= 5 * 10_000


@pytest.mark.parametrize("amounts", [[0.1], [0.7], [0.1, 0.3], [2.3, 0.1]])
def test_the_level_is_the_sum_of_the_log(amounts):
    """However long a window is never empty, its level is what is in it."""
    made, now = Window(100.0, 1.0), 0.0
    for number in range(20_000):
        amount = amounts[number % len(amounts)]
        now = max(nextafter(now, inf), made.due(amount))
        made.advance(now)
        made.take(amount)

    exact = fsum(entry.amount for entry in made._entries)
    assert made.level == pytest.approx(exact, rel=2**-41)
    assert made.due(100.0) < inf


def test_rounding_strands_nobody():
    """Amounts far below the grain of the level leave no debt that never ends."""
    made = Window(1.0, 1.0)
    for start in range(0, 24, 2):
        for number in range(4):
            made.advance(start + 0.5 * number)
            made.take(0.01)
            if number == 0:
                for tiny in range(1800):
                    made.advance(start + 0.1 + tiny / 6000)
                    made.take(5e-17)
                made.advance(start + 0.45)
                made.take(0.6)

    assert made.due(1.0) <= made.at + 1.0


# Thinking ahead.


def test_the_wait_of_each_in_a_queue():
    """Behind others one waits until what they will take has expired as well."""
    forecast = window(4, 5, *TAKES).forecast()

    waits = []
    for amount in (1.0, 2.0, 1.0, 4.0):
        waits.append(forecast.wait(amount))
        forecast.take(amount)

    # At 5, 6, 8 and, when those are old, at 13: 3 s are gone already.
    assert waits == [2.0, 3.0, 5.0, 10.0]


def test_thinking_ahead_changes_nothing():
    """A forecast takes from a copy."""
    made = window(4, 5, *TAKES)

    forecast = made.forecast()
    forecast.take(4.0)
    forecast.take(4.0)

    assert (made.level, made.at, made.wait(1.0)) == (4.0, 3.0, 2.0)


@pytest.mark.parametrize(
    ("amount", "promised", "instant", "spared"),
    [
        # 1 expires at 5, 2 more at 6, the last one at 8
        (0.0, 1.0, 4.9, False),
        (0.0, 1.0, 5.0, True),
        (1.0, 1.0, 5.0, False),
        (1.0, 2.0, 6.0, True),
        (2.0, 2.0, 6.0, False),
        (3.0, 4.0, 8.0, True),
        (1.0, 4.0, 7.9, False),
    ],
)
def test_what_a_promise_spares(amount, promised, instant, spared):
    """A promise lets pass what leaves room for it when its instant comes."""
    assert window(4, 5, *TAKES).spares(amount, promised, instant) is spared
