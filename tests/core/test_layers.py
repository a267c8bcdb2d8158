"""What could still be given back, as layers of water."""

from __future__ import annotations

import pytest

from aiolimiter._core.layers import Layers


def stack(*levels):
    """Return layers that reach up to each of *levels*, and all of them."""
    layers = Layers()
    return layers, [layers.open(level) for level in levels]


def test_nobody_holds_anything():
    """Without an open admission there are no layers."""
    layers = Layers()

    assert not layers
    assert layers.depth == 0.0


def test_open():
    """Each open admission is a layer, up to the level when it came."""
    layers, held = stack(3.0, 5.0, 9.0)

    assert layers
    assert layers.depth == 9.0
    assert [layer.water for layer in held] == [3.0, 2.0, 4.0]


@pytest.mark.parametrize(
    ("level", "back"),
    [
        # what each of three could give back, the oldest first
        (9.0, [3.0, 5.0, 9.0]),
        (7.0, [3.0, 5.0, 7.0]),
        (5.0, [3.0, 5.0, 5.0]),
        (4.0, [3.0, 4.0, 4.0]),
        (1.0, [1.0, 1.0, 1.0]),
        (0.0, [0.0, 0.0, 0.0]),
    ],
)
@pytest.mark.parametrize("which", [0, 1, 2])
def test_leaking_takes_from_the_top(level, back, which):
    """Each may give back what is left of the level since it came."""
    layers, held = stack(3.0, 5.0, 9.0)

    layers.sink(level)

    assert layers.take(held[which], 100.0) == back[which]


@pytest.mark.parametrize(
    ("first", "then", "left"),
    [
        ((0, 2.0), 2, 7.0),  # the oldest gives 2 back: the newest has 2 less below
        ((2, 2.0), 0, 3.0),  # the newest gives back from its own layer
        ((2, 5.0), 1, 4.0),  # ... and below when that is dry
        ((1, 4.0), 0, 1.0),
        ((1, 4.0), 2, 5.0),
    ],
)
def test_giving_back_leaves_the_others_the_rest(first, then, left):
    """What one gives back is missing to those above, and to those it reaches."""
    layers, held = stack(3.0, 5.0, 9.0)
    which, amount = first

    assert layers.take(held[which], amount) == amount

    assert layers.take(held[then], 100.0) == left


def test_no_more_than_asked_for():
    """Giving back removes what is asked for, if it is there."""
    layers, (layer,) = stack(3.0)

    assert [layers.take(layer, 2.0) for _ in range(3)] == [2.0, 1.0, 0.0]


def test_the_last_layer_that_runs_dry():
    """Layers that have run dry are none any more."""
    layers, _ = stack(3.0, 5.0)

    layers.sink(0.0)

    assert not layers
    assert layers.depth == 0.0


def test_releasing_the_top():
    """Let go of on top, its water is nobody's."""
    layers, (_, second) = stack(3.0, 5.0)

    layers.release(second)

    assert layers.depth == 3.0


def test_releasing_below():
    """Let go of below another, its water counts for that one."""
    layers, (first, second) = stack(3.0, 5.0)

    layers.release(first)

    assert layers.depth == 5.0
    assert layers.take(second, 100.0) == 5.0


def test_held_twice():
    """A layer that is held twice stays until both have let go."""
    layers, (layer,) = stack(3.0)
    layers.hold(layer)

    layers.release(layer)
    assert layers
    layers.release(layer)
    assert not layers


def test_a_dry_layer_has_the_fate_of_the_one_below():
    """Who holds a layer that ran dry holds the one below it."""
    layers, (first, second) = stack(3.0, 5.0)
    layers.sink(2.0)
    layers.release(first)

    assert layers
    assert layers.take(second, 100.0) == 2.0
    layers.release(second)
    assert not layers


def test_several_that_ran_dry():
    """However deep it has sunk, each is found where it has ended."""
    layers, held = stack(1.0, 2.0, 3.0, 4.0, 5.0)
    for level in (4.5, 3.5, 2.5, 1.5, 0.5):
        layers.sink(level)

    assert layers.take(held[4], 0.25) == 0.25
    assert layers.take(held[0], 1.0) == 0.25
    for layer in held:
        layers.release(layer)
    assert not layers


def test_releasing_what_has_leaked_away():
    """Who lets go of a layer that is gone changes nothing."""
    layers, (layer,) = stack(3.0)
    layers.sink(0.0)

    layers.release(layer)
    layers.hold(layer)

    assert not layers


def test_sinking_to_where_it_stands():
    """Nothing is lost at a level that is not below."""
    layers, (layer,) = stack(3.0)

    layers.sink(8.0)
    layers.sink(3.0)

    assert layers.take(layer, 100.0) == 3.0


def test_clear():
    """After clear nothing comes back from anybody."""
    layers, held = stack(3.0, 5.0)

    layers.clear()

    assert [layers.take(layer, 100.0) for layer in held] == [0.0, 0.0]
    assert not layers


def test_a_new_one_after_all_is_dry():
    """After all has leaked away, a new admission starts from the ground."""
    layers, _ = stack(3.0, 5.0)
    layers.sink(0.0)

    layer = layers.open(4.0)

    assert layers.take(layer, 100.0) == 4.0
