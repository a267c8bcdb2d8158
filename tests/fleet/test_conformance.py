"""
The laws of a limit, the same for every place that keeps it.

Each law runs in process, on Valkey, on Redis, on a cluster of three nodes and on
a file.  The verbs of a shared limiter that need its store are awaited, those of
an `AsyncLimiter` are not; `ask` makes no difference.
"""

from __future__ import annotations

import asyncio
import inspect
import time

import pytest
from redis.asyncio import Redis, RedisCluster

from aiolimiter import AsyncLimiter, RateLimitExceeded
from aiolimiter.local import FileLimiter
from aiolimiter.redis import RedisLimiter

from .replay import excess

pytestmark = pytest.mark.real_time

# How late a task may run on a busy machine, in seconds.
LATE = 0.15


async def ask(answer):
    """What a verb answers, awaited where it has to be."""
    return await answer if inspect.isawaitable(answer) else answer


@pytest.fixture(params=["process", "file", "valkey", "redis", "cluster"])
async def make(request, shared_server, name, tmp_path):
    """A maker of limiters that are one limit."""
    if request.param == "process":
        yield AsyncLimiter
    elif request.param == "file":
        yield lambda *limit, **more: FileLimiter(tmp_path / name, *limit, **more)
    else:
        server = shared_server(request.param)
        async with (
            RedisCluster(host="127.0.0.1", port=server[0].port)
            if request.param == "cluster"
            else Redis(unix_socket_path=str(server.socket))
        ) as client:
            yield lambda *limit, **more: RedisLimiter(client, name, *limit, **more)


async def fill(limiter, amount):
    """Take what the bucket holds."""
    await limiter.acquire(amount)


async def run_times(limiter, amounts):
    """Acquire all at once; who ran when, since the start, in the order of running."""
    start, ran = time.monotonic(), []

    async def one(index, amount):
        await limiter.acquire(amount)
        ran.append((index, time.monotonic() - start))

    await asyncio.gather(*(one(i, a) for i, a in enumerate(amounts)))
    return ran


async def test_a_burst_is_whole(make):
    """A fresh limiter of ten admits ten at once, and not one more."""
    limiter = make(10, 60)
    taken = [await ask(limiter.try_acquire()) for _ in range(11)]

    assert [bool(decision) for decision in taken] == [True] * 10 + [False]
    assert taken[0].retry_after == 0.0
    assert taken[0].remaining == pytest.approx(9.0, abs=0.2)
    assert taken[10].retry_after == pytest.approx(6.0, abs=0.2)


async def test_a_look_takes_nothing(make):
    """Whether an amount fits can be asked, and what never fits does not."""
    limiter = make(10, 60)
    fits = [await ask(limiter.has_capacity(amount)) for amount in (10, 10, 0, 11)]
    await fill(limiter, 7)

    assert fits == [True, True, True, False]
    assert await ask(limiter.has_capacity(3))
    assert not await ask(limiter.has_capacity(4))
    with pytest.raises(ValueError, match=r"^amount must be 0 or more, got -1$"):
        await ask(limiter.has_capacity(-1))


async def test_a_burst_of_its_own(make):
    """With a burst of three, three are admitted at once, whatever the rate."""
    limiter = make(10, 60, burst=3)
    taken = [bool(await ask(limiter.try_acquire())) for _ in range(4)]

    assert taken == [True, True, True, False]


async def test_what_does_not_fit_together_comes_in_parts(make):
    """Tenths fill a bucket of one exactly."""
    limiter = make(1, 60)
    taken = [bool(await ask(limiter.try_acquire(0.1))) for _ in range(10)]

    assert all(taken)


async def test_retry_after_is_enough(make):
    """Who sleeps for retry_after and asks again is admitted."""
    limiter = make(20, 1)
    await fill(limiter, 20)
    for _ in range(5):
        refused = await ask(limiter.try_acquire())
        await asyncio.sleep(refused.retry_after)

        assert not refused
        assert await ask(limiter.try_acquire())


