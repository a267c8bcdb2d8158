"""What counted before: of any number of changes, found without a look at each."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import example, given, strategies as st

from aiolimiter._core.keyed.past import Periods, Rates
from aiolimiter._core.keyed.shards import Leftovers

SOME = st.floats(0.001, 1e9)
CHANGES = st.lists(st.tuples(st.sampled_from([0.0, 0.5, 7.25, 1e6]), SOME), min_size=1)


@given(CHANGES, st.floats(0.0, 1.0))
@example([(0.0, 1e9), (1e6, 1e9), (1e6, 0.001), (0.5, 0.001)], 0.9999999)
def test_what_leaked_is_the_sum_of_what_leaked_by_each_rate(changes, part):
    """As exact as the rates themselves, also where those before were far larger."""
    past, now = Rates(), 0.0
    pieces = []
    for seconds, rate in changes:
        pieces.append((now, now + seconds, rate))
        now += seconds
        past.end(rate, now, 0)
    at = now * part
    exact = sum(
        (Fraction(until) - max(Fraction(since), Fraction(at))) * Fraction(rate)
        for since, until, rate in pieces
        if until > at
    )

    leaked = past.leaked(at)
    assert abs(Fraction(leaked) - exact) <= exact / 2**49 + Fraction(1, 2**60)
    assert past.leaked(now) == 0.0


@given(CHANGES, st.integers(0, 100))
@example([(0.0, 3.0), (0.5, 1.0), (0.5, 9.0)], 0)
def test_of_all_periods_since_the_one_by_which_most_expired(changes, which):
    """For a window that was read between any two changes."""
    past, now, ends = Periods(), 0.0, []
    for seconds, period in changes:
        now += seconds
        past.add(now, period, 0)
        ends.append((now, period))
    at = ends[which % len(ends)][0]
    until, period = past.shortest(at)

    assert until >= at
    assert until - period == max(end - length for end, length in ends if end >= at)
    assert past.shortest(now + 1.0) is None


def test_what_every_key_was_read_after_is_forgotten():
    """The past goes by generations, and all of it at once if there is nobody."""
    past = Rates()
    for generation in range(5):
        past.end(1.0 + generation, float(generation), generation)
    past.forget(1)
    kept = past.untils.copy()
    past.forget(1)
    late = past.leaked(2.0)
    past.clear()

    assert kept == [2.0, 3.0, 4.0]
    assert late == 4.0 + 5.0
    assert len(past) == 0


def test_what_is_left_over_is_freed_bit_by_bit():
    """Dicts and lists, no more at once than is asked for."""
    table, row = {n: n for n in range(10)}, list(range(10))
    leftovers = Leftovers()
    leftovers.add([table, {}, row])
    left = []
    for _ in range(7):
        leftovers.free(4)
        left.append(len(table) + len(row))

    assert left == [16, 12, 8, 4, 0, 0, 0]
