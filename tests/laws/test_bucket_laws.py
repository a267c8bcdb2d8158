"""The laws of the bucket: each sentence of design.md, section 3."""

from __future__ import annotations

import math

import pytest
from hypothesis import example, given, settings, strategies as st

from aiolimiter import AsyncLimiter
from aiolimiter._core.bucket import Bucket

from .hand_loop import HandLoop
from .model import History
from .profile import examples

UPTIMES = st.floats(0.0, 1e8)
RATES = st.floats(-3.0, 9.0).map(lambda exponent: 10.0**exponent)
PARTS = st.floats(0.0, 1.0)
EIGHTHS = st.integers(0, 24).map(lambda eighths: eighths / 8)


class Desk:
    """A limiter and the clock on its wall."""

    def __init__(self, rate, burst, now=0.0):
        self.loop = HandLoop(now)
        self.limiter = AsyncLimiter(rate, 1.0, burst=burst)

    def sleep(self, seconds):
        self.loop.now += seconds

    def __getattr__(self, verb):
        def call(*args):
            with self.loop.running():
                return getattr(self.limiter, verb)(*args)

        return call


# The level is in units.


@given(n=st.integers(1, 2000), period=st.floats(1e-6, 1e8), uptime=UPTIMES)
@settings(max_examples=examples(30))
@example(n=7, period=1.0, uptime=0.0)
@example(n=10, period=1 / 3, uptime=1e8)
def test_a_burst_is_whole(n, period, uptime):
    """A fresh bucket of n admits n at one instant, and not one more."""
    loop, limiter = HandLoop(uptime), AsyncLimiter(n, period)
    with loop.running():
        admitted = [bool(limiter.try_acquire()) for _ in range(n + 1)]

    assert admitted == [True] * n + [False]


@given(n=st.integers(2, 10**11), period=st.floats(1e-6, 1e8), part=PARTS)
@settings(max_examples=examples(50))
def test_a_large_burst_is_whole(n, period, part):
    """However large the bucket, and however it is filled, there is room for n."""
    first = round((n - 2) * part)
    bucket = Bucket(n / period, float(n))

    assert bucket.admit(float(first), 1.0)
    assert bucket.admit(float(n - 1 - first), 1.0)
    assert bucket.admit(1.0, 1.0)
    assert not bucket.admit(1.0, 1.0)


@given(parts=st.integers(1, 500), burst=RATES)
@settings(max_examples=examples(40))
@example(parts=10, burst=1.0)
@example(parts=49, burst=1.0)
def test_sums_may_round(parts, burst):
    """As many equal parts of the burst as there are fit, and no more."""
    desk = Desk(1.0, burst)
    for _ in range(parts):
        assert desk.try_acquire(burst / parts)

    assert not desk.try_acquire(burst * 1e-9)


@given(rate=RATES, burst=RATES, uptime=UPTIMES, part=PARTS)
@settings(max_examples=examples(60))
def test_it_leaks_at_the_rate_down_to_nothing(rate, burst, uptime, part):
    """In t seconds `rate * t` leaks, and from an empty bucket nothing."""
    desk = Desk(rate, burst, uptime)
    desk.try_acquire(burst)
    start = desk.loop.now
    desk.sleep(part * burst / rate)
    leaked = rate * (desk.loop.now - start)

    level = max(0.0, burst - leaked)
    assert desk.statistics().level == pytest.approx(level, abs=1e-9 * burst)
    desk.sleep(2.0 * burst / rate + 1.0)
    assert desk.statistics().level == 0.0


# Sleeping retry_after.


