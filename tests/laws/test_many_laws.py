"""The laws of many keys."""

from __future__ import annotations

from math import inf

from hypothesis import example, given, settings, strategies as st

from aiolimiter import (
    AsyncLimiter,
    KeyedLimiter,
    KeyedSlidingWindowLimiter,
    SlidingWindowLimiter,
)
from aiolimiter._core.keyed.levels import Levels
from aiolimiter._core.keyed.terms import Terms

from .profile import examples
from .street import Street

EIGHTHS = st.integers(0, 24).map(lambda eighths: eighths / 8)
KEYS = st.integers(0, 5)


# The ways in which keys are remembered: by lines and by what they owe; by that
# alone because of a rate of their own, and so because they are counted.  And a
# limiter of one key, for each.
BUCKETS = lambda: AsyncLimiter(3, 3)  # noqa: E731 -- a row of a table
WINDOWS = lambda: SlidingWindowLimiter(3, 3)  # noqa: E731 -- likewise
WAYS = {
    "few": (lambda: KeyedLimiter(3, 3), BUCKETS),
    "own rates": (lambda: KeyedLimiter(lambda _: 3, 3), BUCKETS),
    "counted": (lambda: KeyedLimiter(3, 3, max_keys=10_000), BUCKETS),
    "few windows": (lambda: KeyedSlidingWindowLimiter(3, 3), WINDOWS),
    "windows with own rates": (
        lambda: KeyedSlidingWindowLimiter(lambda _: 3, 3),
        WINDOWS,
    ),
    "counted windows": (
        lambda: KeyedSlidingWindowLimiter(3, 3, max_keys=10_000),
        WINDOWS,
    ),
}
# Rates with these, and all there is to leak, are exact as floats.
PERIODS = [0.75, 1.5, 3.0, 6.0, 12.0]


RESET = (0, "reset", 0.0, 0.0, 0)
# More are live than are looked at in one go, and one waits behind them.
CROWDED = [
    (0, "ask", 0.0, 0.0, 300),
    (1, "ask", 2.25, 0.0, 0),
    (1, "come", 0.875, 0.0, 0),
]
LOOK = (0, "look", 0.0, 1.0, 0)
TWO_CHANGES = [(0, "change", 0.0, 0.0, 0), (0, "change", 0.5, 0.0, 0)]


def crowd(limits, number):
    """Let *number* others be used, so that each key is looked at and goes quiet."""
    for other in range(number):
        limits["other", other].try_acquire(0.25)


@given(
    way=st.sampled_from(sorted(WAYS)),
    steps=st.lists(
        st.tuples(
            KEYS,
            st.sampled_from(
                [
                    "ask",
                    "come",
                    "pause",
                    "restrict",
                    "look",
                    "cancel",
                    "change",
                    "reset",
                ]
            ),
            EIGHTHS,
            EIGHTHS,
            st.sampled_from([0, 0, 5, 300]),
        ),
        max_size=30,
    ),
)
@example("counted", [(0, "ask", 3.0, 1.0, 0), (0, "change", 0.0, 0.0, 0), LOOK])
@example("counted", [(0, "ask", 3.0, 0.0, 0), (0, "change", 0.5, 0.0, 300), LOOK])
@example("own rates", [(0, "ask", 3.0, 0.0, 0), (0, "come", 1.0, 0.0, 300), LOOK])
@example("windows with own rates", [(0, "pause", 3.0, 0.0, 300), LOOK])
@example("windows with own rates", [(0, "ask", 1.0, 2.0, 0), *TWO_CHANGES, LOOK])
@example("counted windows", [(0, "ask", 3.0, 1.0, 300), LOOK])
@example("few", [(0, "come", 3.0, 0.0, 0), (0, "come", 3.0, 0.0, 0), RESET, LOOK])
@example("few", [*CROWDED, RESET, (1, "ask", 0.0, 0.0, 0)])
@example("few windows", [(0, "ask", 3.0, 0.5, 0), (0, "pause", 3.0, 0.0, 0), RESET])
@settings(max_examples=examples(120))
def test_forgetting_changes_nothing(way, steps):
    """A key that is forgotten answers as a limiter that was never forgotten."""
    street, apart = Street(), Street()
    (make, single), each = WAYS[way], {}
    limits = make()
    held = {key: limits[key] for key in range(6)}
    for key in range(6):
        each[key] = single()
    for key, step, amount, slept, others in steps:
        if step == "change":
            change(street, limits, each, PERIODS[int(amount * 8) % len(PERIODS)])
            continue
        if step == "reset":
            street.call(limits.reset)
            for limiter in each.values():
                apart.call(limiter.reset)
            continue
        theirs = held if others == 0 else limits
        answers = [
            use(there, limiter, step, amount)
            for there, limiter in ((street, theirs[key]), (apart, each[key]))
        ]

        assert answers[0] == answers[1]
        street.call(crowd, limits, others)
        assert len(limits) == len(set(limits._keys)), "kept in two places"
        for there in (street, apart):
            there.sleep(slept / 2)
        assert [task.done() for task in street.tasks] == [
            task.done() for task in apart.tasks
        ]
        for key_of, limiter in each.items():
            owes = apart.call(limiter.statistics)
            assert street.call(limits[key_of].statistics) == owes
            # A paused window owes nothing, and is not as good as new.
            is_new = owes.level == 0.0 < owes.available
            assert street.call(limits.__contains__, key_of) == (not is_new)
    for there in (street, apart):
        there.sleep(1000.0)
    street.call(crowd, limits, 1)
    assert all(task.done() for task in street.tasks)
    assert street.call(list, limits) == [("other", 0)]


def test_a_rate_of_before_counts_until_every_key_was_looked_at():
    """However sweeping goes on, each key leaks at each rate in its time."""
    for turns in range(0, 64, 3):
        ledger = Levels(Terms(1.0, 1.0, 50.0), inf)
        ledger.advance(0.0)
        for key in range(100):
            ledger.take(key, 50.0, 50.0)
        for _ in range(turns):
            ledger.sweep()
        for key in range(100, 200):
            ledger.take(key, 50.0, 50.0)
        ledger.advance(10.0)
        ledger.change(Terms(2.0, 1.0, 50.0))
        ledger.advance(15.0)
        for _ in range(100):
            assert {ledger.level(key) for key in range(0, 200, 7)} == {30.0}
            ledger.sweep()
        assert not ledger._past, "kept for ever"


def change(street, limits, each, period):
    """Let another period count for all, on both sides at once."""
    with street.loop.running():
        limits.time_period = period
    for limiter in each.values():
        limiter.time_period = period


def use(street, limiter, step, amount):
    """Do one thing to *limiter*, and tell what it answers."""
    if step == "ask":
        return street.call(limiter.try_acquire, amount)
    if step == "come":
        return street.come(limiter, amount).done()
    if step == "cancel":
        if street.tasks:
            street.tasks[int(amount) % len(street.tasks)].cancel()
            street.run()
        return None
    if step == "look":
        return street.call(limiter.statistics), street.call(limiter.has_capacity)
    return street.call(getattr(limiter, step), amount)
