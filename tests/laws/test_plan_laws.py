"""What is kept of a prediction is what would be found if it were made anew."""

from __future__ import annotations

from contextlib import suppress
from random import Random
from unittest.mock import patch

import pytest
from hypothesis import example, given, settings, strategies as st

from aiolimiter import AsyncLimiter, RateLimitExceeded, SlidingWindowLimiter
from aiolimiter._core import played
from aiolimiter._shell import outlook

from .counter import KINDS, PATIENCE, QUARTERS, Counter, play
from .lengths import long_lines
from .profile import examples

AMOUNTS = st.sampled_from([0.0, 0.25, 0.5, 1.0, 1.5, 2.0])
EVENTS = st.lists(
    st.one_of(
        st.tuples(st.just("come"), st.tuples(AMOUNTS, PATIENCE)),
        st.tuples(st.just("come"), st.tuples(AMOUNTS, PATIENCE)),
        st.tuples(st.just("come"), st.tuples(AMOUNTS, PATIENCE)),
        st.tuples(st.just("give up"), st.integers(0, 5)),
        st.tuples(st.just("hang"), QUARTERS),
        st.tuples(st.just("sleep"), QUARTERS),
        st.tuples(st.just("pause"), QUARTERS),
        st.tuples(st.just("restrict"), st.integers(0, 2)),
        st.tuples(st.just("reset"), st.none()),
        st.tuples(st.just("owe"), st.integers(0, 4)),
        st.tuples(st.just("period"), st.sampled_from([1.0, 2.0, 6.0])),
    ),
    max_size=14,
)


def happen(counter, event, how):
    """Let one *event* happen, of more kinds than `play` knows."""
    if event == "come":
        task = counter.loop.begin(visit(counter, *how))
        counter.tasks.append(task)
    elif event == "give up":
        waiting = [task for task in counter.tasks if not task.done()]
        if waiting:
            with counter.loop.running():
                waiting[how % len(waiting)].cancel()
    elif event == "hang":
        counter.loop.now += how / 100.0
    elif event == "reset":
        counter.call("reset")
    else:
        play(counter, [(event, how)])


async def visit(counter, amount, max_wait):
    with suppress(ValueError, RateLimitExceeded):
        await counter.limiter.acquire(amount, max_wait=max_wait)


def opened(kind):
    """A counter of 2 in 2 seconds, of which all is taken."""
    counter = Counter(kind, 2.0, 2.0)
    counter.tasks = []
    counter.inside = counter.enter(2.0)
    return counter


def replayed(line, amount, key):
    """Seconds until *amount* is due: all ahead of it, one by one, from now on."""
    meter, before = line.meter, 0.0
    forecast = meter.forecast()
    for other in line.queue.in_order():
        if other.key > key:
            break
        wait = max(before, forecast.wait(other.amount))
        left = other.deadline - meter.at
        if wait <= left:
            before = wait
            forecast.take(other.amount)
        else:
            before = max(before, left)
    return max(before, forecast.wait(amount))


@given(kind=KINDS, events=EVENTS, amount=AMOUNTS)
@settings(max_examples=examples(200))
@example(
    kind=AsyncLimiter,
    events=[
        ("reset", None),
        ("period", 6.0),
        ("come", (0.25, None)),
        ("come", (0.5, None)),
        ("come", (1.5, 0.7637)),
        ("come", (0.25, None)),
    ],
    amount=0.0,
)
@example(
    kind=SlidingWindowLimiter,
    events=[("come", (0.25, 2.0137)), ("pause", 2.25)],
    amount=0.0,
)
@example(
    kind=SlidingWindowLimiter,
    events=[("come", (2.0, 2.0137)), ("pause", 2.25), ("reset", None)],
    amount=0.25,
)
@example(
    kind=AsyncLimiter,
    events=[("come", (0.25, None)), ("come", (2.0, None)), ("sleep", 0.25)],
    amount=0.5,
)
@example(
    kind=AsyncLimiter,
    events=[
        ("come", (0.25, 0.2637)),
        ("come", (0.25, 0.5137)),
        ("pause", 0.5),
        ("give up", 0),
    ],
    amount=0.25,
)
def test_a_plan_that_is_kept_is_as_one_made_anew(kind, events, amount):
    """At the end of a line it is asked after each event, and always right."""
    counter = opened(kind)
    line = counter.limiter._line
    with long_lines(0):
        for event, how in events:
            happen(counter, event, how)
            with counter.loop.running():
                line.advance()
                key = line.meter.at + line.meter.lead(amount)
                told, end = line.delay(amount, key), key + 100.0

                last = replayed(line, amount, end)
                assert line.delay(amount, end) == pytest.approx(last, abs=1e-8)
                found = replayed(line, amount, key)
                assert told == pytest.approx(found, abs=1e-8)


