"""`AdaptiveLimiter`: a limit that nobody tells is found out."""

from __future__ import annotations

import asyncio
import math

import pytest
from hypothesis import example, given, strategies as st

from aiolimiter import AdaptiveLimiter, AsyncLimiter, CombinedLimiter, RateLimitExceeded
from aiolimiter._core.pace import Pace

from .timetable import now


class Hidden:
    """
    A server with a bucket of which nobody is told.

    Args:
        rates: From which instant how much a second, in order.
        burst: How much its bucket holds.
        whole: Whether Retry-After is rounded up to seconds.
        silent: Whether there is none.
        trip: Seconds to it and back.
    """

    def __init__(self, *rates, burst=20.0, whole=False, silent=False, trip=0.05):
        self.rates, self.burst, self.trip = rates, burst, trip
        self.whole, self.silent = whole, silent
        self.left, self.at = burst, 0.0
        self.taken = self.refused = 0

    async def ask(self):
        """Return None, or how long to wait."""
        await asyncio.sleep(self.trip / 2)
        rate = [rate for begin, rate in self.rates if begin <= now()][-1]
        self.left = min(self.burst, self.left + (now() - self.at) * rate)
        self.at = now()
        wait = None
        if self.left < 1 - 1e-9:
            self.refused += 1
            wait = (1 - self.left) / rate
        else:
            self.taken += 1
            self.left -= 1
        await asyncio.sleep(self.trip / 2)
        if wait and self.silent:
            return 0
        return math.ceil(wait) if wait and self.whole else wait


async def work(limiter, server, seconds, tasks=50):
    """Want more than there is, for so long."""

    async def one():
        while now() < seconds:
            async with limiter.attempt() as attempt:
                wait = await server.ask()
                if wait is not None:
                    attempt.refused(wait)

    workers = [asyncio.create_task(one()) for _ in range(tasks)]
    await asyncio.sleep(seconds)
    for worker in workers:
        worker.cancel()
    await asyncio.gather(*workers, return_exceptions=True)


@pytest.mark.parametrize(
    ("whole", "used", "refused"), [(False, 0.94, 20), (True, 0.8, 15)]
)
async def test_a_limit_that_changes_is_followed(whole, used, refused):
    """A hidden 100 that becomes 40 and 100 again is used, and seldom exceeded."""
    server = Hidden((0, 100), (60, 40), (120, 100), whole=whole)

    await work(AdaptiveLimiter(300, 1), server, 180)

    assert server.taken >= used * (60 * 100 + 60 * 40 + 60 * 100)
    assert server.refused <= refused * 3


async def test_a_ceiling_that_is_far_off_does_no_harm():
    """A hidden 100 is found under a ceiling of 10,000."""
    server = Hidden((0, 100))

    await work(AdaptiveLimiter(10_000, 1), server, 60)

    assert server.taken >= 0.97 * 6000
    assert server.refused <= 20


async def test_a_ceiling_that_is_far_off_does_no_harm_in_whole_seconds():
    """The same where each refusal costs a second: 0.84 is used."""
    server = Hidden((0, 100), whole=True)

    await work(AdaptiveLimiter(10_000, 1), server, 60)

    assert server.taken >= 0.84 * 6000
    assert server.refused <= 15


async def test_a_server_that_says_no_wait_is_followed_too():
    """The limit that changes, without any Retry-After: 0.94 is used."""
    server = Hidden((0, 100), (60, 40), (120, 100), silent=True)

    await work(AdaptiveLimiter(300, 1), server, 180)

    assert server.taken >= 0.94 * (60 * 100 + 60 * 40 + 60 * 100)
    assert server.refused <= 25 * 3


async def test_a_small_limit_is_found_too():
    """What suits 100 a second suits 5."""
    server = Hidden((0, 5), burst=5, whole=True)

    await work(AdaptiveLimiter(100, 1), server, 60)

    assert server.taken >= 0.9 * 300
    assert server.refused <= 15