async def test_a_refusal_changes_nothing(make):
    """However often it is refused, the wait does not grow."""
    limiter = make(10, 60)
    await fill(limiter, 10)
    first = await ask(limiter.try_acquire())
    for _ in range(20):
        last = await ask(limiter.try_acquire())

    assert not last
    assert last.retry_after <= first.retry_after


async def test_the_bound(make):
    """In no stretch of t seconds is more than burst + rate * t admitted."""
    ran = await run_times(make(50, 1), [1] * 80)

    assert len(ran) == 80
    assert ran[-1][1] == pytest.approx(0.6, abs=LATE)
    assert ran[-1][1] > 0.59
    assert excess([(at, 1) for _, at in ran], 50, 50) <= 50 * 0.02


async def test_equal_amounts_go_in_their_order(make):
    """Equal amounts are served first come, first served."""
    ran = await run_times(make(5, 0.05), [1] * 40)

    assert [index for index, _ in ran] == list(range(40))


async def test_a_large_amount_is_not_starved(make):
    """Units that keep coming do not hold up a large amount beyond its turn."""
    limiter = make(10, 0.1)
    await fill(limiter, 10)
    start = time.monotonic()
    large = asyncio.create_task(limiter.acquire(10))
    units = []
    while not large.done() and time.monotonic() < start + 2:
        units.append(asyncio.create_task(limiter.acquire(1)))
        await asyncio.sleep(0.005)
    waited = time.monotonic() - start
    for unit in units:
        unit.cancel()
    await asyncio.gather(large, *units, return_exceptions=True)

    # 10 leak in 0.1 s, and so long units may pass: 20 of them, a fifth of a second.
    assert waited <= 0.1 + 0.2 + LATE


async def test_a_cancelled_waiter_takes_nothing(make):
    """Of those who are cancelled while they wait nothing remains."""
    limiter = make(20, 1)
    await fill(limiter, 20)
    waiters = [asyncio.create_task(limiter.acquire(1)) for _ in range(100)]
    await asyncio.sleep(0.1)
    for waiter in waiters:
        waiter.cancel()
    await asyncio.gather(*waiters, return_exceptions=True)
    start = time.monotonic()
    await limiter.acquire(1)

    # At most a quantum, or one, is booked by then and can't be taken back.
    assert time.monotonic() - start <= 0.05 + 0.05 + LATE


async def test_those_behind_the_cancelled_move_up(make):
    """Who waits behind a large amount that is cancelled takes its place."""
    limiter = make(10, 1)
    await fill(limiter, 10)
    large = asyncio.create_task(limiter.acquire(10))
    await asyncio.sleep(0.05)
    small = [asyncio.create_task(limiter.acquire(1)) for _ in range(3)]
    await asyncio.sleep(0.05)
    large.cancel()
    start = time.monotonic()
    await asyncio.gather(*small)

    assert time.monotonic() - start <= 0.3 + LATE


async def test_hopeless_waits_are_refused_at_once(make):
    """A wait that max_wait rules out is refused without waiting, and costs nothing."""
    limiter = make(10, 10)
    await fill(limiter, 10)
    start = time.monotonic()
    with pytest.raises(RateLimitExceeded) as refusal:
        await limiter.acquire(5, max_wait=1)

    assert time.monotonic() - start < LATE
    assert refusal.value.retry_after == pytest.approx(5, abs=0.3)
    assert (await ask(limiter.try_acquire(5))).retry_after <= 5


async def test_a_wait_within_max_wait_is_waited(make):
    """A wait that is short enough is waited for to its end."""
    limiter = make(10, 1)
    await fill(limiter, 10)
    start = time.monotonic()
    await limiter.acquire(2, max_wait=0.5)

    assert 0.19 < time.monotonic() - start < 0.2 + LATE


async def test_nobody_waits_longer_than_max_wait(make):
    """Behind others, too, max_wait is the longest wait."""
    limiter = make(10, 1)
    await fill(limiter, 10)
    others = [asyncio.create_task(limiter.acquire(5)) for _ in range(4)]
    await asyncio.sleep(0.02)
    start = time.monotonic()
    with pytest.raises(RateLimitExceeded):
        await limiter.acquire(5, max_wait=0.2)
    waited = time.monotonic() - start
    for other in others:
        other.cancel()
    await asyncio.gather(*others, return_exceptions=True)

    assert waited < 0.2 + LATE


