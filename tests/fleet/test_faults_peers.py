"""
Faults found in other limiters for Redis, each a test that this one has none of it.

Each names whose it was, and what was seen.  Others of the kind: a far process that
gets less is in test_shared.py, a frozen server that hangs in test_faults_server.py.
"""

from __future__ import annotations

import asyncio
import time

import pytest
from redis.asyncio import Redis, RedisCluster

from aiolimiter.redis import RedisLimiter

from . import engine
from .fleet import Fleet
from .replay import fairness

pytestmark = pytest.mark.real_time


async def at_once(limiter, count):
    """How many of *count* are admitted without waiting."""
    return sum([bool(await limiter.try_acquire()) for _ in range(count)])


@pytest.mark.parametrize(
    ("rate", "period", "burst"),
    [(100, 1, 40), (10, 1, 3), (3, 1, 1), (1000, 1, 1), (1e6, 1, 5), (1, 0.001, 1)],
)
async def test_a_bucket_that_fills_in_under_half_a_second_is_kept(
    client, name, rate, period, burst
):
    """An expiry that rounds to 0 deletes the key and admits all; ours never does."""
    # throttled-py 3.5, its default algorithm: 300 of 300 at 10/s with a burst of 3.
    limiter = RedisLimiter(client, name, rate, period, burst=burst)
    start = time.monotonic()
    taken = await at_once(limiter, 100)
    took = time.monotonic() - start

    assert taken <= burst + rate / period * took + 1
    count = min(50, int(rate))
    start = time.monotonic()
    await asyncio.gather(*(limiter.acquire() for _ in range(count)))
    took = time.monotonic() - start

    # As long as that takes: also on a machine that hangs, and lets many run at once.
    assert count <= burst + rate / period * (took + 0.02) + 1


async def test_a_key_lives_as_long_as_its_debt(own, name):
    """A key that expires before what was booked has leaked forgives it; ours stays."""
    # redis-rate-limiters 0.5 and steindamm 0.11: sold for 50 s, kept for 30 s or 60.
    with engine.admin(own) as by_hand:
        async with Redis(unix_socket_path=str(own.socket)) as client:
            limiter = RedisLimiter(client, name, 1, 1, burst=2)
            await limiter.acquire(2)
            async with limiter.reserve(0) as reservation:
                await reservation.settle(500)
            (key,) = by_hand.keys("*")
            after_debt = by_hand.pttl(key)
            limiter.max_pause = 86400
            await limiter.pause(86400)
            after_pause = by_hand.pttl(key)

    assert 500_000 < after_debt < 503_000
    assert 86_400_000 < after_pause < 86_403_000


async def test_every_key_expires(own, name):
    """A key without an expiry stays for ever; ours all have one."""
    # pyrate-limiter 4.5, its log; throttled-py 3.5, its leaky bucket: TTL -1.
    with engine.admin(own) as by_hand:
        async with Redis(unix_socket_path=str(own.socket)) as client:
            limiter = RedisLimiter(client, name, 50, 1)
            await limiter.acquire(50)
            await asyncio.gather(*(limiter.acquire() for _ in range(10)))
            await limiter.restrict(1)
            keys = by_hand.keys("*")
            lives = [by_hand.pttl(key) for key in keys]
            await asyncio.sleep(1.3)
            left = by_hand.dbsize()

    assert len(keys) == 1
    assert all(0 < life <= 1300 for life in lives)
    assert left == 0


@pytest.mark.parametrize("ahead", [-6.0, 5.0, 3600.0])
async def test_the_callers_clock_does_not_matter(client, name, monkeypatch, ahead):
    """A caller whose clock is wrong gets no more, and no less, than its turn."""
    # limits 5.8: 20 of 10 with clocks 6 s apart.  steindamm 0.11, 5 s ahead: no wait.
    limiter = RedisLimiter(client, name, 5, 1, burst=1)
    await limiter.acquire()
    true = time.time
    monkeypatch.setattr(time, "time", lambda: true() + ahead)
    start = time.monotonic()
    await asyncio.gather(*(limiter.acquire() for _ in range(5)))

    assert 0.99 < time.monotonic() - start < 1.3


