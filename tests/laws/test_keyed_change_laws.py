"""The law of changes for many keys: made up for later, they are as if made at once."""

from __future__ import annotations

from math import inf
from unittest.mock import patch

import pytest
from hypothesis import example, given, settings, strategies as st

from aiolimiter._core.bucket import Bucket
from aiolimiter._core.keyed.ledger import SWEPT
from aiolimiter._core.keyed.levels import Levels
from aiolimiter._core.keyed.logs import Logs
from aiolimiter._core.keyed.past import FUNCTIONS
from aiolimiter._core.keyed.terms import Terms
from aiolimiter._core.window import Window

from .profile import examples

RATES = [0.5, 3.0, 3.0, 40.0, inf]
PERIODS = [0.25, 1.0, 8.0]


def own(key):
    """A rate for each key."""
    return 1.0 + key


def others(key):
    """Another one for each."""
    return 9.0 - key


class AtOnce:
    """The meters of some keys, each changed whenever the limit is."""

    def __init__(self, make, terms, limit_of):
        self.limit_of = limit_of
        self.now = 0.0
        self.meters = {key: make(*limit_of(terms, key)) for key in range(4)}

    def advance(self, now):
        self.now = now
        for meter in self.meters.values():
            meter.advance(now)

    def take(self, key, amount):
        meter = self.meters[key]
        fits = meter.wait(amount) <= 0.0
        if fits:
            meter.take(amount)
        return fits

    def change(self, terms):
        for key, meter in self.meters.items():
            meter.change(*self.limit_of(terms, key))

    def clear(self):
        for meter in self.meters.values():
            meter.reset()


def of_bucket(terms, key):
    """What the bucket of *key* is made of."""
    return terms.rate_of(key), terms.burst_of(key)


def of_window(terms, key):
    """What the window of *key* is made of."""
    return terms.burst_of(key), terms.time_period


TERMS = {"rate": "max_rate", "period": "time_period"}


def change(terms, what, value, ledger, at_once):
    """Let other terms count for both, and return them."""
    if isinstance(ledger, Logs) and callable(value):
        # A window by a function that knows of no limit is another story.
        return terms
    terms = terms._replace(**{TERMS[what]: value})
    ledger.change(terms)
    at_once.change(terms)
    return terms


def do(terms, what, how, ledger, at_once):
    """Let the same happen to both, and compare what they say."""
    if what == "sweep":
        for _ in range(how[0]):
            ledger.sweep()
    elif what == "clear":
        ledger.clear()
        at_once.clear()
    else:
        key, amount = how
        burst = terms.burst_of(key)
        if amount <= burst < inf:
            wait, _ = ledger.take(key, amount, burst)
            assert (wait == 0.0) == at_once.take(key, amount)


STEPS = st.lists(
    st.one_of(
        st.tuples(
            st.just("take"), st.integers(0, 3), st.sampled_from([0.25, 1.0, 3.0])
        ),
        st.tuples(st.just("wait"), st.sampled_from([0.125, 0.5, 2.0, 9.0])),
        st.tuples(st.just("rate"), st.sampled_from([*RATES, own, others])),
        st.tuples(st.just("period"), st.sampled_from(PERIODS)),
        st.tuples(st.just("sweep"), st.sampled_from([1, 30, 200])),
        st.tuples(st.just("clear")),
    ),
    max_size=25,
)
TAKE = ("take", 0, 3.0)
SLOW, QUICK = ("rate", 0.5), ("rate", 3.0)
HALF = ("wait", 0.5)


# With no sweeps, as among very many keys, one misses many changes.
@pytest.mark.parametrize("swept", [0, SWEPT], ids=["never swept", "swept"])
@pytest.mark.parametrize("counted", [inf, 1000.0], ids=["all", "counted"])
@pytest.mark.parametrize("kind", ["bucket", "window"])
@given(todo=STEPS)
@example(todo=[TAKE, ("rate", inf), ("rate", 3.0), TAKE])
@example(todo=[TAKE, ("period", 8.0), ("wait", 2.0), ("period", 0.25), ("period", 8.0)])
@example(todo=[TAKE, ("rate", 40.0), ("wait", 0.125), ("rate", 40.0), ("wait", 0.5)])
@example(todo=[SLOW, TAKE, HALF, QUICK, HALF, SLOW, HALF])
@example(todo=[("rate", own), TAKE, ("wait", 0.125), ("rate", 40.0), ("wait", 0.125)])
@example(todo=[TAKE, ("period", 8.0), ("sweep", 200), TAKE, ("period", 1.0), TAKE])
@settings(max_examples=examples(100))
def test_a_change_later_is_a_change_at_once(kind, counted, swept, todo):
    """What a key answers and owes is what it would, had each change looked at it."""
    with patch("aiolimiter._core.keyed.ledger.SWEPT", swept):
        compare(kind, counted, todo)


def compare(kind, counted, todo):
    """Let the same happen to all keys of both."""
    make, limit_of = (Bucket, of_bucket) if kind == "bucket" else (Window, of_window)
    terms = Terms(3.0, 1.0, 4.0 if kind == "bucket" else None)
    ledger = (Levels if kind == "bucket" else Logs)(terms, counted)
    at_once = AtOnce(make, terms, limit_of)
    now = 0.0
    for what, *how in todo:
        for there in (ledger, at_once):
            there.advance(now)
        if what == "wait":
            now += how[0]
        elif what in TERMS:
            terms = change(terms, what, how[0], ledger, at_once)
        else:
            do(terms, what, how, ledger, at_once)
    # Without a limit what was taken is gone a moment later.
    for there in (ledger, at_once):
        there.advance(now + 0.125)
    for key, meter in at_once.meters.items():
        assert ledger.level(key) == pytest.approx(meter.level, abs=1e-9)


@pytest.mark.parametrize("make", [Levels, Logs])
def test_the_past_is_forgotten(make):
    """However many changes there were: two turns later there is nothing left."""
    ledger = make(Terms(3.0, 1e6, None), inf)
    ledger.advance(0.0)
    for key in range(500):
        ledger.take(key, 1.0, 3.0)
    for turn in range(2000):
        ledger.change(Terms(3.0, 1e6 + turn, None))
        assert len(ledger._past) <= 200
    for _ in range(200):
        ledger.sweep()

    assert len(ledger._past) == 0


def test_functions_of_before_beyond_some_are_not_asked():
    """Nothing leaked by them, as far as is known: to the careful side."""
    asked = set()

    def function(number):
        def rate(_):
            asked.add(number)
            return 1.0

        return rate

    ledger = Levels(Terms(function(0), 1.0, 1e6), inf)
    ledger.advance(0.0)
    for key in range(5000):
        ledger.take(key, 1000.0, 1e6)
    last = FUNCTIONS + 10
    for second in range(1, last + 1):
        ledger.advance(float(second))
        ledger.change(Terms(function(second), 1.0, 1e6))
    asked.clear()
    # One that no sweep has met.
    levels = {ledger.level(key) for key in range(5000)}

    assert max(levels) == 1000.0 - FUNCTIONS
    assert asked == set(range(last - FUNCTIONS, last + 1))

    for _ in range(2000):
        ledger.sweep()
    assert not ledger._functions