async def test_settling_for_less_gives_the_rest_back(make):
    """What a reservation did not need can be taken at once by others."""
    limiter = make(10, 60)
    async with limiter.reserve(8) as reservation:
        await ask(reservation.settle(3))

    assert await ask(limiter.try_acquire(7))
    assert not await ask(limiter.try_acquire(1))


async def test_settling_for_more_is_a_debt(make):
    """What a reservation cost on top, others wait for."""
    limiter = make(10, 10)
    async with limiter.reserve(2) as reservation:
        await ask(reservation.settle(12))
    refused = await ask(limiter.try_acquire(1))

    assert not refused
    assert refused.retry_after == pytest.approx(3, abs=0.3)


async def test_a_reservation_is_settled_once_and_inside_its_block(make):
    """A second settlement, or one outside the block, is an error."""
    limiter = make(10, 10)
    async with limiter.reserve(2) as reservation:
        await ask(reservation.settle(2))
        with pytest.raises(RuntimeError, match="it is settled already"):
            await ask(reservation.settle(1))
    with pytest.raises(RuntimeError, match="can't settle"):
        await ask(limiter.reserve(2).settle(1))


async def test_a_pause_admits_nothing_and_then_goes_on_at_the_rate(make):
    """While a pause lasts nobody is admitted, and after it no burst is."""
    limiter = make(20, 1)
    await ask(limiter.pause(0.3))
    ran = await run_times(limiter, [1] * 4)

    assert ran[0][1] > 0.29
    assert ran[-1][1] > 0.3 + 3 / 20 - 0.01
    assert ran[-1][1] < 0.3 + 4 / 20 + LATE


async def test_pauses_do_not_shorten_each_other(make):
    """Of two pauses the later end counts, and a pause of 0 changes nothing."""
    limiter = make(20, 1)
    await ask(limiter.pause(0))
    assert await ask(limiter.try_acquire())
    await ask(limiter.pause(0.4))
    await ask(limiter.pause(0.1))
    refused = await ask(limiter.try_acquire())

    assert 0.38 < refused.retry_after < 0.4 + 2 / 20


async def test_no_pause_goes_beyond_the_longest(make):
    """A pause of a thousand years, asked for by mistake, is as long as one may be."""
    limiter = make(10, 1)
    longest = limiter.max_pause
    limiter.max_pause = 0.3
    await ask(limiter.pause(3e10))
    start = time.monotonic()
    await limiter.acquire()
    took = time.monotonic() - start

    assert longest == 3600
    assert 0.35 < took < 0.4 + LATE
    with pytest.raises(ValueError, match="max_pause must be above 0"):
        limiter.max_pause = 0


async def test_a_reset_ends_a_pause_and_forgets_all_of_before(make):
    """After a reset all that a limiter holds is there, for those who wait too."""
    limiter = make(10, 60)
    async with limiter.reserve(10) as reservation:
        await ask(limiter.pause(1000))
        waiting = asyncio.create_task(limiter.acquire(3))
        await asyncio.sleep(0.1)
        await ask(limiter.reset())
        async with asyncio.timeout(1):
            await waiting
        # What was reserved before gives nothing back of what is taken since.
        await ask(reservation.settle(0))

    now = await ask(limiter.statistics())
    assert now.level == pytest.approx(3, abs=0.3)
    assert bool(await ask(limiter.try_acquire(6.5)))


async def test_no_number_makes_a_limit_unusable(make):
    """After the largest pause and debts everybody can still ask, and begin anew."""
    limiter = make(10, 60)
    async with limiter.reserve(1) as first, limiter.reserve(1) as second:
        await ask(first.settle(1.7e308))
        await ask(limiter.pause(1e303))
        await ask(second.settle(1.7e308))

    assert (await ask(limiter.statistics())).available == 0.0
    assert not await ask(limiter.try_acquire())

    await ask(limiter.reset())
    assert await ask(limiter.try_acquire(10))


