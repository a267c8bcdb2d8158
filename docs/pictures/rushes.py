"""Requests that come in rushes, and what limits make of them, by the simulator."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from strip import Stretch, Strip, Tone

from aiolimiter._sim.arrivals import Arrivals, Given, arrivals
from aiolimiter._sim.limits import Limit, Part, limit
from aiolimiter._sim.run import Simulation
from aiolimiter._sim.trial import Plan

ALL_AT_ONCE = 15
CROWD = 25
RUSHES = (0.0, 240.0)


class StartedFull(Part):
    """A bucket that `restrict` has filled before anybody comes."""

    def make(self) -> Any:
        limiter = super().make()
        limiter.restrict(0)
        return limiter

    def __str__(self) -> str:
        return f"{super().__str__()}, then restrict(0)"


def which_limiter() -> list[Strip]:
    """Two rushes of 25 meet four limiters that all say 10 in 60 s."""
    words = ",".join(f"{CROWD}@{at:g}s" for at in RUSHES)
    rushes = [(at, f"+{CROWD}") for at in RUSHES]
    return [
        _through(which, arrivals(f"burst:{words}"), 300, rushes)
        for which in [
            limit("10/60"),
            limit("10/60 burst=1"),
            Limit((StartedFull("bucket", 10, 60, None),)),
            limit("window:10/60"),
        ]
    ]


def why() -> list[Strip]:
    """A rush of 15, through a bucket, an even pace and a window."""
    rush = [(0.0, f"+{ALL_AT_ONCE}")]
    return [
        _through(limit(words), arrivals(f"burst:{ALL_AT_ONCE}@0s"), 1, rush)
        for words in ["10/60", "10/60 burst=1", "window:10/60"]
    ]


def front() -> list[Strip]:
    """Tasks that come as they like, one rush among them, and a bucket."""
    plan = Plan(until=60.0)
    requests = arrivals("poisson:0.6/s").requests(plan.until, plan.wanted, plan.seed)
    came = sorted([*(one.at for one in requests), *[20.0] * 20])
    seconds = 10.0
    comes = Strip(
        "Your tasks come as they like",
        [(at, Tone.INK) for at in came],
        _fullest(came, seconds),
    )
    return [comes, _through(limit("10/10"), Given(came), plan.until)]


def _through(
    which: Limit,
    who: Arrivals,
    until: float,
    rushes: Sequence[tuple[float, str]] = (),
) -> Strip:
    went: list[float] = []
    plan = Plan(until=until)
    Simulation([which], who, plan, seen=lambda _, at, __: went.append(at)).run()
    dots = [(at, Tone.DOT) for at in went]
    return Strip(str(which), dots, _fullest(went, which.period), rushes)


def _fullest(instants: Sequence[float], seconds: float) -> Stretch:
    """Point at the fullest half-open window of *seconds*."""
    counts = [
        sum(start <= at < start + seconds for at in instants) for start in instants
    ]
    most = max(counts)
    start = instants[counts.index(most)]
    return Stretch(start, start + seconds, f"{most} in {seconds:g} s")
