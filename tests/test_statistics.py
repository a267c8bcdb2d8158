"""What a limiter says of itself, and of a request that does not wait."""

from __future__ import annotations

import asyncio

import pytest

from aiolimiter import AsyncLimiter, Decision, LimiterStatistics, SlidingWindowLimiter

from .timetable import admission, admissions, in_line, now, spent, until

BOTH = pytest.mark.parametrize("kind", [AsyncLimiter, SlidingWindowLimiter])


@BOTH
def test_of_a_fresh_one(kind):
    """A fresh limiter is empty, and nobody waits."""
    assert kind(10).statistics() == LimiterStatistics(
        level=0, available=10, waiting=0, amount_waiting=0, seconds_to_next=None
    )


@pytest.mark.parametrize(
    ("at", "level", "available", "seconds_to_next"),
    [(0, 8, 2, 2), (1, 7, 3, 1), (1.5, 6.5, 3.5, 0.5), (2, 10, 0, None)],
)
async def test_as_time_goes_by(at, level, available, seconds_to_next):
    """The level leaks, and the wait of the first in line shortens with it."""
    limiter = AsyncLimiter(10, 10)
    await limiter.acquire(8)
    waiting = await in_line(limiter, 4)
    await until(at)

    found = limiter.statistics()

    assert found.level == pytest.approx(level)
    assert found.available == pytest.approx(available)
    assert found.seconds_to_next == (seconds_to_next and pytest.approx(seconds_to_next))
    await waiting


@BOTH
async def test_who_waits(kind):
    """It counts those who wait, and what they want."""
    limiter = await spent(kind(10, 10))
    waiting = [await in_line(limiter, amount) for amount in (1, 2.5, 4)]

    found = limiter.statistics()

    assert (found.waiting, found.amount_waiting) == (3, 7.5)
    await asyncio.gather(*waiting)
    assert limiter.statistics().waiting == 0
    assert limiter.statistics().amount_waiting == 0


@BOTH
@pytest.mark.parametrize("amounts", [[1], [5, 1], [1, 5], [3, 3], [10, 10], [0.5]])
async def test_seconds_to_next_comes_true(kind, amounts):
    """The next grant comes after seconds_to_next if nothing else happens."""
    limiter = kind(10, 7)
    await limiter.acquire(6)
    await until(1)
    limiter.restrict(0)
    tasks = [await in_line(limiter, amount) for amount in amounts]

    expected = now() + limiter.statistics().seconds_to_next
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)

    assert now() == pytest.approx(expected)
    await asyncio.wait(tasks)


async def test_seconds_to_next_of_one_whose_time_will_be_over():
    """Who will be refused before the next grant is not taken for the next."""
    limiter = await spent(AsyncLimiter(10, 10))
    large = await in_line(limiter, 5, max_wait=6)
    limiter.pause(4)
    await until(3)
    small = await in_line(limiter, 3)

    # The large one is due at 9 and ends at 6; then 3 more fit at 7.
    assert limiter.statistics().seconds_to_next == pytest.approx(4)

    await asyncio.wait([large, small])
    assert large.exception() is not None
    assert await small == 7


@BOTH
def test_it_is_frozen(kind):
    """Statistics do not change any more, nor can they be changed."""
    limiter = kind(10)
    before = limiter.statistics()

    assert limiter.try_acquire(3)

    assert before.level == 0
    with pytest.raises(AttributeError):
        before.level = 5


def look(limiter):
    """Ask everything that only looks."""
    limiter.statistics()
    limiter.has_capacity()
    repr(limiter)
    limiter.has_capacity(0)


@BOTH
async def test_looking_changes_nothing(kind):
    """A limiter that is looked at all the time admits at the same instants."""
    arrivals = [0, 0, (0.5, 2.5), (0.6, 1), 0.7, (4, 0), (4.1, 0.3), 8, 8, 8.5, 9]
    looked_at = kind(3, 2.5)

    async def keep_looking():
        while True:
            look(looked_at)
            await asyncio.sleep(0.0137)

    looking = asyncio.create_task(keep_looking())
    found = await admissions(looked_at, arrivals)
    looking.cancel()

    alone = kind(3, 2.5)
    start = now()
    expected = await admissions(alone, [shifted(a, start) for a in arrivals])
    assert found == pytest.approx([instant - start for instant in expected])


def shifted(arrival, by):
    if isinstance(arrival, tuple):
        return (arrival[0] + by, arrival[1])
    return arrival + by