async def test_a_restriction_makes_more_careful_never_less(make):
    """A server's word that two are left is believed; that nine are left, too."""
    limiter = make(10, 60)
    await fill(limiter, 5)
    await ask(limiter.restrict(9))
    now = await ask(limiter.statistics())
    await ask(limiter.restrict(2))
    taken = [bool(await ask(limiter.try_acquire())) for _ in range(3)]

    assert now.available == pytest.approx(5, abs=0.2)
    assert taken == [True, True, False]


async def test_statistics_tell_who_waits(make):
    """A limiter tells its level, what is left, and who waits for how much."""
    limiter = make(10, 10)
    await fill(limiter, 9)
    quiet = await ask(limiter.statistics())
    waiters = [asyncio.create_task(limiter.acquire(5)) for _ in range(2)]
    await asyncio.sleep(0.1)
    busy = await ask(limiter.statistics())
    for waiter in waiters:
        waiter.cancel()
    await asyncio.gather(*waiters, return_exceptions=True)

    assert quiet.level == pytest.approx(9, abs=0.3)
    assert quiet.available == pytest.approx(1, abs=0.3)
    assert (quiet.waiting, quiet.amount_waiting) == (0, 0.0)
    assert quiet.seconds_to_next is None
    assert (busy.waiting, busy.amount_waiting) == (2, 10.0)
    assert busy.seconds_to_next == pytest.approx(4, abs=0.5)


async def test_a_block_and_a_decorator_take_one(make):
    """Entering a block takes one, and so does each call of a decorated function."""
    limiter = make(2, 60)

    @limiter
    async def double(number):
        return 2 * number

    async with limiter:
        assert await double(21) == 42
    assert not await ask(limiter.try_acquire())


async def test_what_can_never_be_admitted_is_an_error(make):
    """An amount that never fits, or is none, is refused as a mistake."""
    limiter = make(10, 60)

    with pytest.raises(ValueError, match=r"^can't acquire 11: this limiter holds at"):
        await limiter.acquire(11)
    with pytest.raises(ValueError, match=r"^amount must be 0 or more, got -1$"):
        await ask(limiter.try_acquire(-1))
    with pytest.raises(ValueError, match="got nan"):
        await limiter.acquire(float("nan"))
    with pytest.raises(ValueError, match="max_wait must be 0 or more"):
        await limiter.acquire(1, max_wait=-1)
    with pytest.raises(TypeError, match="use 'async with'"), limiter:
        pass


async def test_nothing_can_always_be_taken(make):
    """An amount of 0 is admitted by a full limiter."""
    limiter = make(10, 60)
    await fill(limiter, 10)

    assert await ask(limiter.try_acquire(0))
    await limiter.acquire(0)


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ((-1, 60), "max_rate must be above 0"),
        ((float("nan"), 60), "max_rate must be above 0"),
        ((10, 0), "time_period must be a finite number above 0"),
    ],
)
async def test_bad_limits_are_refused(make, bad, message):
    """A limit that is no limit is a mistake, found where it is made."""
    with pytest.raises(ValueError, match=message):
        make(*bad)


async def test_two_limiters_on_one_store_are_one_limit(make):
    """What one limiter takes, another one on the same store can't take again."""
    one = make(10, 60)
    other = one if isinstance(one, AsyncLimiter) else make(10, 60)
    await fill(one, 6)

    assert not await ask(other.try_acquire(5))
    assert await ask(other.try_acquire(4))


async def test_very_fast_limits_keep_their_bound(make):
    """A limit whose bucket empties in a millisecond still holds its burst."""
    limiter = make(100, 0.01, burst=5)
    start = time.monotonic()
    ran = await run_times(limiter, [1] * 505)

    # A burst of 5 leaks away within a late timer: this says only that it ends.
    assert 0.049 < ran[-1][1] < 5
    assert excess([(start + at, 1) for _, at in ran], 1e4, 5) <= 1e4 * 0.02