@given(
    rate=RATES,
    burst=RATES,
    uptime=UPTIMES,
    parts=st.lists(PARTS, max_size=4),
    part=PARTS.filter(lambda part: part > 0.0),
)
@settings(max_examples=examples(150))
@example(rate=1e9, burst=1.0, uptime=1e8, parts=[1.0], part=1.0)
@example(rate=1e-3, burst=1e9, uptime=1e8, parts=[1.0], part=0.3)
@example(rate=10 / 3, burst=0.1, uptime=8.64e7, parts=[0.3, 0.7], part=0.6)
def test_sleeping_retry_after_is_enough(rate, burst, uptime, parts, part):
    """Who sleeps exactly `retry_after` and asks again is admitted."""
    desk = Desk(rate, burst, uptime)
    desk.try_acquire(burst)
    for slept in parts:
        desk.sleep(slept * burst / rate)
        desk.try_acquire(slept * burst)
    refused = desk.try_acquire(part * burst)
    if not refused:
        desk.sleep(refused.retry_after)

        assert desk.try_acquire(part * burst)


@given(rate=RATES, burst=RATES, uptime=UPTIMES, part=st.floats(0.01, 1.0))
@settings(max_examples=examples(100))
def test_nothing_is_admitted_before_its_time(rate, burst, uptime, part):
    """Asking before the room has leaked free is refused, however close."""
    desk = Desk(rate, burst, uptime)
    desk.try_acquire(burst)
    wait = part * burst / rate
    desk.sleep(wait * (1 - 1e-6) - 4 * math.ulp(uptime + wait))

    assert not desk.try_acquire(part * burst)


@given(rate=RATES, burst=RATES, uptime=UPTIMES, debt=st.floats(0.0, 1e6))
@settings(max_examples=examples(60))
def test_sleeping_retry_after_is_enough_after_a_pause(rate, burst, uptime, debt):
    """`retry_after` counts a pause as well, however long."""
    desk = Desk(rate, burst, uptime)
    desk.limiter.max_pause = math.inf
    desk.pause(debt)
    refused = desk.try_acquire(burst)
    if not refused:
        assert refused.retry_after >= debt
        desk.sleep(refused.retry_after)

        assert desk.try_acquire(burst)


def test_what_fits_but_for_rounding_fits():
    """Three times 0.1 fit into 0.3, also while something can be given back."""
    bucket = Bucket(1.0, 0.3)
    bucket.advance(0.0)
    bucket.take(0.1)
    bucket.mark()
    bucket.take(0.1)

    assert 0.1 + 0.1 + 0.1 > 0.3
    assert bucket.wait(0.1) == 0.0


# Clocks.


@given(
    steps=st.lists(st.tuples(st.floats(-3.0, 3.0), EIGHTHS), max_size=20),
    rate=st.sampled_from([1.0, 3.0, 0.1]),
)
@settings(max_examples=examples(80))
def test_a_clock_that_steps_back_changes_nothing(steps, rate):
    """It is as if the clock had stood still until it is right again."""
    wild, calm = Desk(rate, 3.0, 100.0), Desk(rate, 3.0, 100.0)
    assert wild.statistics() == calm.statistics()
    for step, amount in steps:
        wild.sleep(step)
        calm.loop.now = max(calm.loop.now, wild.loop.now)

        assert wild.try_acquire(amount) == calm.try_acquire(amount)
        assert wild.statistics() == calm.statistics()


# Pauses.

PAUSES = st.lists(st.tuples(EIGHTHS, EIGHTHS), min_size=1, max_size=5)


def due(desk, amount):
    """When *amount* would be admitted."""
    answer = desk.try_acquire(amount)
    assert not answer
    return desk.loop.now + answer.retry_after


@given(pauses=PAUSES, taken=EIGHTHS)
@settings(max_examples=examples(80))
def test_pauses_never_shorten_each_other(pauses, taken):
    """The latest end of all pauses counts; then traffic starts at the rate."""
    desk = Desk(2.0, 3.0)
    desk.try_acquire(taken)
    end = 0.0
    for slept, seconds in pauses:
        desk.sleep(slept)
        desk.pause(seconds)
        if seconds > 0.0:
            end = max(end, desk.loop.now + seconds)
    if desk.loop.now < end:
        assert due(desk, 1.0) == pytest.approx(end + 1.0 / 2.0)
        desk.sleep(end - desk.loop.now)
        assert desk.statistics().available == pytest.approx(0.0)