async def test_in_debt_nothing_is_available():
    """With a level above the burst, nothing is available: not less than nothing."""
    limiter = AsyncLimiter(10, 10)
    async with limiter.reserve(10) as reservation:
        reservation.settle(15)

    assert limiter.statistics().level == 15
    assert limiter.statistics().available == 0


# try_acquire.


@BOTH
def test_a_decision_is_true_when_admitted(kind):
    """Granted: nothing to retry, and what is left."""
    decision = kind(10).try_acquire(3)

    assert decision
    assert decision == Decision(granted=True, retry_after=0.0, remaining=7)


@BOTH
async def test_a_decision_is_false_when_refused(kind):
    """Refused: when to retry, and what is left all the same."""
    limiter = kind(10, 10)
    await limiter.acquire(9)

    decision = limiter.try_acquire(2)

    assert not decision
    assert not decision.granted
    assert decision.remaining == 1
    assert decision.retry_after == pytest.approx(1 if kind is AsyncLimiter else 10)


@BOTH
async def test_a_refusal_changes_nothing(kind):
    """A refused request leaves everything as it was."""
    limiter = kind(10, 10)
    await limiter.acquire(9)
    before = limiter.statistics()

    assert not limiter.try_acquire(2)

    assert limiter.statistics() == before


@BOTH
def test_try_acquire_takes(kind):
    """A burst is whole: as many as it holds, and not one more."""
    limiter = kind(7, 7e6)

    assert [bool(limiter.try_acquire()) for _ in range(8)] == [True] * 7 + [False]


@BOTH
@pytest.mark.parametrize("start", [0, 1, 1e3, 86_400, 1e6, 1e8])
@pytest.mark.parametrize(("rate", "period"), [(1, 1), (7, 3), (1000, 1), (1e6, 60)])
def test_sleeping_retry_after_is_enough(kind, start, rate, period):
    """Asking again after exactly retry_after is admitted, for any uptime."""
    limiter = kind(rate, period)
    time = Clock(start)

    async def ask_again():
        await limiter.acquire(rate)
        for amount in (rate / 3, rate, 1e-3 * rate, rate):
            decision = limiter.try_acquire(amount)
            assert not decision
            time.now += decision.retry_after
            assert limiter.try_acquire(amount)

    time.run(ask_again())


class Clock:
    """A clock that is set by hand, for a loop that does not sleep."""

    def __init__(self, start):
        self.now = start

    def run(self, main):
        loop = asyncio.new_event_loop()
        loop.time = lambda: self.now
        try:
            loop.run_until_complete(asyncio.wait_for(main, None))
        finally:
            loop.close()


@BOTH
async def test_retry_after_counts_those_who_wait(kind):
    """Who asks again after retry_after finds those gone who were ahead."""
    limiter = await spent(kind(1, 1))
    ahead = [await in_line(limiter) for _ in range(3)]

    decision = limiter.try_acquire()
    await asyncio.sleep(decision.retry_after)

    assert decision.retry_after == pytest.approx(4)
    assert limiter.try_acquire()
    assert all(task.done() for task in ahead)


async def test_retry_after_with_mixed_amounts():
    """It counts those whom the one who asks again may not pass by then."""
    limiter = await spent(AsyncLimiter(10, 10))
    large = await in_line(limiter, 8)  # its place is at 8, where it is due
    small = await in_line(limiter, 1)

    # 1 is due at 1, and one more at 2, before the large one.
    decision = limiter.try_acquire(1)
    assert decision.retry_after == pytest.approx(2)
    await asyncio.sleep(decision.retry_after)
    assert limiter.try_acquire(1)

    await asyncio.gather(large, small)


@pytest.mark.parametrize("amounts", [(4, 1), (1, 4), (9, 2, 5), (3, 3, 3), (0.5, 10)])
@pytest.mark.parametrize("amount", [0, 0.25, 1, 3, 10])
@BOTH
async def test_retry_after_comes_true(kind, amounts, amount):
    """Whoever waits, asking again after retry_after is admitted."""
    limiter = kind(10, 10)
    await limiter.acquire(6)
    await until(2)
    await limiter.acquire(4 if kind is SlidingWindowLimiter else 6)
    tasks = [await in_line(limiter, ahead) for ahead in amounts]

    decision = limiter.try_acquire(amount)
    await asyncio.sleep(decision.retry_after)

    assert decision or limiter.try_acquire(amount)
    await asyncio.gather(*tasks)


@BOTH
async def test_refusals_hold_nothing(kind):
    """Those who are refused are not in line."""
    limiter = await spent(kind(1, 1))

    assert not any(limiter.try_acquire() for _ in range(100))

    assert limiter.statistics().waiting == 0
    assert await admission(limiter) == 1
