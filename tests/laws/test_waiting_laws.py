"""The laws of waiting: each sentence of design.md, section 4, that a number is in."""

from __future__ import annotations

import math

import pytest
from hypothesis import assume, example, given, settings, strategies as st

from aiolimiter import AsyncLimiter

from .hand_loop import HandLoop
from .model import CATCH_UP, SLACK
from .profile import examples
from .world import World

RATES = st.sampled_from([10.0, 3.0, 100.0, 1 / 3, 1000 / 7])
STARTS = st.sampled_from([0.0, 1e3, 1e8])
AMOUNTS = st.integers(1, 5).map(float)
# Seconds, in parts of the time in which one unit leaks; the rest are not.
GAPS = st.one_of(st.integers(0, 40).map(lambda gap: gap / 8), st.floats(0.0, 5.0))
QUEUES = st.lists(st.tuples(GAPS, AMOUNTS), min_size=1, max_size=6)


class Counter:
    """A limiter of 5, and who comes to it when; the timer rings as it should."""

    def __init__(self, rate, start):
        self.rate = rate
        self.loop = HandLoop(start)
        self.limiter = AsyncLimiter(rate, 1.0, burst=5.0)
        self.ask(5.0)

    def ask(self, amount):
        with self.loop.running():
            return self.limiter.try_acquire(amount)

    def acquire(self, amount, max_wait=None):
        async def visit():
            await self.limiter.acquire(amount, max_wait=max_wait)
            return self.loop.now

        return self.loop.begin(visit())

    def sleep(self, seconds, *, busy=False):
        """Let time pass, and everything happen that is due by then."""
        end = self.loop.now + seconds
        while not busy:
            while self.loop.ready:
                self.loop.run(self.loop.ready.popleft())
            alarm = self.loop.alarm()
            if alarm is None or alarm > end:
                break
            self.loop.now = max(self.loop.now, alarm)
            self.loop.fire()
        self.loop.now = end

    def drain(self):
        """Let everybody have their turn."""
        for _ in range(1000):
            if not self.loop.timers:
                break
            self.sleep(self.loop.alarm() - self.loop.now)


@given(
    rate=RATES,
    start=STARTS,
    queue=QUEUES,
    gap=GAPS,
    amount=AMOUNTS,
    busy=st.booleans(),
)
@settings(max_examples=examples(250))
@example(rate=10.0, start=0.0, queue=[(3.0, 5.0)], gap=0.0, amount=4.0, busy=False)
@example(
    rate=100.0,
    start=0.0,
    queue=[(0.0, 1.0), (0.0, 5.0)],
    gap=90.0,
    amount=1.0,
    busy=True,
)
@example(rate=7.0, start=1e3, queue=[(0.0, 2.0)], gap=0.0, amount=1.0, busy=False)
@example(
    rate=100.0,
    start=1e8,
    queue=[(0.0, 4.0), (10.0, 2.0), (0.0, 3.0)],
    gap=0.0,
    amount=1.0,
    busy=True,
)
def test_retry_after_counts_who_is_waiting(*, rate, start, queue, gap, amount, busy):
    """Sleeping exactly `retry_after` is enough, whoever waits."""
    counter = Counter(rate, start)
    for before, wanted in queue:
        counter.sleep(before / rate, busy=busy)
        counter.acquire(wanted)
    counter.sleep(gap / rate, busy=busy)
    refused = counter.ask(amount)
    if not refused:
        counter.sleep(refused.retry_after)

        assert counter.ask(amount)