STALE = st.lists(
    st.one_of(
        st.tuples(st.just("give up"), st.integers(0, 120)),
        st.tuples(st.just("give up"), st.integers(0, 120)),
        st.tuples(st.just("come"), st.tuples(AMOUNTS, st.none())),
        st.tuples(st.just("pause"), st.sampled_from([0.25, 0.5, 1.0])),
        st.tuples(st.just("restrict"), st.integers(0, 2)),
        st.tuples(st.just("owe"), st.integers(0, 4)),
        st.tuples(st.just("sleep"), QUARTERS),
        st.tuples(st.just("hang"), QUARTERS),
    ),
    min_size=1,
    max_size=6,
)

# What people want, of those who wait for so long as any does a part, and a seed.
CROWDS = st.tuples(
    st.lists(st.sampled_from([0.1, 0.25, 0.5, 1.0, 2.0]), min_size=1, max_size=4),
    st.sampled_from([0.0, 0.5, 1.0]),
    st.integers(0, 10_000),
)


def crowd(counter, many, amounts, patient, seed):
    """So *many* come, who want some of *amounts*; return the seconds until the last."""
    random = Random(seed)
    # In one second one is admitted, on average.
    until_last = many * sum(amounts) / len(amounts)
    for _ in range(many):
        left = random.uniform(0.3, 1.3) * until_last
        left = None if random.random() < patient else left
        happen(counter, "come", (random.choice(amounts), left))
    counter.run()
    return until_last


@given(
    kind=KINDS,
    many=st.integers(outlook.LONG + 1, 120),
    people=CROWDS,
    events=STALE,
    amount=AMOUNTS,
)
@settings(max_examples=examples(150))
@example(
    kind=AsyncLimiter,
    many=52,
    people=([0.25, 0.1], 0.0, 0),
    events=[("give up", 0)],
    amount=0.0,
)
@example(
    kind=AsyncLimiter,
    many=70,
    people=([1.0, 2.0], 0.5, 9925),
    events=[("owe", 4)],
    amount=0.0,
)
@example(
    kind=AsyncLimiter,
    many=43,
    people=([0.1, 0.1, 0.25], 0.0, 0),
    events=[("give up", 0)],
    amount=0.0,
)
@example(
    kind=AsyncLimiter,
    many=87,
    people=([0.5, 0.25], 0.0, 0),
    events=[("give up", 0)],
    amount=0.0,
)
def test_what_is_not_made_anew_refuses_nobody_in_time(
    kind, many, people, events, amount
):
    """In a long line a wait is foretold too short, if not right; never too long."""
    counter = opened(kind)
    line = counter.limiter._line
    until_last = crowd(counter, many, *people)
    for event, how in [("sleep", 0.0), *events]:
        happen(counter, event, how)
        counter.run()
        with counter.loop.running():
            line.advance()
            soonest = line.meter.at + line.meter.lead(amount)
            for key in (soonest, soonest + until_last / 3, soonest + 1e3):
                found = replayed(line, amount, key)
                told = line.delay(amount, key, found)

                assert told <= found + 1e-8


@given(kind=KINDS, events=EVENTS, amount=AMOUNTS)
@settings(max_examples=examples(100))
def test_retry_after_is_enough_in_a_long_line(kind, events, amount):
    """Whatever has happened, asking again after `retry_after` is admitted."""
    counter = opened(kind)
    with long_lines(0):
        for event, how in events:
            happen(counter, event, how)
        refused = counter.call("try_acquire", amount)
        if not refused:
            counter.sleep(refused.retry_after)

            assert counter.call("try_acquire", amount)


@given(
    taken=st.lists(AMOUNTS, min_size=2, max_size=12),
    waiting=st.lists(AMOUNTS, min_size=8, max_size=24),
    amount=AMOUNTS,
)
@settings(max_examples=examples(150))
def test_where_many_are_foretold_roughly_it_is_to_the_careful_side(
    taken, waiting, amount
):
    """Nobody is refused who would be in time; asking after `retry_after` is enough."""
    counter = Counter(SlidingWindowLimiter, 4.0, 2.0)
    line = counter.limiter._line
    with long_lines(0), patch.object(played, "MOST", 4):
        for one in taken:
            counter.call("try_acquire", one)
            counter.sleep(0.125)
        for one in waiting:
            counter.come(one)
        counter.run()
        with counter.loop.running():
            line.advance()
            now = line.meter.at + line.meter.lead(amount)
            for key in (now, now + 0.25, now + 100.0):
                told, found = line.delay(amount, key), replayed(line, amount, key)
                late = line.plan.late if line.plan else 0.0

                assert found - late - 1e-8 <= told <= found + 1e-8
            # Of those with the same key the last is meant.
            for one in {one.key: one for one in line.queue}.values():
                assert line.due_of(one) <= replayed_until(line, one) + 1e-8
        refused = counter.call("try_acquire", amount)
        counter.sleep(refused.retry_after)

        assert refused or counter.call("try_acquire", amount)


