"""
How low a shared bucket has stood since an instant.

What has leaked can't be given back: at most the lowest level since it was due.
Nobody knows for which instants that will be asked, so a short list is kept, as
for a sliding minimum: each entry is the lowest level since all instants before
its own, and the later the higher.  What rises by little is one with what it rises
from, and where the list gets long, the two that differ least become one: both on
the careful side.
"""

from __future__ import annotations

from itertools import pairwise
from operator import le, lt, sub
from typing import TYPE_CHECKING

from .trip import Low

if TYPE_CHECKING:
    from .trip import Levels, Lows

# How many entries are kept.
LONGEST = 32


def noted(lows: Lows, at: int, levels: Levels, little: Levels) -> Lows:
    """
    Return *lows* with *levels* that a bucket stands at, not before *at*.

    What rises by less than *little*, of each rate, is one with what was there.
    """
    if not lows or not all(map(le, lows[-1].levels, levels)):
        lows = _sunk(lows, levels)
    if not lows:
        return (Low(at, levels),)
    last = lows[-1]
    if last.at >= at:
        return lows
    rises = map(sub, levels, last.levels)
    if all(map(lt, rises, little)):
        return (*lows[:-1], Low(at, last.levels))
    return _shortened((*lows, Low(at, levels)))


def little(caps: Levels) -> Levels:
    """Return what is little for buckets of *caps*."""
    return tuple(cap / LONGEST for cap in caps)


def since(lows: Lows, instant: int, levels: Levels) -> Levels:
    """Return how low it has stood after *instant*, at *levels* by now."""
    for low in lows:
        if low.at > instant:
            return tuple(map(min, low.levels, levels))
    return levels


def lowered(lows: Lows, instant: int, amount: float, now: int) -> Lows:
    """
    Return *lows* as if *amount* had not been taken at *instant*.

    What is put off beyond *now* moves up instead, and finds what it would have.
    """
    past = [low for low in lows if low.at <= now]
    ahead = lows[len(past) :]
    if ahead and (not past or past[-1].at < now):
        past.append(Low(now, ahead[0].levels))
    older = tuple(low for low in past if low.at <= instant)
    newer = [
        Low(low.at, tuple(max(0.0, level - amount) for level in low.levels))
        for low in past[len(older) :]
    ]
    if newer:
        older = _sunk((*older, newer[0]), newer[0].levels)[:-1]
    return _shortened((*older, *newer, *ahead))


def stepped_back(lows: Lows, by: int) -> Lows:
    """Return *lows* on a clock that stepped back *by* microseconds."""
    if by == 0:
        return lows
    return tuple(Low(max(0, low.at - by), low.levels) for low in lows)


def _sunk(lows: Lows, levels: Levels) -> Lows:
    # Of those that are one by now, the last.
    sunk: list[Low] = []
    for low in lows:
        lower = Low(low.at, tuple(map(min, low.levels, levels)))
        if sunk and sunk[-1].levels == lower.levels:
            sunk.pop()
        sunk.append(lower)
    return tuple(sunk)


def _shortened(lows: Lows) -> Lows:
    if len(lows) <= LONGEST:
        return lows
    sums = [sum(low.levels) for low in lows]
    rises = [after - before for before, after in pairwise(sums)]
    i = rises.index(min(rises))
    return (*lows[:i], Low(lows[i + 1].at, lows[i].levels), *lows[i + 2 :])
