"""Every order of a few events; see docs/exploration.md."""

from __future__ import annotations

import pytest

from .exploration import EVENTS, LONG, SHORT, Unlawful, explore, main, play
from .profile import EFFORT

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
