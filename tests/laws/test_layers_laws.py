"""
What can still be given back: the layers, against the naive rule.

The naive rule keeps for each open admission the lowest level since (trial.md,
"Giving back"), and goes through all of them each time.
"""

from __future__ import annotations

from hypothesis import example, given, settings, strategies as st

from aiolimiter._core.layers import Layers

from .profile import examples

# Whole numbers: sums are exact, and equal levels are common.
AMOUNTS = st.integers(0, 6)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("take"), AMOUNTS),
        st.tuples(st.just("open"), AMOUNTS),
        st.tuples(st.just("leak"), AMOUNTS),
        st.tuples(st.just("raise"), st.integers(0, 12)),
        st.tuples(st.just("back"), AMOUNTS, st.integers(0, 9)),
        st.tuples(st.just("hold"), st.integers(0, 9)),
        st.tuples(st.just("release"), st.integers(0, 9)),
        st.tuples(st.just("clear")),
    ),
    max_size=25,
)


class Naive:
    """A level, and for each admission still open the lowest level since."""

    def __init__(self):
        self.level = 0
        self.lows = []
        self.holders = []

    def open(self):
        self.lows.append(self.level)
        self.holders.append(1)

    def lower(self, level):
        self.level = level
        self.lows = [min(low, level) for low in self.lows]

    def raise_to(self, level):
        spare = max(0, self.level - level)
        self.lows = [min(low, spare) for low in self.lows]
        self.level = max(self.level, level)

    def give_back(self, index, amount):
        back = min(amount, self.lows[index])
        self.level -= back
        low = self.lows[index]
        for other in range(len(self.lows)):
            if other > index:
                self.lows[other] -= back
            else:
                self.lows[other] = min(self.lows[other], low - back)
        return back


class Layered:
    """The same on `Layers`, called as `Bucket` calls them."""

    def __init__(self):
        self.level = 0
        self.layers = Layers()
        self.marks = []

    def take(self, amount):
        self.layers.sink(self.level)
        self.level += amount

    def open(self):
        self.layers.sink(self.level)
        self.marks.append(self.layers.open(self.level))

    def raise_to(self, level):
        self.layers.sink(self.level)
        self.layers.sink(max(0, self.level - level))
        self.level = max(self.level, level)

    def give_back(self, index, amount):
        self.layers.sink(self.level)
        back = self.layers.take(self.marks[index], amount)
        self.level -= back
        return back


@given(steps=STEPS)
@settings(max_examples=examples(400))
@example(steps=[("open", 2), ("leak", 2), ("open", 2), ("back", 2, 0), ("back", 2, 1)])
@example(steps=[("open", 3), ("open", 3), ("back", 6, 0), ("back", 3, 1)])
@example(steps=[("open", 4), ("raise", 2), ("back", 4, 0)])
@example(steps=[("open", 1), ("open", 1), ("release", 0), ("back", 2, 1)])
@example(steps=[("open", 2), ("take", 2), ("leak", 3), ("take", 2), ("back", 2, 0)])
def test_no_more_comes_back_than_the_lowest_level_since(steps):
    """The layers give back what a list of lowest levels gives back, to the unit."""
    naive, layered = Naive(), Layered()
    for step, *args in steps:
        play(naive, layered, step, *args)

        assert layered.level == naive.level >= 0
    for index, holders in enumerate(naive.holders):
        for _ in range(holders):
            layered.layers.release(layered.marks[index])

    assert not layered.layers
    assert layered.layers.depth == 0


def play(naive, layered, step, *args):
    """Do the same to both."""
    if step in {"take", "open"}:
        layered.take(args[0])
        naive.level += args[0]
        if step == "open":
            naive.open()
            layered.open()
    elif step == "leak":
        naive.lower(max(0, naive.level - args[0]))
        layered.level = max(0, layered.level - args[0])
    elif step == "raise":
        naive.raise_to(args[0])
        layered.raise_to(args[0])
    elif step == "clear":
        naive.lows = [0] * len(naive.lows)
        layered.layers.clear()
    else:
        held = [i for i, holders in enumerate(naive.holders) if holders]
        if held:
            handle(naive, layered, step, held[args[-1] % len(held)], *args)


def handle(naive, layered, step, index, amount, *_):
    """Do the same to one open admission of both."""
    if step == "back":
        assert layered.give_back(index, amount) == naive.give_back(index, amount)
    elif step == "hold":
        naive.holders[index] += 1
        layered.layers.hold(layered.marks[index])
    else:
        naive.holders[index] -= 1
        layered.layers.release(layered.marks[index])
        if not naive.holders[index]:
            naive.lows[index] = 0


@given(amounts=st.lists(AMOUNTS, min_size=1, max_size=30), back=AMOUNTS)
@settings(max_examples=examples(50))
def test_layers_are_as_many_as_are_held(amounts, back):
    """Water whose admissions are closed leaves no layer behind."""
    layered = Layered()
    for amount in amounts:
        layered.take(amount)
        layered.open()
    layered.give_back(len(amounts) - 1, back)
    for mark in layered.marks[:-1]:
        layered.layers.release(mark)

    layered.layers.release(layered.marks[-1])

    assert not layered.layers