@given(rate=RATES, start=st.just(0.0), queue=QUEUES, amount=AMOUNTS, gap=GAPS)
@settings(max_examples=examples(150))
def test_who_is_refused_would_have_waited_too_long(rate, start, queue, amount, gap):
    """Of equal amounts `max_wait` refuses those who would be late, and no other."""
    patient, hasty = Counter(rate, start), Counter(rate, start)
    for before, _ in queue:
        for counter in (patient, hasty):
            counter.sleep(before / rate)
            counter.acquire(amount)
    task, begin = patient.acquire(amount), patient.loop.now
    patient.drain()
    waited, max_wait = task.result() - begin, gap / rate
    assume(abs(waited - max_wait) > 1e-6)
    task = hasty.acquire(amount, max_wait)
    refused = task.done() and task.exception() is not None

    assert refused == (waited > max_wait)
    hasty.drain()
    assert refused or task.result() - begin <= max_wait


@given(
    rate=st.sampled_from([100.0, 500.0, 1000.0]),
    lateness=st.lists(st.floats(0.0, 0.99 * CATCH_UP), min_size=30, max_size=60),
)
@settings(max_examples=examples(20))
def test_late_timers_cost_nothing(rate, lateness):
    """Timers less than 10 ms late: the n-th grant is never late by more."""
    loop, limiter, admitted = HandLoop(), AsyncLimiter(1, 1 / rate), []

    async def work():
        while True:
            await limiter.acquire()
            admitted.append(loop.now)

    # Enough that somebody still waits when all that is due has been granted.
    tasks = [loop.begin(work()) for _ in range(12)]
    for late in lateness:
        loop.now = max(loop.now, loop.alarm() + late)
        loop.fire()
        while loop.ready:
            loop.run(loop.ready.popleft())

    for n, at in enumerate(admitted):
        assert abs(at - n / rate) <= CATCH_UP + 1e-9
    assert len(tasks) == 12


@given(blocked=st.floats(0.5, 1000.0), rate=st.sampled_from([10.0, 100.0, 1000.0]))
@settings(max_examples=examples(20))
def test_a_blocked_loop_lets_no_flood_through(blocked, rate):
    """However long the loop was busy, 10 ms' worth is made up for, and no more."""
    world = World(rate, 2.0)
    for _ in range(60):
        world.arrive(1.0)
    before = len(world.promise.admitted)
    world.pass_time(blocked)
    world.fire()
    world.run_all()

    at_once = 2.0 + CATCH_UP * rate
    assert len(world.promise.admitted) - before == min(58, math.floor(at_once))


@given(gaps=st.lists(st.integers(0, 300), min_size=5, max_size=60))
@example(gaps=[100, 201, 1, 101, 201, 201, 0])
@settings(max_examples=examples(10))
def test_ten_are_not_starved_by_ones(gaps):
    """`acquire(10)` goes within 2.2 s, however many loop on `acquire(1)`."""
    loop, limiter = HandLoop(), AsyncLimiter(10, 1)

    async def work():
        while True:
            await limiter.acquire(1)

    async def large():
        begin = loop.now
        await limiter.acquire(10)
        return loop.now - begin

    streams = [loop.begin(work()) for _ in range(3)]
    for gap in gaps:
        end, task = loop.now + gap / 1000, None
        while task is None or not task.done():
            assert loop.now < end + 10.0, "starved"
            if loop.ready:
                loop.run(loop.ready.popleft())
            elif task is None and loop.alarm() > end:
                loop.now = max(loop.now, end)
                task = loop.begin(large())
            else:
                loop.now = max(loop.now, loop.alarm())
                loop.fire()

        assert task.result() <= 2.2 + SLACK
    assert len(streams) == 3


@pytest.mark.parametrize("max_wait", [None, 5000.0])
def test_who_gives_up_leaves_no_trace(max_wait):
    """Memory is proportional to who really waits, whatever they allowed."""
    counter = Counter(1.0, 0.0)
    stays = counter.acquire(1.0, max_wait=100.0)
    for _ in range(3000):
        counter.acquire(1.0, max_wait).cancel()
        while counter.loop.ready:
            counter.loop.run(counter.loop.ready.popleft())

    line = counter.limiter._line
    assert not stays.done()
    assert sum(1 for _ in line.queue) == 1
    assert sum(len(row.waiters) for row in line.queue.rows) < 100
    assert len(line.deadlines._heap) < 100