@given(
    seconds=EIGHTHS.filter(bool),
    changes=st.lists(
        st.tuples(
            PARTS,
            st.sampled_from([0.5, 1.0, 2.0, 8.0]),
            st.sampled_from([1.0, 3.0, 6.0]),
        ),
        min_size=1,
        max_size=4,
    ),
    # At most the smallest burst: with more there would be a debt beside the pause.
    taken=PARTS,
)
@settings(max_examples=examples(80))
@example(seconds=3.0, changes=[(0.5, 0.5, 1.0)], taken=1.0)
@example(seconds=3.0, changes=[(0.5, 8.0, 6.0)], taken=1.0)
def test_a_pause_ends_when_it_would_whatever_the_rate(seconds, changes, taken):
    """A change of rate or burst moves no pause; after it the bucket is full."""
    desk = Desk(2.0, 3.0)
    desk.try_acquire(taken)
    desk.pause(seconds)
    end = seconds
    for part, rate, burst in changes:
        desk.sleep((end - desk.loop.now) * part / 2.0)
        with desk.loop.running():
            desk.limiter.max_rate, desk.limiter.burst = rate, burst

        assert due(desk, 1.0) == pytest.approx(end + 1.0 / rate)


@given(
    debt=st.floats(0.0, 50.0),
    seconds=st.floats(0.0, 5.0),
    slept=st.floats(0.0, 3.0),
    rate=st.sampled_from([0.5, 1.0, 2.0, 10.0]),
)
@settings(max_examples=examples(80))
@example(debt=50.0, seconds=1.0, slept=0.0, rate=0.5)
def test_a_pause_makes_nothing_come_earlier(debt, seconds, slept, rate):
    """With a debt, a pause and a change of the rate: later or the same."""
    with_pause, without = Desk(2.0, 3.0), Desk(2.0, 3.0)
    for desk in (with_pause, without):
        desk.try_acquire(3.0)
        owe(desk, debt)
    with_pause.pause(seconds)
    for desk in (with_pause, without):
        desk.sleep(slept)
        with desk.loop.running():
            desk.limiter.max_rate = rate

    levels = [desk.statistics().level for desk in (with_pause, without)]
    assert levels[0] >= levels[1] - 1e-9


def owe(desk, debt):
    """Reserve nothing, and settle for *debt*."""

    async def block():
        async with desk.limiter.reserve(0.0) as reservation:
            reservation.settle(debt)

    desk.sleep(2.0)
    desk.loop.begin(block())


def test_a_pause_of_nothing_changes_nothing():
    """`pause(0)` leaves a fresh bucket fresh."""
    desk = Desk(2.0, 3.0)
    desk.pause(0.0)

    assert desk.try_acquire(3.0)


def test_without_a_limit_a_pause_leaves_no_trace():
    """Nothing is put there that a limit which comes later would find."""
    bucket = Bucket(math.inf, math.inf)
    bucket.advance(0.0)

    assert bucket.pause(5.0) == 0.0
    assert bucket.level == 0.0
    assert bucket.quiet


# A server's word.


@given(taken=EIGHTHS, slept=EIGHTHS, remaining=st.floats(0.0, 10.0))
@settings(max_examples=examples(80))
def test_a_word_makes_more_careful_and_never_less(taken, slept, remaining):
    """After `restrict(k)` at most k is left, or what was left if that is less."""
    desk = Desk(2.0, 3.0)
    desk.try_acquire(taken)
    desk.sleep(slept)
    before = desk.statistics().available
    desk.restrict(remaining)

    assert desk.statistics().available == pytest.approx(min(before, remaining))


# Settling, and whatever else, against a history that is played again.

STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("leak"), EIGHTHS),
        st.tuples(st.just("take"), EIGHTHS),
        st.tuples(st.just("settle"), st.integers(0, 9), EIGHTHS),
        st.tuples(st.just("pause"), EIGHTHS),
        st.tuples(st.just("restrict"), EIGHTHS),
        st.tuples(st.just("limit"), EIGHTHS.filter(bool), EIGHTHS.filter(bool)),
        st.tuples(st.just("wait"), st.booleans()),
    ),
    max_size=20,
)


@given(steps=STEPS)
@settings(max_examples=examples(400))
@example(steps=[("take", 2.0), ("leak", 1.5), ("wait", True), ("settle", 0, 0.0)])
@example(steps=[("take", 2.0), ("leak", 1.0), ("take", 2.0), ("settle", 0, 0.0)])
@example(steps=[("take", 2.0), ("pause", 1.0), ("settle", 0, 0.0), ("leak", 1.0)])
@example(steps=[("take", 2.0), ("restrict", 2.0), ("settle", 0, 0.0)])
@example(
    steps=[
        ("take", 1.0),
        ("take", 2.0),
        ("settle", 0, 3.0),
        ("pause", 1.0),
        ("settle", 0, 0.0),
        ("limit", 2.0, 3.0),
    ]
)
@example(
    steps=[
        ("take", 0.0),
        ("take", 0.125),
        ("pause", 0.125),
        ("settle", 0, 0.125),
        ("limit", 0.125, 0.125),
        ("settle", 0, 0.0),
        ("pause", 0.125),
        ("limit", 0.125, 0.25),
    ]
)
@example(
    steps=[
        ("take", 0.125),
        ("take", 0.875),
        ("limit", 0.625, 0.75),
        ("pause", 0.25),
        ("settle", 0, 1.0),
        ("limit", 0.125, 1.0),
        ("settle", 0, 0.125),
    ]
)
def test_settled_is_as_if_taken_so_in_the_first_place(steps):
    """The level is what it would be had every `actual` been taken at once."""
    book = Book()
    for step, *args in steps:
        getattr(book, step)(*args)

        replayed = pytest.approx(book.history.level, abs=1e-9)
        careful = book.blurred and book.is_careful()
        assert book.bucket.level == replayed or careful
    book.leave()

    assert not book.bucket._layers


class Book:
    """A bucket and its history, side by side."""

    def __init__(self):
        self.bucket = Bucket(1.0, 3.0)
        self.bucket.advance(0.0)
        self.history = History(1.0, 3.0, 0.0)
        # The same without pauses and words of a server: what was used, and no more.
        self.busy = History(1.0, 3.0, 0.0)
        self.marks = []
        self.open = []
        # A pause has met a change of the limit, or something settled: what was
        # beneath it need not be known exactly, but to the careful side.
        self.blurred = False
        # The limit was changed in a pause: what was settled in it, before or after, may
        # be covered by the pause in part, as far as more is there than was used.
        self.covered = False

    def is_careful(self):
        """Whether there is more than need be; or what was used, and the pause's own."""
        if not self.covered:
            return self.bucket.level > self.history.level
        used = max(self.busy.level, self.history.pause_debt())
        return self.bucket.level >= min(self.history.level, used - 1e-9)

    def happen(self, *event):
        for history in (self.history, self.busy):
            history.happen(*event)

    def blur(self):
        self.blurred = self.blurred or self.history.pause_debt() > 0.0

    def leak(self, seconds):
        now = self.bucket.at + seconds
        self.bucket.advance(now)
        self.happen(History.leak, now)

    def take(self, amount):
        if self.bucket.wait(amount) > 0.0:
            return
        self.history.cost[len(self.marks)] = self.busy.cost[len(self.marks)] = amount
        self.happen(History.take, len(self.marks))
        self.bucket.take(amount)
        self.open.append((len(self.marks), amount))
        self.marks.append(self.bucket.mark())

    def settle(self, which, actual):
        if not self.open:
            return
        self.blur()
        number, amount = self.open.pop(which % len(self.open))
        if actual < amount:
            self.bucket.give_back(self.marks[number], amount - actual)
            self.history.correct(number, actual)
            self.busy.correct(number, actual)
        else:
            self.bucket.take(actual - amount)
            self.happen(History.book, actual - amount)
        self.bucket.release(self.marks[number])

    def pause(self, seconds):
        self.bucket.pause(seconds)
        self.history.happen(History.pause, seconds)

    def restrict(self, remaining):
        self.bucket.restrict(remaining)
        self.history.happen(History.restrict, remaining)

    def limit(self, rate, burst):
        self.blur()
        self.covered = self.covered or self.history.pause_debt() > 0.0
        self.bucket.change(rate, burst)
        self.happen(History.limit, rate, burst)

    def wait(self, somebody):
        self.bucket.waited = somebody
        self.happen(History.wait, somebody)

    def leave(self):
        for number, _ in self.open:
            self.bucket.release(self.marks[number])


