"""The laws of the sliding window, against a log that forgets nothing."""

from __future__ import annotations

from contextlib import contextmanager
from fractions import Fraction
from math import ulp
from unittest.mock import patch

import pytest
from hypothesis import example, given, settings, strategies as st

from aiolimiter import SlidingWindowLimiter
from aiolimiter._core import window as window_module
from aiolimiter._core.window import SLICES, Window

from .hand_loop import HandLoop
from .profile import examples

EIGHTHS = st.integers(0, 24).map(lambda eighths: eighths / 8)
PARTS = st.one_of(EIGHTHS.filter(bool), st.floats(0.01, 3.0))
# In twelfths of the period, so that what is due at one instant is common.
GAPS = st.one_of(st.integers(0, 15).map(lambda gap: gap / 12), st.floats(0.0, 1.3))
PERIODS = st.sampled_from([1.0, 0.1, 60.0, 1 / 3])


class Strict:
    """A limiter, and all that it ever admitted."""

    def __init__(self, max_rate, period, now=0.0):
        self.max_rate, self.period = max_rate, period
        self.loop = HandLoop(now)
        self.limiter = SlidingWindowLimiter(max_rate, period)
        self.admitted = []
        self.inside = []

    def call(self, verb, *args):
        with self.loop.running():
            return getattr(self.limiter, verb)(*args)

    def ask(self, amount):
        answer = self.call("try_acquire", amount)
        if answer:
            self.admitted.append([Fraction(self.loop.now), amount])
        return answer

    def come(self, amount, max_wait=None):
        """Wait for *amount* and stay inside."""
        log = []

        async def visit():
            async with self.limiter.reserve(amount, max_wait=max_wait) as reservation:
                log.extend([Fraction(self.loop.now), amount])
                self.admitted.append(log)
                self.inside.append((reservation, log))
                try:
                    await self.loop.create_future()
                finally:
                    self.inside = [one for one in self.inside if one[1] is not log]
            return reservation

        return self.loop.begin(visit()), log

    def settle(self, which, actual):
        """One of those inside tells what it cost; less counts for less."""
        if self.inside:
            reservation, log = self.inside.pop(which % len(self.inside))
            with self.loop.running():
                reservation.settle(actual)
            log[1] = min(log[1], actual)

    def run(self):
        while self.loop.ready:
            self.loop.run(self.loop.ready.popleft())

    def most(self):
        """The most that any half-open window of one period holds, exactly."""
        period = Fraction(self.period)
        return max(
            sum(
                Fraction(amount)
                for at, amount in self.admitted
                if start <= at < start + period
            )
            for start, _ in self.admitted or [(0, 0)]
        )

    def check(self):
        assert not self.admitted or self.most() <= Fraction(self.max_rate) * (
            1 + Fraction(1, 10**12)
        )


@given(
    period=PERIODS,
    now=st.sampled_from([0.0, 1e6, 1e8]),
    steps=st.lists(st.tuples(GAPS, EIGHTHS), max_size=40),
)
@settings(max_examples=examples(120))
@example(period=0.1, now=1e8, steps=[(0.0, 3.0), (1.0, 3.0), (1.0, 3.0)])
@example(period=1 / 3, now=1e6, steps=[(0.1, 2.0), (0.5, 1.0), (0.5, 2.0)])
def test_no_window_is_overfull(period, now, steps):
    """In no half-open window of one period is more admitted than `max_rate`."""
    strict = Strict(3.0, period, now)
    for gap, amount in steps:
        strict.loop.now += gap * period
        strict.ask(amount)

    strict.check()


@given(
    period=PERIODS,
    steps=st.lists(
        st.one_of(
            st.tuples(st.just("come"), st.integers(0, 3)),
            st.tuples(st.just("come in time"), GAPS),
            st.tuples(st.just("ask"), st.integers(0, 3)),
            st.tuples(st.just("cancel"), st.integers(0, 9)),
            st.tuples(st.just("sleep"), GAPS),
            st.tuples(st.just("timer"), st.sampled_from([-0.1, 0.0, 0.0, 0.01, 0.4])),
            st.tuples(st.just("pause"), GAPS),
            st.tuples(st.just("restrict"), EIGHTHS),
            st.tuples(st.just("settle"), st.tuples(st.integers(0, 9), EIGHTHS)),
        ),
        max_size=40,
    ),
)
@settings(max_examples=examples(150))
def test_no_window_is_overfull_whatever_happens(period, steps):
    """Waiting, cancelling, settling, timers early or late: still not one more."""
    strict, tasks = Strict(3.0, period), []
    for step, how in steps:
        if step in {"come", "come in time"}:
            max_wait = None if step == "come" else how * period
            amount = float(how) if step == "come" else 2.0
            tasks.append(strict.come(amount, max_wait)[0])
        elif step == "cancel" and tasks:
            tasks[how % len(tasks)].cancel()
        else:
            happen(strict, step, how)
    strict.run()
    strict.check()
    rest(strict)
    strict.check()

    waiting = [task for task in tasks if not task.done()]
    assert len(strict.admitted) >= len(waiting), "stranded"
    assert not strict.loop.timers
    strict.loop.now += period * 1.5
    assert strict.call("statistics") == (0.0, 3.0, 0, 0.0, None)


