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
        ((0, 60), "max_rate must be above 0"),
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

    assert 0.049 < ran[-1][1] < 0.05 + 2 * LATE
    assert excess([(start + at, 1) for _, at in ran], 1e4, 5) <= 1e4 * 0.02
