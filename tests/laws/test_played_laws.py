"""What is foretold of many in a window, against the window itself."""

from __future__ import annotations

from itertools import accumulate
from unittest.mock import patch

import pytest
from hypothesis import given, settings, strategies as st

from aiolimiter._core import played as played_module
from aiolimiter._core.window import Window

from .profile import examples
from .test_window_laws import GAPS, slices, take_when_it_fits

AMOUNTS = st.integers(1, 24).map(lambda eighths: eighths / 8)
NEVER = 10**9


def full(many, steps, pause):
    """A window of 3 in a second, of which the log is in *many* slices."""
    window, now = Window(3.0, 1.0), 0.0
    for gap, amount in steps:
        now += gap / (2 * many)
        window.admit(amount, now)
    window.advance(now)
    window.pause(pause)
    return window


def told(ends, dues, total):
    """When so much will have been admitted."""
    return next(at for end, at in zip(ends, dues, strict=True) if end >= total)


@given(
    many=st.sampled_from([2, 4, 16]),
    most=st.sampled_from([1, 4, 8, 32, NEVER]),
    steps=st.lists(st.tuples(GAPS, AMOUNTS), min_size=1, max_size=60)
    | st.lists(st.tuples(GAPS, st.just(1 / 8)), min_size=20, max_size=60),
    pause=st.sampled_from([0.0, 0.3]),
    waiting=st.lists(AMOUNTS, min_size=1, max_size=60),
    part=st.sampled_from([1.0, 1 / 32]),
    amount=AMOUNTS,
)
@settings(max_examples=examples(200))
def test_nobody_comes_later_than_foretold_nor_sooner_by_more_than_is_told(
    *, many, most, steps, pause, waiting, part, amount
):
    """Each who waits, and the next, is due at most `late` seconds before it is told."""
    waiting = [one * part for one in waiting]
    sums = list(accumulate(waiting))
    with slices(many):
        window = full(many, steps, pause)
        with patch.object(played_module, "MOST", most):
            played = window.played()
            ends, dues = played.play(sums)
        for one, total in zip(waiting, sums, strict=True):
            take_when_it_fits(window, one)

            due = told(ends, dues, total)
            assert due - played.late - 1e-9 <= window.at <= due + 1e-9
        due = max(window.at, window.due(amount))

    assert played.due(amount) - played.late - 1e-9 <= due <= played.due(amount) + 1e-9
    assert played.late == 0.0 or most < NEVER
    assert played.late <= 1.0 + played_module.SPARE / many


@given(
    most=st.sampled_from([8, 16, 32]),
    steps=st.lists(st.tuples(GAPS, AMOUNTS), min_size=1, max_size=60),
    waiting=st.lists(AMOUNTS, min_size=1, max_size=60),
    then=st.lists(AMOUNTS, max_size=8),
)
@settings(max_examples=examples(100))
def test_one_by_one_is_as_all_together(most, steps, waiting, then):
    """Whoever comes later goes on from there, in a fork as well."""
    window = full(16, steps, 0.0)
    with patch.object(played_module, "MOST", most):
        played = window.played()
        played.play(list(accumulate(waiting)))
    fork = played.fork()
    for amount in then:
        assert fork.due(amount) == pytest.approx(played.due(amount), abs=1e-9)
        played.take(amount)
        fork.take(amount)
    for amount in waiting:
        take_when_it_fits(window, amount)
    for amount in then:
        take_when_it_fits(window, amount)

    assert fork.late == played.late
    if not played.late:
        assert fork.due(3.0) == pytest.approx(window.due(3.0), abs=1e-9)