def happen(strict, step, how):
    """Let something happen to a limiter that nobody has to come for."""
    if step in {"sleep", "timer"}:
        # Who is granted runs before time goes on, as on a real loop.
        strict.run()
    if step == "ask":
        strict.ask(float(how))
    elif step == "sleep":
        strict.loop.now += how * strict.period
    elif step == "timer" and strict.loop.timers:
        due = strict.loop.alarm() + how * strict.period
        strict.loop.now = max(strict.loop.now, due)
        strict.loop.fire()
    elif step == "pause":
        strict.call("pause", how * strict.period)
    elif step == "restrict":
        strict.call("restrict", how)
    elif step == "settle":
        strict.settle(*how)


def rest(strict):
    """Let everybody have their turn, and see that each was foretold."""
    for _ in range(200):
        strict.run()
        if not strict.loop.timers:
            break
        told = strict.call("statistics").seconds_to_next
        foretold, before = strict.loop.now + (told or 0.0), len(strict.admitted)
        while len(strict.admitted) == before and strict.loop.timers:
            strict.loop.now = max(strict.loop.now, strict.loop.alarm())
            strict.loop.fire()
            strict.run()
        if told is None:
            assert len(strict.admitted) == before, "told that all will give up"
        else:
            assert strict.loop.now == pytest.approx(foretold, abs=1e-9 * strict.period)


@given(
    period=PERIODS,
    start=st.sampled_from([0.0, 1e6, 1e8]),
    taken=st.lists(st.tuples(GAPS, EIGHTHS), max_size=8),
    queue=st.lists(st.integers(1, 24).map(lambda eighths: eighths / 8), max_size=4),
    amount=st.integers(1, 24).map(lambda eighths: eighths / 8),
)
@settings(max_examples=examples(120))
def test_sleeping_retry_after_is_enough(period, start, taken, queue, amount):
    """Who sleeps exactly `retry_after` and asks again is admitted."""
    strict = Strict(3.0, period, start)
    for gap, part in taken:
        strict.loop.now += gap * period
        strict.ask(part)
    for part in queue:
        strict.come(part)
    refused = strict.ask(amount)
    if not refused:
        end = strict.loop.now + refused.retry_after
        while strict.loop.timers and strict.loop.alarm() <= end:
            strict.loop.now = max(strict.loop.now, strict.loop.alarm())
            strict.loop.fire()
            strict.run()
        strict.loop.now = end

        assert strict.ask(amount)
        strict.check()


@given(
    max_rate=st.integers(1, 40),
    period=PERIODS,
    gap=st.floats(0.0, 0.3),
)
@settings(max_examples=examples(15))
def test_a_greedy_client_gets_all_that_is_allowed(max_rate, period, gap):
    """While the log is short nothing is lost: `max_rate` in each period."""
    strict, tasks = Strict(float(max_rate), period), []
    for _ in range(5 * max_rate):
        strict.ask(1.0)
        strict.loop.now += gap * period / max_rate
    tasks = [strict.come(1.0) for _ in range(3 * max_rate)]
    begin = strict.loop.now
    rest(strict)

    assert all(log for _, log in tasks)
    # Three windows full: the last may go when the third one begins.
    assert strict.loop.now - begin <= 3 * period * (1 + 1e-9)
    strict.check()