async def test_a_change_counts_for_all(share, caplog):
    """Whoever shares a limit follows a change, tells its numbers, and logs it once."""
    caplog.set_level("INFO", "aiolimiter")
    one, other = share(10, 60), share(10, 60)
    await fill(other, 6)
    await one.change(max_rate=20)
    before = await ask(one.statistics())
    taken = [bool(await other.try_acquire(amount)) for amount in (10, 5)]
    late = share(10, 60)
    now = await late.statistics()

    assert before.level == pytest.approx(6, abs=0.3)
    assert (before.max_rate, before.time_period, before.burst) == (20, 60, 20)
    assert taken == [True, False]
    assert (now.max_rate, now.time_period, now.burst) == (20, 60, 20)
    assert (other.max_rate, other.time_period, other.burst) == (20, 60, 20)
    assert [
        record.getMessage().partition("was ")[2]
        for record in caplog.records
        if "was changed" in record.getMessage()
    ] == [
        (
            "changed to 20 per 60 s, burst 20 for all; this process was started with "
            "10 per 60 s, burst 10"
        )
    ] * 3


async def test_a_change_is_taken_back(share):
    """Without numbers, what each was started with counts again."""
    one, other = share(10, 60), share(10, 60)
    await one.change(max_rate=5, time_period=1, burst=2)
    strict = [bool(await other.try_acquire()) for _ in range(3)]
    with pytest.raises(ValueError, match="this limiter holds at most 2"):
        await other.acquire(3)
    await other.change()

    assert strict == [True, True, False]
    assert await other.try_acquire(7)
    assert (one.burst, (await one.statistics()).burst) == (2, 10)


async def test_who_waits_is_timed_anew(share):
    """A wait of a minute ends soon when the limit is raised, in another process too."""
    one, other = share(1, 60), share(1, 60)
    await fill(one, 1)
    waiting = [asyncio.create_task(limiter.acquire()) for limiter in (one, one, other)]
    await asyncio.sleep(0.1)
    await one.change(max_rate=10, time_period=1)
    start = time.monotonic()
    async with asyncio.timeout(20):
        await asyncio.gather(*waiting)

    # The other process looks within five seconds.
    assert time.monotonic() - start < 5 + LATE


async def test_who_wants_more_than_a_smaller_burst_hears_of_it(share):
    """Who can never fit any more gets the error that it would have got on arrival."""
    one, other = share(10, 60), share(10, 60)
    await fill(one, 10)
    waiting = [asyncio.create_task(limiter.acquire(8)) for limiter in (one, other)]
    await asyncio.sleep(0.1)
    await one.change(max_rate=5)
    results = await asyncio.gather(*waiting, return_exceptions=True)

    assert [type(result) for result in results] == [ValueError] * 2


async def test_a_pause_ends_when_it_would_after_a_change(share):
    """The usual answer to a 429 is to pause and halve: the pause is not longer."""
    limiter = share(20, 1)
    await limiter.pause(0.4)
    await limiter.change(max_rate=10)
    ran = await run_times(limiter, [1] * 3)

    assert 0.39 < ran[0][1] < 0.5 + LATE
    assert 0.59 < ran[-1][1] < 0.7 + LATE


async def test_a_change_outlives_what_was_owed(share):
    """A limit that was idle is still what it was changed to."""
    await share(100, 0.1).change(max_rate=5, time_period=0.05)
    await asyncio.sleep(0.2)
    limiter = share(100, 0.1)
    taken = [bool(await limiter.try_acquire(5)) for _ in range(2)]

    assert taken == [True, False]
    assert limiter.max_rate == 5


@pytest.mark.parametrize(
    ("numbers", "message"),
    [
        ({"max_rate": 0}, "max_rate must be above 0"),
        ({"max_rate": float("inf")}, "max_rate must be finite, got inf: who has no"),
        ({"time_period": -1}, "time_period must be a finite number above 0"),
        ({"burst": float("nan")}, "burst must be a finite number above 0"),
    ],
)
async def test_a_change_to_no_limit_is_a_mistake(share, numbers, message):
    """What is no limit is refused at once, and nothing changes."""
    limiter = share(10, 60)
    with pytest.raises(ValueError, match=message):
        await limiter.change(**numbers)

    assert (await limiter.statistics()).max_rate == 10
