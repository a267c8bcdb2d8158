"""Every order of a few events; see docs/exploration.md."""

from __future__ import annotations

import pytest

from .exploration import EVENTS, LONG, SHORT, Unlawful, explore, main, on_time, play
from .profile import EFFORT
from .world import World

MOST = SHORT if EFFORT == 1 else LONG


@pytest.mark.parametrize("kind", EVENTS)
def test_every_order_of_events_is_lawful(kind):
    """Whatever happens in whatever order, all laws hold, then and at rest."""
    count = explore(EVENTS[kind], MOST[kind])

    assert count > 1000


def test_the_program_tells_how_far_it_went(capsys):
    """Run as a program, it says how many schedules it played."""
    assert main(["waiting", "2"]) == 0

    assert "waiting, up to 2 events: 12 schedules" in capsys.readouterr().out


def test_an_unlawful_schedule_is_named():
    """What breaks a law is reported with the events that lead there."""

    def grant_too_much(world):
        world.limiter._line.meter.level -= 1.0

    def events(world):
        yield "leak", grant_too_much
        yield "arrive", lambda w: w.arrive(2.0)

    found = []
    explore(events, 2, found)

    assert "[arrive, leak]: AssertionError" in "\n".join(map(str, found))
    with pytest.raises(Unlawful, match=r"^\[(arrive, )?leak\]"):
        explore(events, 2)


def test_an_event_that_fails_is_a_fault():
    """An error that comes out of the limiter is unlawful, whatever it is."""

    def fail(world):
        raise KeyError(world.loop.now)

    with pytest.raises(Unlawful, match=r"\[fail\]: KeyError: 0.0"):
        play([("fail", fail)])


# What once broke a law, as it was found.
ONCE = {
    "due at the deadline": [
        lambda w: w.restrict(0.0),
        lambda w: w.arrive(2.0, max_wait=0.020),
        on_time,
    ],
    "a hopeless one in front": [
        lambda w: w.restrict(0.0),
        lambda w: w.arrive(2.0, max_wait=0.020),
        lambda w: w.arrive(1.0),
        on_time,
        lambda w: w.arrive(1.0),
        lambda w: w.arrive(1.0),
    ],
    "a change loses the credit": [
        lambda w: w.restrict(0.0),
        lambda w: w.set_rate(200.0),
        lambda w: w.arrive(1.0),
        lambda w: w.pass_time(0.015),
        lambda w: w.set_burst(3.0),
    ],
    "an equal passes after a change": [
        lambda w: w.restrict(0.0),
        lambda w: w.pass_time(0.015),
        lambda w: w.arrive(2.0),
        lambda w: w.set_rate(50.0),
        lambda w: w.arrive(2.0),
    ],
    "what leaked before the wait comes back": [
        lambda w: w.arrive(2.0, "reserve"),
        lambda w: w.pass_time(0.015),
        lambda w: w.arrive(2.0, "reserve"),
        lambda w: w.settle(w.people[0], 0.0),
    ],
    "a word leaves the credit": [
        lambda w: w.arrive(2.0),
        lambda w: w.arrive(1.0),
        lambda w: w.arrive(1.0),
        lambda w: w.pass_time(0.040),
        lambda w: w.restrict(2.0),
    ],
    "the last one who waits no longer fits": [
        lambda w: w.arrive(2.0),
        lambda w: w.arrive(2.0),
        lambda w: w.set_burst(1.0),
    ],
}


@pytest.mark.parametrize("name", ONCE)
def test_what_was_unlawful_once_is_lawful_now(name):
    """Faults that these laws have found stay found."""
    world = World(100.0, 2.0)
    for event in ONCE[name]:
        event(world)
    world.finish()
