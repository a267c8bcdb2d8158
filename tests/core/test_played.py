"""What a window will admit when, to one after the other."""

from __future__ import annotations

from math import inf
from unittest.mock import patch

from aiolimiter._core import played
from aiolimiter._core.played import Played

LOG = [(4.0 + at / 8.0, 1.0) for at in range(4)]


def window(slices):
    """Four of four are taken, an eighth of a second after each other."""
    return Played(LOG, 4.0, 4.0, holds=4.0, start=3.5, slices=slices, first=0.375)


def test_those_who_come_close_together_expire_together():
    """In a long log they are one entry, which expires with its newest, not before."""
    sums = [float(many) for many in range(1, 9)]
    _, exact = window(100).play(sums)
    _, merged = window(3).play(sums)

    assert exact == [4.0, 4.125, 4.25, 4.375, 8.0, 8.125, 8.25, 8.375]
    # Of the second four, the first comes with nobody: three are left by then.
    assert merged == [4.0, 4.125, 4.25, 4.375, 8.125, 8.25, 8.375]


def test_one_who_comes_when_the_last_did_is_one_with_it():
    """Of a long log the last entry grows, and expires with its newest."""
    long = Played(LOG[:3], 3.0, 4.0, holds=4.0, start=0.5, slices=3, first=0.25)
    long.take(1.0)

    assert [long.due(1.0), long.due(2.0), long.due(3.0)] == [4.0, 4.125, 4.5]


def test_more_than_a_window_holds_never_fits():
    """It is told so, whatever is in it."""
    assert window(100).due(4.5) == inf


def test_before_too_many_expire_those_close_together_are_one():
    """It expires with its newest, and says by how much that may be too late."""
    log = [(4.0 + at / 16.0, 1.0) for at in range(16)]
    rough = Played(log, 16.0, 4.0, holds=16.0, start=0.0, slices=1000, first=0.0)
    with patch.object(played, "MOST", 32):
        _, dues = rough.play([half / 2.0 for half in range(1, 65)])
    spare = 4.0 * 4.0 / 1000.0

    assert dues == [at + spare for at in (4.375, 4.9375, 8.375, 8.9375)]
    assert rough.late == 0.5 + spare
