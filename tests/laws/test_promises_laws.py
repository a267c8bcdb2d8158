"""Many promises hold back whom each of them would, looked at one by one."""

from __future__ import annotations

from contextlib import contextmanager

import pytest
from hypothesis import example, given, settings, strategies as st

from aiolimiter._core.bucket import Bucket
from aiolimiter._core.window import Window
from aiolimiter._shell.clock import RESOLUTION
from aiolimiter._shell.several import promises

from .profile import examples

QUARTERS = st.integers(0, 12).map(lambda quarters: quarters / 4)
METERS = st.sampled_from([lambda: Bucket(2.0, 4.0), lambda: Window(4.0, 2.0)])


class Holder:
    """Who comes at *soonest*; and a second later, if that is over."""

    def __init__(self, key, soonest, amount):
        self.key, self.soonest, self.amount = key, soonest, amount

    def due(self, now):
        return now + 1.0


HOLDER = st.builds(Holder, QUARTERS, QUARTERS, QUARTERS)
HOLDERS = st.lists(HOLDER, max_size=12)


@contextmanager
def few(many):
    """From *many* on they are not looked at one by one."""
    before, promises.FEW = promises.FEW, many
    try:
        yield
    finally:
        promises.FEW = before


def held_back(holders, meter, amount, key):
    """For how long, by all that is promised to smaller keys, in the order of time."""
    promised = 0.0
    kept = [one for one in holders if one.key < key and one.amount <= meter.burst]
    whens = [
        (one.soonest if one.soonest > meter.at else one.due(meter.at), one.amount)
        for one in kept
    ]
    for when, amount_promised in sorted(whens, key=lambda pair: pair[0]):
        promised += amount_promised
        if not meter.spares(amount, promised, max(when, meter.at)):
            return max(when - meter.at, RESOLUTION)
    return 0.0


@given(
    make=METERS,
    taken=QUARTERS,
    now=QUARTERS,
    holders=HOLDERS,
    dropped=st.lists(st.integers(0, 11), max_size=4),
    moved=st.lists(st.tuples(st.integers(0, 11), QUARTERS), max_size=4),
    burst=st.sampled_from([2.0, 4.0]),
    amount=QUARTERS,
    key=st.one_of(QUARTERS, st.just(100.0)),
)
@settings(max_examples=examples(200))
def test_many_promises_hold_back_as_one_by_one(
    *, make, taken, now, holders, dropped, moved, burst, amount, key
):
    """Whoever is let in leaves room for all that is promised to smaller keys."""
    meter, book = make(), promises.Promises()
    meter.advance(now)
    meter.take(taken)
    for holder in holders:
        book.make(holder, holder.soonest, holder.amount)
    for index in dropped:
        if index < len(holders):
            book.drop(holders[index])
    kept = [one for one in holders if one in book._promised]
    for index, new in moved:
        if holders:
            one = holders[index % len(holders)]
            one.key = new
            book.order(one)
    meter.change(2.0, burst) if meter.fluid else meter.change(burst, 2.0)
    with few(0):
        found = book.hold_back(meter, amount, key)

    assert found == pytest.approx(held_back(kept, meter, amount, key))
    assert book.amount == pytest.approx(sum(one.amount for one in kept))


@given(meter=METERS, holders=st.lists(HOLDER, max_size=12), times=st.integers(1, 10))
@settings(max_examples=examples(50))
@example(meter=lambda: Bucket(2.0, 4.0), holders=[Holder(0.0, 1.0, 1.0)] * 10, times=9)
def test_what_is_promised_is_told_in_few_parts(meter, holders, times):
    """However many promises there are: as much in all, and each part fits."""
    book, meter = promises.Promises(), meter()
    meter.advance(0.0)
    everyone = [Holder(0.0, 1.0, one.amount) for one in holders * times]
    for holder in everyone:
        book.make(holder, holder.soonest, holder.amount)
    parts = book.amounts(meter)

    assert sum(parts) == pytest.approx(sum(one.amount for one in everyone))
    assert len(parts) <= max(promises.PARTS, sum(parts) / meter.burst + 1)
    assert max(parts, default=0.0) <= meter.burst