@given(
    period=PERIODS,
    taken=EIGHTHS,
    pauses=st.lists(st.tuples(GAPS, GAPS), min_size=1, max_size=4),
)
@settings(max_examples=examples(40))
def test_pauses_never_shorten_each_other(period, taken, pauses):
    """Nothing is admitted before the last end of all pauses; then it is."""
    strict, end = Strict(3.0, period), 0.0
    strict.ask(taken)
    for slept, seconds in pauses:
        strict.loop.now += slept * period
        strict.call("pause", seconds * period)
        end = max(end, strict.loop.now + seconds * period)
    refused = strict.ask(1 / 8)
    if end > strict.loop.now * (1 + 1e-12):
        assert not refused
        assert refused.retry_after >= end - strict.loop.now
        strict.loop.now += refused.retry_after
        assert strict.ask(1 / 8)


@given(period=PERIODS, gaps=st.lists(GAPS, min_size=1, max_size=12))
@settings(max_examples=examples(40))
@example(period=1.0, gaps=[0.0, 0.0, 0.0, 0.0, 1.3])
def test_equal_amounts_go_as_they_came(period, gaps):
    """First come, first served, also when the loop was too busy to look."""
    strict, order = Strict(3.0, period), []

    async def visit(number):
        await strict.limiter.acquire()
        order.append(number)

    tasks = []
    for number, gap in enumerate(gaps):
        strict.loop.now += gap * period
        tasks.append(strict.loop.begin(visit(number)))
    rest_all(strict)

    assert order == sorted(order)
    assert len(order) == len(tasks)


def rest_all(strict):
    """Let everybody have their turn."""
    for _ in range(200):
        strict.run()
        if not strict.loop.timers:
            break
        strict.loop.now = max(strict.loop.now, strict.loop.alarm())
        strict.loop.fire()


def greedy(window, arrivals):
    """How much *window* admits of one unit at each of the *arrivals*."""
    return sum(window.admit(1.0, at) for at in arrivals)


class Log:
    """Every admission by itself: exact, and as long as it gets."""

    def __init__(self, max_rate, period):
        self.max_rate, self.period = max_rate, period
        self.times = []
        self.first = 0

    def admit(self, amount, now):
        while self.first < len(self.times) and self.times[self.first] <= (
            now - self.period
        ):
            self.first += 1
        if len(self.times) - self.first + amount > self.max_rate:
            return False
        self.times.append(now)
        return True


@pytest.mark.parametrize("demand", [1.0, 1.05, 2.0, 10.0])
@pytest.mark.parametrize("max_rate", [2_000, 5_000, 20_000])
def test_a_long_log_costs_less_than_a_thousandth(max_rate, demand):
    """Merged entries give a greedy client 99.9 % of what the rule allows."""
    step = 1.0 / (max_rate * demand)
    arrivals = [n * step for n in range(int(5 / step))]
    ours = greedy(Window(float(max_rate), 1.0), arrivals)
    exact = greedy(Log(max_rate, 1.0), arrivals)

    assert 0.999 * exact <= ours <= exact + 1


# Merged entries, of a log that is cut into a few slices, so that it is soon long.


@contextmanager
def slices(many):
    """Merge logs into about so many entries."""
    with patch.object(window_module, "SLICES", many):
        yield


@given(
    many=st.sampled_from([1, 2, 4, 16]),
    period=st.one_of(PERIODS, st.floats(0.01, 1e4)),
    start=st.one_of(st.sampled_from([0.0, 1e8]), st.floats(0.0, 1e8)),
    steps=st.lists(st.tuples(GAPS, PARTS), min_size=10, max_size=60),
)
@settings(max_examples=examples(60))
def test_no_merged_window_is_overfull(many, period, start, steps):
    """Nor is a window whose entries are merged, at whatever instants they came."""
    strict = Strict(3.0, period, start)
    with slices(many):
        for gap, amount in steps:
            strict.loop.now += gap * period / (2 * many)
            strict.ask(amount)

    strict.check()
    assert len(strict.limiter._line.meter._entries) <= 2 * many + 2


@given(
    many=st.sampled_from([1, 2, 4, 16]),
    start=st.one_of(st.just(0.0), st.floats(0.0, 1e8)),
    amounts=st.lists(PARTS, min_size=10, max_size=80),
)
@settings(max_examples=examples(100))
@example(many=1, start=0.0, amounts=[1.0] * 30)
def test_merging_costs_a_slice_of_each_period(many, start, amounts):
    """
    Who always takes the next amount as soon as it fits is late by a slice, at most.

    With 2048 slices to a period that is 0.05 % of the time that it takes at best.
    """
    ours, best = Window(3.0, 1.0), Window(3.0, 1.0)
    ours.advance(start)
    best.advance(0.0)
    for amount in amounts:
        with slices(many):
            take_when_it_fits(ours, amount)
        take_when_it_fits(best, amount)

        took, least = ours.at - start, best.at
        rounding = len(amounts) * 4 * ulp(start + took)
        assert least - rounding <= took <= least * (1 + 1 / many) + rounding
    assert SLICES >= 1000