async def test_a_flushed_script_is_loaded_again(own, name):
    """After SCRIPT FLUSH every call works, the first one too."""
    # pyrate-limiter 4.5, its log (#182): NoScriptError at every call from then on.
    with engine.admin(own) as by_hand:
        async with Redis(unix_socket_path=str(own.socket)) as client:
            limiter = RedisLimiter(client, name, 10, 60)
            for _ in range(3):
                by_hand.script_flush()
                assert await limiter.try_acquire()


async def test_a_cancelled_gather_does_not_block_the_next_process(own, client_of, name):
    """A gather of 200 that is cancelled leaves the next process a turn to wait."""
    # steindamm 0.11: 8.2 s, and 7.6 s after a kill -9.
    async with client_of(own) as mine, client_of(own) as theirs:
        limiter = RedisLimiter(mine, name, 20, 1)
        await limiter.acquire(20)
        crowd = asyncio.gather(*(limiter.acquire() for _ in range(200)))
        await asyncio.sleep(0.3)
        crowd.cancel()
        start = time.monotonic()
        await RedisLimiter(theirs, name, 20, 1).acquire()

    assert time.monotonic() - start <= 0.2


def test_nobody_starves_at_a_low_rate(own, name, tmp_path):
    """At five a second each of three processes gets at least half of the mean."""
    # throttled-py 3.5: 44, 0, 0.
    where = {"socket": str(own.socket), "name": name}
    with Fleet(where, (5, 1.0), tmp_path, count=3, seconds=6, grace=0) as fleet:
        fleet.go()
        shares = fleet.shares()
    start = min(at for share in shares for at, _ in share.admitted)
    # The burst goes to whoever asks first, in every design.
    got = [sum(at > start + 0.5 for at, _ in share.admitted) for share in shares]

    assert sum(got) >= 24
    assert min(got) >= sum(got) / 3 / 2


def test_four_processes_share_evenly(own, name, tmp_path):
    """At a hundred a second four processes have the same, after the first burst."""
    # throttled-py 3.5: 217, 95, 7, 28.
    where = {"socket": str(own.socket), "name": name}
    with Fleet(where, (100, 1.0), tmp_path, count=4, seconds=2) as fleet:
        fleet.go()
        shares = fleet.shares()
    start = min(at for share in shares for at, _ in share.admitted)
    got = [sum(at > start + 0.5 for at, _ in share.admitted) for share in shares]

    assert fairness(got) >= 0.98


async def test_a_hundred_users_all_get_their_turn(client, name):
    """A hundred that compete are all admitted, each once, by the time there is room."""
    # pyrate-limiter #185: retries that fail with 100 users.
    limiter = RedisLimiter(client, name, 100, 1, burst=10)
    start = time.monotonic()
    await asyncio.gather(*(limiter.acquire() for _ in range(100)))

    assert 0.89 < time.monotonic() - start < 1.2


async def test_one_that_waits_does_not_hold_up_other_names(client, name):
    """While one name waits, another name of the same client does not."""
    # pyrate-limiter 4.5 holds a lock over the trip and the sleep, for all names.
    full, free = (
        RedisLimiter(client, name, 1, 60),
        RedisLimiter(client, name + "b", 1, 60),
    )
    await full.acquire()
    waiter = asyncio.create_task(full.acquire())
    await asyncio.sleep(0.05)
    start = time.monotonic()
    await free.acquire()
    took = time.monotonic() - start
    waiter.cancel()

    assert took < 0.1


async def test_names_are_spread_over_a_cluster(shared_server, name):
    """Names of one cluster go to different nodes, not all to one."""
    # steindamm 0.11: all keys share a tag, and so a slot.
    nodes = shared_server("cluster")
    async with RedisCluster(host="127.0.0.1", port=nodes[0].port) as client:
        for i in range(30):
            await RedisLimiter(client, f"{name}-{i}", 10, 60).acquire()
    sizes = []
    for node in nodes:
        with engine.admin(node) as by_hand:
            sizes.append(by_hand.dbsize())

    assert all(size >= 2 for size in sizes)