def replayed_until(line, waiter):
    """The instant at which *waiter* is due: all ahead of it, one by one."""
    forecast = line.meter.forecast()
    for other in line.queue.in_order():
        if other is waiter:
            break
        forecast.take(other.amount)
    return line.meter.at + forecast.wait(waiter.amount)


@given(kind=KINDS, events=EVENTS)
@settings(max_examples=examples(100))
def test_who_waits_in_a_long_line_is_due_as_in_a_short_one(kind, events):
    """Of equal amounts, each is foretold the instant that is found one by one."""
    counter = opened(kind)
    line = counter.limiter._line
    for event, how in events:
        happen(counter, event, (1.0, None) if event == "come" else how)
    with counter.loop.running():
        line.advance()
        # Of those with the same key the last is meant.
        for waiter in {waiter.key: waiter for waiter in line.queue}.values():
            with long_lines(0):
                kept = line.due_of(waiter)

            assert kept == pytest.approx(line.due_of(waiter), abs=1e-8)


@given(kind=KINDS, events=EVENTS)
@settings(max_examples=examples(150))
@example(
    kind=AsyncLimiter,
    events=[("come", (0.25, None)), ("come", (0.5, None)), ("sleep", 0.25)],
)
@example(kind=AsyncLimiter, events=[("come", (1.5, None)), ("owe", 1)])
def test_the_next_of_a_long_line_is_that_of_a_short_one(kind, events):
    """Behind many who will give up, the next grant is foretold as behind a few."""
    counter = opened(kind)
    for event, how in events:
        happen(counter, event, how)
        with long_lines(0):
            kept = counter.call("statistics").seconds_to_next

        told = counter.call("statistics").seconds_to_next
        assert kept == (told and pytest.approx(told, abs=1e-8))


def test_a_long_line_is_foretold_nearly_as_one_by_one():
    """Thousands are played through together: never too early, and a bit too late."""
    counter = Counter(SlidingWindowLimiter, 1000.0, 10.0)
    for _ in range(10):
        counter.call("try_acquire", 100.0)
        counter.sleep(0.7)
    for _ in range(3500):
        counter.come()
    line = counter.limiter._line
    with counter.loop.running():
        line.advance()
        kept = line.delay(1.0, 100.0)

        assert kept == pytest.approx(replayed(line, 1.0, 100.0))


def test_nothing_foretold_of_an_empty_line_is_kept():
    """A refusal while nobody waits says nothing of those who come later."""
    counter = Counter(SlidingWindowLimiter, 2.0, 2.0)
    counter.call("try_acquire", 2.0)
    early = counter.refused(counter.limiter.acquire(max_wait=0.0))
    counter.sleep(3.0)
    counter.call("try_acquire", 2.0)
    counter.come()
    counter.run()
    late = counter.refused(counter.limiter.acquire(max_wait=0.0))

    assert early.retry_after == pytest.approx(2.0)
    assert late.retry_after == pytest.approx(2.0)


def test_who_is_behind_those_who_passed_is_due_after_them():
    """The last of a long line is due when all it had before, and passers, are in."""
    counter = Counter(SlidingWindowLimiter, 4.0, 4.0)
    line = counter.limiter._line
    with long_lines(0):
        counter.call("try_acquire", 4.0)
        counter.come(4.0)
        counter.run()
        with counter.loop.running():
            assert line.delay(4.0, 8.0) == pytest.approx(8.0)
        counter.come(1.0)
        counter.run()
        with counter.loop.running():
            last = line.queue.in_order()[-1]

            assert line.plan.due(last.key) == pytest.approx(8.0)


def test_all_who_wait_are_ahead_of_one_with_the_last_key():
    """Of the same key, who came before is ahead, also in the last row."""
    counter = Counter(AsyncLimiter, 1.0, 1.0)
    queue = counter.limiter._line.queue
    counter.call("try_acquire", 1.0)
    for _ in range(3):
        counter.come()
    counter.run()

    assert queue.ahead(queue.in_order()[-1].key) == 3.0


def test_who_gave_up_is_counted_out_where_it_stood():
    """Of those with the same key, whoever gives up: `retry_after` is enough."""
    for which in range(3):
        counter = Counter(AsyncLimiter, 10.0, 10.0)
        with long_lines(0):
            counter.call("try_acquire", 10.0)
            tasks = [counter.loop.begin(visit(counter, 1.0, None)) for _ in range(3)]
            counter.come(9.0)
            counter.run()
            with counter.loop.running():
                tasks[which].cancel()
            counter.run()
            refused = counter.call("try_acquire", 0.5)
            counter.sleep(refused.retry_after)

            assert counter.call("try_acquire", 0.5)