async def test_a_large_limit_is_found_too():
    """What suits 100 a second suits 800: of the first half minute 0.73 is used."""
    server = Hidden((0, 800), burst=50)

    await work(AdaptiveLimiter(2000, 1), server, 30)

    assert server.taken >= 0.73 * 30 * 800
    assert server.refused <= 36


async def test_a_server_that_is_far_away_is_not_given_up():
    """With a second there and back 0.82 is used, and no more refused than flies."""
    server = Hidden((0, 100), trip=1.0)

    await work(AdaptiveLimiter(300, 1), server, 60, tasks=300)

    assert server.taken >= 0.82 * 6000
    assert server.refused <= 300


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["use", "accepted", "refused", "paused"]),
            st.floats(0, 1e4),
            st.floats(0, 1e4),
        )
    ),
    st.floats(1e-3, 1e6),
    st.floats(1e-3, 1),
)
@example([("use", 1e4, 0), ("refused", 1, 0), ("use", 1e4, 0)], 1000.0, 0.01)
@example([("refused", 1, 0)] * 100, 1000.0, 1.0)
def test_the_ceiling_is_never_passed(steps, ceiling, start):
    """Whatever happens, the rate is above nothing and at most the ceiling."""
    pace = Pace(ceiling, start * ceiling)
    at = 0.0
    for what, seconds, number in steps:
        before, at = at, at + seconds
        if what == "use":
            pace.use(before, at)
        elif what == "accepted":
            pace.accepted(number, at)
        elif what == "refused":
            pace.refused(at - number, at)
        else:
            pace.paused(at + number)

        assert 0 < pace.rate <= ceiling


def test_what_is_remembered_does_not_grow_with_the_rate():
    """A million acceptances are remembered as some thirty."""
    pace = Pace(1e6, 1e6)
    for n in range(100_000):
        pace.accepted(1, n / 10_000)

    assert len(pace._taken) <= 34


async def test_it_never_falls_by_itself():
    """After a cut the rate rises, slowly at first, past the one that was refused."""
    pace = Pace(1000, 100)
    pace.refused(0, 0)
    rates = [pace.rate]
    for n in range(12):
        pace.use(n, n + 1)
        rates.append(pace.rate)

    assert rates == sorted(rates)
    assert rates[0] == 80
    assert rates[5] == 100
    assert rates[10] == pytest.approx(120)


async def test_one_cut_for_all_in_flight():
    """Refusals of what was sent before the cut only pause."""
    limiter = AdaptiveLimiter(100, 1, burst=100, start=100)
    attempts = [limiter.attempt() for _ in range(10)]
    for attempt in attempts:
        await attempt.__aenter__()
    await asyncio.sleep(0.1)
    for attempt in attempts:
        attempt.refused()
        await attempt.__aexit__(None, None, None)

    assert limiter.rate == 80
    await asyncio.sleep(0.1)
    async with limiter.attempt() as attempt:
        attempt.refused()
    assert limiter.rate == pytest.approx(64)


async def test_a_cut_starts_from_what_was_taken():
    """What the server took in the last two seconds counts, if it is less."""
    limiter = AdaptiveLimiter(100, 1, burst=100, start=100)
    for _ in range(21):
        async with limiter.attempt():
            await asyncio.sleep(0.1)
    async with limiter.attempt() as attempt:
        attempt.refused()

    assert limiter.rate == pytest.approx(8, rel=0.1)


async def test_growth_stands_still_while_idle():
    """Time in which nobody waits is no use: the rate stays."""
    limiter = AdaptiveLimiter(1000, 1)
    for _ in range(20):
        async with limiter.attempt():
            await asyncio.sleep(10)

    assert limiter.rate == 10


async def test_it_doubles_each_second_while_somebody_waits():
    """At the start, the rate doubles with each second in use."""
    limiter = AdaptiveLimiter(1000, 1, burst=10)
    waiting = asyncio.create_task(limiter.acquire(10))
    waiting.add_done_callback(lambda _: None)
    others = [asyncio.create_task(limiter.acquire()) for _ in range(500)]
    await asyncio.sleep(3)

    assert limiter.rate == pytest.approx(80, rel=0.2)
    await asyncio.gather(waiting, *others)


