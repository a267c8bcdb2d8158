"""The laws of `max_wait`, and of refusals: for buckets and for windows."""

from __future__ import annotations

import pytest
from hypothesis import assume, example, given, settings, strategies as st

from aiolimiter import AsyncLimiter, RateLimitExceeded

from .counter import KINDS, PATIENCE, QUARTERS, STEPS, play, played
from .model import CATCH_UP
from .profile import examples


@given(kind=KINDS, steps=STEPS, max_wait=QUARTERS)
@settings(max_examples=examples(120))
@example(
    kind=AsyncLimiter,
    steps=[*[("come", None)] * 2, ("come", 1.0), ("pause", 1.25)],
    max_wait=3.0,
)
@example(
    kind=AsyncLimiter,
    steps=[*[("come", None)] * 2, ("come", 1.0), ("sleep", 0.5), ("restrict", 0)],
    max_wait=1.5,
)
@example(
    kind=AsyncLimiter,
    steps=[*[("come", None)] * 2, ("come", 1.0), ("owe", 1)],
    max_wait=2.5,
)
@example(
    kind=AsyncLimiter,
    steps=[*[("come", None)] * 2, ("come", 1.0), ("period", 6.0)],
    max_wait=4.0,
)
def test_who_is_refused_would_have_been_late(kind, steps, max_wait):
    """Of equal amounts, who is refused at once would have been too late, and only they.

    Whatever has happened before to those ahead, whom that may have made hopeless.
    """
    patient, hasty = played(kind, steps), played(kind, steps)
    begin = patient.loop.now
    last, tried = patient.come(), hasty.come(1.0, max_wait)
    at_once = hasty.ends[tried] is not None
    patient.rest()
    hasty.rest()
    waited = patient.ends[last][1] - begin
    # Due to the instant at the deadline, rounding decides.
    assume(abs(waited - max_wait) > 1e-6)
    what, when = hasty.ends[tried]

    assert (what == "admitted") == (waited < max_wait)
    assert what == "admitted" or at_once, "hopeless, and not refused at once"
    assert when - begin <= max_wait


@given(kind=KINDS, before=STEPS, max_wait=QUARTERS, after=STEPS)
@settings(max_examples=examples(80))
def test_nobody_waits_longer(kind, before, max_wait, after):
    """Whatever happens while somebody waits, at the deadline it is over."""
    counter = played(kind, before)
    begin, who = counter.loop.now, counter.come(1.0, max_wait)
    play(counter, after)
    counter.rest()

    assert counter.ends[who][1] <= begin + max_wait


@given(blocked=QUARTERS, waiting=st.lists(PATIENCE, min_size=1, max_size=6))
@settings(max_examples=examples(40))
@example(blocked=3.0, waiting=[1.0, None])
@example(blocked=1.25, waiting=[1.0137])
def test_a_blocked_loop_is_taken_into_account(blocked, waiting):
    """What a loop that hung cost those ahead counts for who comes right after."""
    patient, hasty = (played(AsyncLimiter, [("come", None)] * 2) for _ in range(2))
    for counter in (patient, hasty):
        for max_wait in waiting:
            counter.come(1.0, max_wait)
        counter.run()
        counter.loop.now += blocked
    begin, last = patient.loop.now, patient.come()
    patient.rest()
    waited = patient.ends[last][1] - begin
    hasty.come(1.0, waited + 1e-6)
    hasty.rest()

    assert hasty.ends == patient.ends


@given(
    kind=KINDS,
    late=st.floats(0.0, 0.99 * CATCH_UP),
    more=st.floats(0.0, 2.0 * CATCH_UP),
)
@settings(max_examples=examples(40))
@example(kind=AsyncLimiter, late=0.005, more=0.001)
def test_a_late_timer_does_not_refuse(kind, late, more):
    """Who was due before the deadline is admitted, though the timer came after it."""
    counter = played(kind, [("come", None)] * 2)
    due = counter.call("try_acquire").retry_after
    who = counter.come(1.0, due + more)
    counter.run()
    counter.loop.now = due + late
    counter.ring()

    assert counter.ends[who] == ("admitted", due + late)


# Refusals.


def nosy(counter):
    """Ask for everything that will be refused, in every way there is."""
    counter.call("statistics")
    with pytest.raises(ValueError, match=r"^can't acquire 3: "):
        counter.call("try_acquire", 3.0)
    if counter.call("has_capacity", 2.0) and not counter.call("statistics").waiting:
        return
    assert not counter.call("try_acquire", 2.0)
    for max_wait in (0.0, 1 / 64):
        refused = counter.refused(counter.limiter.acquire(2.0, max_wait=max_wait))
        assert refused.retry_after > max_wait
        block = counter.limiter.reserve(2.0, max_wait=max_wait)
        counter.refused(block.__aenter__())


@given(kind=KINDS, steps=STEPS)
@settings(max_examples=examples(60))
def test_a_refusal_changes_nothing(kind, steps):
    """Who is refused, by whichever verb, leaves no trace in what comes after."""
    asked, alone = played(kind, steps, nosy), played(kind, steps)
    nosy(asked)

    agree(asked, alone)
    for counter in (asked, alone):
        counter.rest()
    agree(asked, alone)


@given(kind=KINDS, steps=STEPS, max_wait=QUARTERS)
@settings(max_examples=examples(60))
def test_who_gives_up_at_the_deadline_took_nothing(kind, steps, max_wait):
    """The last one in line, once refused, leaves no trace for those before it."""
    counter, alone = played(kind, steps), played(kind, steps)
    who = counter.come(1.0, max_wait)
    for each in (counter, alone):
        # Now it is hopeless, if it waits.
        each.call("pause", 50.0)
        each.sleep(max_wait + 1.0)
    assume(counter.ends[who][0] is RateLimitExceeded)

    counter.ends.pop(who)
    agree(counter, alone)
    for each in (counter, alone):
        each.rest()
    agree(counter, alone)


def agree(counter, other):
    """See that both are as full, and that the same became of everybody."""
    full = counter.call("statistics"), other.call("statistics")
    assert full[0].level == pytest.approx(full[1].level)
    assert full[0][2:4] == full[1][2:4]
    assert [end and end[0] for end in counter.ends] == [
        end and end[0] for end in other.ends
    ]
    assert [end and end[1] for end in counter.ends] == [
        end and pytest.approx(end[1]) for end in other.ends
    ]