def take_when_it_fits(window, amount):
    window.advance(window.due(amount))
    assert window.admit(amount, window.at)


@given(bursts=st.lists(st.tuples(st.integers(1, 4000), GAPS), min_size=1, max_size=8))
@settings(max_examples=examples(10))
@example(bursts=[(4000, 0.5), (4000, 0.7), (4000, 0.9), (4000, 0.5)])
def test_a_long_log_is_never_too_generous(bursts):
    """Merged entries expire with their newest: what they admit, the log would."""
    window, log, now = Window(6000.0, 1.0), Log(6000, 1.0), 0.0
    for many, gap in bursts:
        for _ in range(many):
            now += gap / many
            if window.admit(1.0, now):
                assert log.admit(1.0, now)


def test_memory_is_bounded_whatever_the_rate():
    """Ten million a day need a few thousand entries."""
    window, step = Window(10_000_000.0, 86_400.0), 86_400 / 40_000
    for n in range(100_000):
        window.admit(200.0, n * step)

    assert len(window._entries) <= 2 * SLICES + 2


# Settling, against a log that is played again.

STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("sleep"), GAPS),
        st.tuples(st.just("take"), st.integers(0, 3)),
        st.tuples(st.just("settle"), st.integers(0, 9), st.integers(0, 4)),
        st.tuples(st.just("restrict"), st.integers(0, 4)),
    ),
    max_size=20,
)


class Replayed:
    """What is in a window, from all that ever happened."""

    def __init__(self, max_rate, period):
        self.max_rate, self.period, self.now = max_rate, period, 0.0
        self.events = []

    def level(self):
        entries = []
        for at, what, amount in self.events:
            inside = self.inside(entries, at)
            if what == "restrict":
                amount = max(0, self.max_rate - amount - inside)  # noqa: PLW2901 -- what it adds
            entries.append((at, amount))
        return self.inside(entries, self.now)

    def inside(self, entries, now):
        # In fractions: the sum of two floats may round to the end of the window.
        start = Fraction(now) - Fraction(self.period)
        return sum(amount for at, amount in entries if at > start)


@given(steps=STEPS)
@settings(max_examples=examples(200))
@example(steps=[("take", 2), ("restrict", 0), ("settle", 0, 0)])
@example(steps=[("take", 2), ("restrict", 2), ("take", 1), ("settle", 0, 0)])
@example(steps=[("restrict", 1), ("take", 1), ("settle", 0, 0)])
@example(
    steps=[
        ("take", 1),
        ("sleep", 11 / 12),
        ("restrict", 0),
        ("sleep", 1 / 12),
        ("settle", 0, 0),
    ]
)
@example(
    steps=[("take", 1), ("restrict", 0), ("settle", 0, 0), ("sleep", 63 / 64)],
)
def test_settled_is_as_if_taken_so_in_the_first_place(steps):
    """What is in the window is what would be had `actual` been taken at once."""
    window, book = Window(3.0, 1.0), Replayed(3, 1.0)
    window.advance(0.0)
    marks, words = [], 0
    for step, *args in steps:
        # Of two words the first binds what came between: to the careful side.
        words += step == "restrict"
        if step == "sleep":
            book.now += args[0]
            window.advance(book.now)
        elif step == "take" and window.admit(float(args[0]), book.now):
            book.events.append((book.now, "take", args[0]))
            marks.append((len(book.events) - 1, args[0], window.mark()))
        elif step == "settle" and marks:
            index, amount, mark = marks.pop(args[0] % len(marks))
            if args[1] < amount:
                window.give_back(mark, amount - args[1])
                book.events[index] = (*book.events[index][:2], args[1])
            else:
                window.take(args[1] - amount)
                book.events.append((book.now, "take", args[1] - amount))
        elif step == "restrict":
            window.restrict(float(args[0]))
            book.events.append((book.now, "restrict", args[0]))
            # What is taken at the very instant of a word is merged with it, and
            # stays: to the careful side.
            book.now += 1 / 64
            window.advance(book.now)

        level = pytest.approx(book.level(), abs=1e-9)
        assert window.level == level or (words > 1 and window.level > book.level())