async def test_a_pause_is_no_use():
    """In a pause somebody waits, and the rate stays."""
    limiter = AdaptiveLimiter(1000, 1)
    limiter.pause(30)
    waiting = asyncio.create_task(limiter.acquire())
    await asyncio.sleep(29)

    assert limiter.rate == 10
    await waiting


async def test_the_ceiling_is_reached_and_kept():
    """With nobody refusing it reaches the ceiling, and then looks no more."""
    limiter = AdaptiveLimiter(50, 1, start=25)
    tasks = [asyncio.create_task(limiter.acquire()) for _ in range(200)]
    await asyncio.gather(*tasks)

    assert limiter.rate == 50
    assert limiter._line.meter.rate == 50


async def test_a_refusal_pauses():
    """A refusal with a wait pauses for that long."""
    limiter = AdaptiveLimiter(100, 1, start=100)
    async with limiter.attempt() as attempt:
        attempt.refused(30)

    assert limiter.try_acquire().retry_after > 30


async def test_an_exception_says_nothing():
    """An attempt that fails is neither taken nor refused."""
    limiter = AdaptiveLimiter(100, 1, start=100)
    with pytest.raises(LookupError):
        async with limiter.attempt():
            raise LookupError

    assert limiter.rate == 100
    assert not limiter._paced.pace._taken


async def test_it_begins_without_a_burst():
    """A fresh limiter lets one go, however high its ceiling is."""
    limiter = AdaptiveLimiter(10_000, 1)

    assert limiter.burst == 500
    assert limiter.statistics().available == pytest.approx(5, abs=0.1)


async def test_it_can_be_a_member():
    """As a member of a CombinedLimiter it makes others wait, and rises."""
    limiter = AdaptiveLimiter(100, 1)
    both = CombinedLimiter(limiter, AsyncLimiter(1000, 1))
    await asyncio.gather(*(both.acquire() for _ in range(10)))

    assert limiter.rate > 1.5


async def test_max_wait_is_heard():
    """An attempt that would have to wait too long is refused."""
    limiter = AdaptiveLimiter(100, 1)
    async with limiter.attempt():
        pass
    with pytest.raises(RateLimitExceeded):
        async with limiter.attempt(max_wait=0.1):
            pass


def test_it_is_used_in_one_loop_after_another(new_virtual_loop):
    """In a new loop nobody waits, and it rises as in the first."""
    limiter = AdaptiveLimiter(100, 1)

    async def leave():
        await limiter.acquire()
        task = asyncio.create_task(limiter.acquire())
        await asyncio.sleep(0.1)
        assert not task.done()

    async def go_on():
        await asyncio.gather(*(limiter.acquire() for _ in range(10)))

    for main in (leave, go_on):
        with asyncio.Runner(loop_factory=new_virtual_loop) as runner:
            runner.run(main())

    assert limiter.rate > 1.5


@pytest.mark.parametrize(
    "wrong",
    [
        {"max_rate": 0},
        {"max_rate": math.inf},
        {"time_period": 0},
        {"burst": 0},
        {"start": 0},
        {"start": 11},
    ],
)
def test_numbers_that_cannot_be(wrong):
    """A number that can't be is a ValueError that names it."""
    with pytest.raises(ValueError, match=f"^{next(iter(wrong))} must be "):
        AdaptiveLimiter(**{"max_rate": 10, **wrong})


async def test_it_shows_itself():
    """Its repr has the ceiling, the rate and who waits."""
    limiter = AdaptiveLimiter(600, 60)

    assert repr(limiter) == "<AdaptiveLimiter(600, 60) rate=0.1 waiting=0>"
    assert (limiter.max_rate, limiter.time_period, limiter.burst) == (600, 60, 1)
