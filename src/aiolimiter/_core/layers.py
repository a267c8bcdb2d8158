"""
What could still be given back.

Water that has leaked away can't be returned: had it never been poured, the
bucket would have run dry all the same.  What one admission may give back is
therefore bounded by the lowest level since then.  For all open admissions at
once these lowest levels rise from the oldest to the newest, so they are kept
as layers of water, each the part of the bucket between two of them.  Leaking
removes water from the top; giving back removes it from a layer downwards; a
layer run dry has the fate of the one below it, and becomes one with it.
"""

from __future__ import annotations

from math import inf


class Layer:
    """The water that came between an open admission and the one below it."""

    __slots__ = ("above", "below", "holders", "into", "water")

    def __init__(self, water: float, below: Layer | None) -> None:
        self.water = water
        self.below = below
        self.above: Layer | None = None
        self.into: Layer | None = None
        self.holders = 1


class Layers(Layer):
    """
    The layers of one bucket; there are none unless somebody holds one.

    It is the ground they lie on: the layer that has no water, and none below.
    """

    __slots__ = ("_top", "depth")

    def __init__(self) -> None:
        super().__init__(0.0, None)
        self._top: Layer = self
        self.depth = 0.0

    def __bool__(self) -> bool:
        return self._top is not self

    def open(self, level: float) -> Layer:
        """Start a layer that reaches up to *level*, held once."""
        layer = Layer(level - self.depth, self._top)
        self._top.above = layer
        self._top = layer
        self.depth = level
        return layer

    def hold(self, layer: Layer) -> None:
        """Hold *layer* once more."""
        _found(layer).holders += 1

    def release(self, layer: Layer) -> None:
        """Let go of *layer*; unheld, its water counts for the one above it."""
        layer = _found(layer)
        layer.holders -= 1
        if layer is self or layer.holders:
            return
        if layer.above is None:
            self.depth -= layer.water
        else:
            layer.above.water += layer.water
        self._unlink(layer)

    def sink(self, level: float) -> None:
        """Forget the water above *level*: it has leaked, or can't come back."""
        if self.depth > level:
            self._drain(self._top, self.depth - level)

    def take(self, layer: Layer, amount: float) -> float:
        """Remove up to *amount* from *layer* and below; return how much."""
        return self._drain(_found(layer), amount)

    def clear(self) -> None:
        """Forget all water: nothing that is held gives anything back."""
        self._drain(self._top, inf)

    def _drain(self, layer: Layer, amount: float) -> float:
        left = amount
        while left >= layer.water and layer.below is not None:
            left -= layer.water
            layer = self._merge_down(layer, layer.below)
        if layer.below is not None:
            layer.water -= left
            left = 0.0
        self.depth = self.depth - (amount - left) if self else 0.0
        return amount - left

    def _merge_down(self, layer: Layer, below: Layer) -> Layer:
        below.holders += layer.holders
        layer.into = below
        self._unlink(layer)
        return below

    def _unlink(self, layer: Layer) -> None:
        below, above = layer.below, layer.above
        assert below is not None, "the ground is never unlinked"
        below.above = above
        if above is None:
            self._top = below
        else:
            above.below = below
        # A dry layer may be held for long: it must not keep the others alive.
        layer.below = layer.above = None


def _found(layer: Layer) -> Layer:
    """Return the layer that *layer* is part of by now."""
    while layer.into is not None:
        if layer.into.into is not None:
            layer.into = layer.into.into
        layer = layer.into
    return layer
