"""The laws of setting `max_rate` and `time_period` while somebody waits."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import example, given, settings, strategies as st

from aiolimiter import AsyncLimiter, SlidingWindowLimiter

from .counter import KINDS, STEPS, Counter, played
from .profile import examples

TIMES = st.integers(0, 16).map(lambda eighths: eighths / 8)
PERIODS = st.sampled_from([0.25, 1.0, 2.0, 3.0, 10.0])
CHANGES = st.lists(st.tuples(TIMES, PERIODS), min_size=1, max_size=6)
STARTS = st.sampled_from([0.0, 1e3, 1e8])


@given(start=STARTS, waiting=st.integers(1, 6), changes=CHANGES)
@settings(max_examples=examples(80))
def test_whoever_waits_in_a_bucket_is_retimed(start, waiting, changes):
    """The n-th goes when n have leaked, at whatever rates, faster or slower."""
    counter = Counter(AsyncLimiter, 2.0, 2.0, start)
    counter.call("try_acquire", 2.0)
    for _ in range(waiting):
        counter.come()
    rates = [(0.0, 1.0)]
    for slept, period in changes:
        counter.sleep(slept)
        counter.change("time_period", period)
        rates.append((counter.loop.now - start, 2.0 / period))
    counter.rest()

    for n, (what, when) in enumerate(counter.ends, 1):
        assert what == "admitted"
        assert when - start == pytest.approx(leaked(rates, n), abs=1e-6)


def leaked(rates, amount):
    """When *amount* has leaked, from the (instant, rate)s that there were."""
    for (begin, rate), (end, _) in pairwise(rates):
        if amount <= (end - begin) * rate:
            return begin + amount / rate
        amount -= (end - begin) * rate
    begin, rate = rates[-1]
    return begin + amount / rate


class Log:
    """A window, and those who wait for 1 each: the simplest that can be."""

    def __init__(self, max_rate, period, waiting):
        self.max_rate, self.period = max_rate, period
        self.waiting = waiting
        self.now = 0.0
        self.inside = [0.0] * max_rate
        self.ends = []

    def run(self, end):
        """Admit all who are due by *end*."""
        while self.waiting:
            live = sorted(at for at in self.inside if at + self.period > self.now)
            over = len(live) + 1 - self.max_rate
            due = live[over - 1] + self.period if over > 0 else self.now
            if due > end:
                break
            self.now = due
            self.waiting -= 1
            self.inside.append(due)
            self.ends.append(due)
        self.now = end

    def change(self, max_rate, period):
        """What has expired by the old or the new period is gone for good."""
        shorter = min(self.period, period)
        self.inside = [at for at in self.inside if at + shorter > self.now]
        self.max_rate, self.period = max_rate, period


@given(
    waiting=st.integers(1, 6),
    changes=st.lists(
        st.tuples(TIMES, st.integers(1, 4), PERIODS), min_size=1, max_size=6
    ),
)
@settings(max_examples=examples(80))
@example(waiting=2, changes=[(0.25, 1, 0.25), (0.0, 1, 1.0), (0.0, 2, 1.0)])
def test_whoever_waits_in_a_window_is_retimed(waiting, changes):
    """They go when they would in a window that is kept by hand."""
    counter, log = Counter(SlidingWindowLimiter, 2.0, 2.0), Log(2, 2.0, waiting)
    counter.call("try_acquire", 2.0)
    for _ in range(waiting):
        counter.come()
    for slept, max_rate, period in changes:
        counter.sleep(slept)
        log.run(counter.loop.now)
        # In two steps, as it must be; whoever goes between them goes.
        counter.change("max_rate", float(max_rate))
        log.change(max_rate, log.period)
        log.run(log.now)
        counter.change("time_period", period)
        log.change(max_rate, period)
    counter.rest()
    log.run(1e9)

    assert [what for what, _ in counter.ends] == ["admitted"] * waiting
    assert [when for _, when in counter.ends] == pytest.approx(log.ends)


@given(
    kind=KINDS,
    waiting=st.lists(st.tuples(TIMES, st.integers(0, 4).map(float)), max_size=8),
    slept=TIMES,
    max_rate=st.integers(1, 5).map(float),
)
@settings(max_examples=examples(80))
@example(kind=AsyncLimiter, waiting=[(0.0, 4.0)] * 2, slept=0.0, max_rate=3.0)
def test_only_who_can_no_longer_fit_is_told(kind, waiting, slept, max_rate):
    """Who wants more than there can be gets the error of arrival at once, no other."""
    counter = Counter(kind, 4.0, 4.0)
    counter.call("try_acquire", 4.0)
    for gap, amount in waiting:
        counter.sleep(gap)
        counter.come(amount)
    counter.sleep(slept)
    before = list(counter.ends)
    counter.change("max_rate", max_rate)
    now = counter.loop.now
    counter.rest()

    for end, (_, amount), was in zip(counter.ends, waiting, before, strict=True):
        if was is None and amount > max_rate:
            assert end == (ValueError, now)
        else:
            assert end[0] == "admitted"


@given(
    kind=KINDS,
    steps=STEPS,
    seconds=st.floats(0.0, 1e6),
    amount=st.sampled_from([0.0, 1.0, 1e308]),
)
@settings(max_examples=examples(60))
@example(kind=AsyncLimiter, steps=[("pause", 1.0)], seconds=1.0, amount=1e308)
@example(kind=SlidingWindowLimiter, steps=[], seconds=1.0, amount=1e308)
def test_lifting_the_limit_forgets_all_there_was(kind, steps, seconds, amount):
    """All who wait go at once, nothing stands in the way; back again it is as new."""
    counter = played(kind, steps)
    inside = counter.enter(1.0)
    counter.change("max_rate", math.inf)
    counter.run()
    assert None not in counter.ends
    counter.call("pause", seconds)
    counter.call("restrict", 0.0)
    assert counter.call("try_acquire", amount) == (True, 0.0, math.inf)
    counter.change("max_rate", 2.0)
    counter.owe(0.0)

    assert not inside.done()
    assert counter.call("statistics") == (0.0, 2.0, 0, 0.0, None)
    assert counter.call("try_acquire", 2.0)
    assert not counter.call("try_acquire", 1e-9)
