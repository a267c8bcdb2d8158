"""What a limiter foretells comes true: `retry_after` and `seconds_to_next`."""

from __future__ import annotations

from math import ulp

from hypothesis import given, settings, strategies as st

from .counter import KINDS, STEPS, played
from .profile import examples

UPTIMES = st.one_of(st.sampled_from([0.0, 1e8]), st.floats(0.0, 1e8))


@given(
    kind=KINDS,
    start=UPTIMES,
    steps=STEPS,
    amount=st.sampled_from([0.0, 0.5, 1.0, 2.0]),
)
@settings(max_examples=examples(120))
def test_retry_after_is_enough(kind, start, steps, amount):
    """Whatever has happened, asking again after `retry_after` is admitted."""
    counter = played(kind, steps, start=start)
    refused = counter.call("try_acquire", amount)
    if not refused:
        counter.sleep(refused.retry_after)

        assert counter.call("try_acquire", amount)


@given(kind=KINDS, start=UPTIMES, steps=STEPS)
@settings(max_examples=examples(80))
def test_retry_after_is_no_longer_than_it_takes(kind, start, steps):
    """Of equal amounts, asking a thousandth sooner is refused: nobody gives up."""
    steps = [(step, None if step == "come" else how) for step, how in steps]
    counter = played(kind, steps, start=start)
    refused = counter.call("try_acquire", 1.0)
    sooner = refused.retry_after * 0.999 - 1e-6
    if sooner > 0.0:
        counter.sleep(sooner)

        assert not counter.call("try_acquire", 1.0)


@given(kind=KINDS, start=UPTIMES, steps=STEPS)
@settings(max_examples=examples(120))
def test_seconds_to_next_comes_true(kind, start, steps):
    """The next grant comes when it was told, or never if none was."""
    counter = played(kind, steps, start=start)
    counter.run()
    waiting = [who for who, end in enumerate(counter.ends) if end is None]
    told, begin = counter.call("statistics").seconds_to_next, counter.loop.now
    counter.rest()
    ends = [counter.ends[who] for who in waiting]
    grants = [when - begin for what, when in ends if what == "admitted"]

    assert (told is None) == (not grants)
    if grants:
        assert abs(min(grants) - told) <= 1e-8 + 4 * ulp(begin)


@given(kind=KINDS, steps=STEPS, amount=st.sampled_from([0.0, 0.5, 1.0, 2.0]))
@settings(max_examples=examples(60))
def test_what_remains_is_what_is_available(kind, steps, amount):
    """A decision's `remaining` is what statistics tell right after it."""
    counter = played(kind, steps)
    remaining = counter.call("try_acquire", amount).remaining

    assert remaining == counter.call("statistics").available
    assert 0.0 <= remaining <= 2.0