@given(amount=EIGHTHS, more=st.floats(0.0, 1e6))
@settings(max_examples=examples(40))
@example(amount=0.0, more=0.00390625)
def test_settling_up_is_a_debt(amount, more):
    """The difference is added, even above the burst; the next one waits for it."""
    desk = Desk(2.0, 3.0)
    desk.try_acquire(amount)
    owe(desk, more)
    level = max(0.0, amount - 4.0) + more
    over = level + 3.0 - 3.0

    assert desk.statistics().level == pytest.approx(level)
    if over > 0.001:
        wait = due(desk, 3.0) - desk.loop.now
        # The margin of `retry_after` is more than a millionth of a short wait.
        assert wait == pytest.approx(over / 2.0, abs=1e-8)


# Changing the rate.


@given(
    taken=st.floats(0.0, 8.0),
    slept=st.floats(0.0, 9.0),
    rate=RATES,
    more=st.floats(0.0, 9.0),
)
@settings(max_examples=examples(60))
def test_a_change_leaks_at_the_old_rate_up_to_now(taken, slept, rate, more):
    """The level is kept; from now on it leaks at the new rate."""
    desk = Desk(1.0, 8.0)
    desk.try_acquire(taken)
    desk.sleep(slept)
    with desk.loop.running():
        desk.limiter.max_rate = rate
    level = max(0.0, taken - slept)

    assert desk.statistics().level == pytest.approx(level, abs=1e-9)
    start = desk.loop.now
    desk.sleep(more / rate)
    level = max(0.0, level - rate * (desk.loop.now - start))
    assert desk.statistics().level == pytest.approx(level, abs=1e-6)


# Looks and refusals.

ASKED = st.lists(st.tuples(EIGHTHS, st.integers(0, 64), st.booleans()), max_size=15)


@given(asked=ASKED)
@settings(max_examples=examples(80))
def test_refusals_and_looks_change_nothing(asked):
    """Who asks in vain, or only looks, leaves no trace in what comes after."""
    nosy, shy = Desk(1.0, 3.0, 7.0), Desk(1.0, 3.0, 7.0)
    for amount, slept, refuse in asked:
        for desk in (nosy, shy):
            desk.sleep(slept / 16)
        nosy.has_capacity(amount)
        nosy.statistics()
        nosy.limiter.__repr__()
        if refuse and not nosy.has_capacity(3.0):
            assert not nosy.try_acquire(3.0)

        assert bool(nosy.try_acquire(amount)) == bool(shy.try_acquire(amount))
        assert nosy.statistics() == pytest.approx(shy.statistics(), abs=1e-12)


@given(seconds=st.floats(1e-3, 1e6), remaining=st.floats(0.0, 1e6))
@settings(max_examples=examples(20))
def test_without_a_limit_nothing_stands_in_the_way(seconds, remaining):
    """With `max_rate=inf` pauses and words do nothing, and all is admitted."""
    desk = Desk(1.0, None)
    with desk.loop.running():
        desk.limiter.max_rate = math.inf
    desk.pause(seconds)
    desk.restrict(remaining)

    assert desk.try_acquire(1e300) == (True, 0.0, math.inf)
