"""
What the server may do: die, forget, freeze, cut the line, change its clock.

Each fault happens under load.  Counted is by how much the worst stretch of time
goes beyond the limit, and who still waits at the end.
"""

from __future__ import annotations

import asyncio
import time

import pytest
from redis.asyncio import Redis, Sentinel

from aiolimiter import BackendError
from aiolimiter.redis import RedisLimiter

from . import engine
from .conftest import binary
from .fleet import Fleet
from .replay import excess
from .stored import stepped
from .wire import wire

pytestmark = pytest.mark.real_time

RATE = 100.0
# What one process may hold booked: the others', when the server forgets it and
# one of them tells it what it knew.  The guide allows that much more.
TURN = RATE * 0.05


def hold(shares, *, rate=RATE, burst=RATE, forgotten=0.0):
    """Whether the limit held, and nobody is stranded or saw an error."""
    everything = [entry for share in shares for entry in share.admitted]
    lag = max(share.lag for share in shares)
    # The promise is about slots: as much as runs late may be over.
    over = excess(everything, rate, burst) - 1 - rate * lag - forgotten
    return (
        over <= 0,
        sum(s.stranded for s in shares),
        [e for s in shares for e in s.errors],
    )


HELD = (True, 0, [])


def fleet(server, name, directory, **more):
    """Three processes of 25 tasks at 100 a second, that wait out a fault."""
    where = {"socket": str(server.socket), "name": name}
    options = {"count": 3, "seconds": 2.5, "on_error": "wait", **more}
    return Fleet(where, (RATE, 1.0), directory, **options)


def total(shares):
    """How many were admitted."""
    return sum(len(share.admitted) for share in shares)


def test_a_fleet_gets_its_limit_and_not_more(own, name, tmp_path):
    """Three processes together get the rate, each its share, and not one more."""
    with fleet(own, name, tmp_path) as workers:
        workers.go()
        shares = workers.shares()

    assert hold(shares) == HELD
    assert total(shares) >= 0.97 * (RATE + RATE * 2.5)


@pytest.mark.parametrize(
    ("command", "forgotten"), [("FLUSHALL", 4 * 2 * TURN), ("SCRIPT FLUSH", 0.0)]
)
def test_flushed_under_load(own, name, tmp_path, command, forgotten):
    """A server that forgets its keys, or its scripts, is told again what it knew."""
    with fleet(own, name, tmp_path) as workers, engine.admin(own) as client:
        workers.go()
        for _ in range(4):
            time.sleep(0.5)
            client.execute_command(command)
        shares = workers.shares()

    assert hold(shares, forgotten=forgotten) == HELD
    assert total(shares) >= 0.9 * (RATE + RATE * 2.5)


def test_restarted_empty_under_load(own, name, tmp_path):
    """A server that is killed and comes back empty admits no second burst."""
    with fleet(own, name, tmp_path) as workers:
        workers.go()
        time.sleep(1.0)
        own.restart()
        shares = workers.shares()

    assert hold(shares, forgotten=2 * TURN) == HELD
    assert total(shares) >= 0.9 * (RATE + RATE * 2.5)


def test_frozen_for_three_seconds(own, name, tmp_path):
    """Who waits out a server that is frozen for three seconds goes on afterwards."""
    with fleet(own, name, tmp_path, seconds=5.5, count=2) as workers:
        workers.go()
        time.sleep(1.0)
        own.freeze()
        time.sleep(3.0)
        own.thaw()
        shares = workers.shares()

    assert hold(shares) == HELD
    last = max(at for share in shares for at, _ in share.admitted)
    first = min(at for share in shares for at, _ in share.admitted)
    assert last - first > 4.5


def test_gone_for_three_seconds(own, name, tmp_path):
    """Who waits out a server that is gone for three seconds goes on afterwards."""
    with fleet(own, name, tmp_path, seconds=5.5, count=2) as workers:
        workers.go()
        time.sleep(1.0)
        own.kill()
        time.sleep(3.0)
        own.start()
        shares = workers.shares()

    assert hold(shares) == HELD
    last = max(at for share in shares for at, _ in share.admitted)
    first = min(at for share in shares for at, _ in share.admitted)
    assert last - first > 4.5


async def test_frozen_for_those_who_do_not_wait(own, name):
    """A frozen server is an error for all within the deadline, not after 40 s."""
    async with Redis(unix_socket_path=str(own.socket)) as client:
        limiter = RedisLimiter(client, name, 10, 1, timeout=0.3)
        await limiter.acquire(10)
        own.freeze()
        start = time.monotonic()
        waiting = [asyncio.create_task(limiter.acquire()) for _ in range(200)]
        answers = await asyncio.gather(*waiting, return_exceptions=True)
        took = time.monotonic() - start
        own.thaw()

        assert {type(answer) for answer in answers} == {BackendError}
        assert all(answer.__cause__ is not None for answer in answers)
        # 200 waiters do not cost 200 deadlines.
        assert took < 0.3 + 0.5
        await asyncio.sleep(0.6)
        await limiter.acquire()


async def test_gone_is_an_error_or_not_as_the_policy_says(own, name):
    """With the server gone ``open`` admits all, ``local`` its share, ``raise`` none."""
    async with Redis(unix_socket_path=str(own.socket)) as client:

        def policy(policy, **more):
            return RedisLimiter(
                client, f"{name}-{policy}", 10, 1, on_error=policy, timeout=0.3, **more
            )

        strict, local, free = (
            policy("raise"),
            policy("local", share=0.5),
            policy("open"),
        )
        await strict.acquire()
        own.kill()
        with pytest.raises(BackendError):
            await strict.acquire()
        await asyncio.gather(*(free.acquire() for _ in range(100)))
        start = time.monotonic()
        # A share of 0.5: five at once, then five a second.
        await asyncio.gather(*(local.acquire() for _ in range(7)))
        waited = time.monotonic() - start
        own.start()

        assert 0.39 < waited < 1.3


async def test_a_reply_cut_in_the_middle(own, name):
    """A connection cut inside a reply costs what it booked, and strands nobody."""
    with engine.short_directory() as directory:
        path = directory / "w"
        async with (
            wire(own.socket, path) as line,
            Redis(unix_socket_path=str(path)) as client,
        ):
            limiter = RedisLimiter(client, name, 50, 1, on_error="wait")
            await limiter.acquire(50)
            ran = []

            async def one():
                await limiter.acquire()
                ran.append((time.monotonic(), 1.0))

            ran.append((time.monotonic(), 50.0))
            waiting = [asyncio.create_task(one()) for _ in range(60)]
            for _ in range(5):
                await asyncio.sleep(0.1)
                line.cut_after = 7
            await asyncio.wait_for(asyncio.gather(*waiting), 10)

    assert len(ran) == 61
    assert excess(ran, 50, 50) <= 1


async def run_time(limiter, amount=1.0):
    """When it ran, and what it took."""
    await limiter.acquire(amount)
    return time.monotonic(), amount


async def test_promoted_replica(name):
    """After a failover the limit goes on where the replica was."""
    one, two = engine.free_ports(2)
    fast = ("--repl-diskless-sync-delay", "0")
    with (
        engine.running(binary("valkey"), port=one, options=fast) as primary,
        engine.running(binary("valkey"), port=two) as replica,
        engine.short_directory() as directory,
    ):
        engine.follow(replica, primary)
        path = directory / "w"
        async with (
            wire(primary.socket, path) as line,
            Redis(unix_socket_path=str(path)) as client,
        ):
            limiter = RedisLimiter(client, name, 50, 1, on_error="wait")
            start = time.monotonic()
            ran = [await run_time(limiter, 50)]
            waiting = [asyncio.create_task(run_time(limiter)) for _ in range(50)]
            await asyncio.sleep(0.3)
            primary.kill()
            engine.promote(replica)
            line.target = replica.socket
            line.cut()
            ran += await asyncio.wait_for(asyncio.gather(*waiting), 10)
            waited = time.monotonic() - start

    assert 0.98 < waited < 2.5
    assert excess(ran, 50, 50) <= 1


async def test_a_sentinels_client_follows_the_failover():
    """A client from a Sentinel goes on at the node that it promotes."""
    one, two = engine.free_ports(2)
    fast = ("--repl-diskless-sync-delay", "0")
    with (
        engine.running(binary("valkey"), port=one, options=fast) as primary,
        engine.running(binary("valkey"), port=two) as replica,
    ):
        engine.follow(replica, primary)
        with engine.sentinel(binary("valkey"), primary) as port:
            sentinel = Sentinel([("127.0.0.1", port)])
            async with sentinel.master_for("main") as client:
                limiter = RedisLimiter(client, "limit", 20, 1, on_error="wait")
                ran = [await run_time(limiter, 20)]
                waiting = [asyncio.create_task(run_time(limiter)) for _ in range(20)]
                await asyncio.sleep(0.3)
                primary.kill()
                ran += await asyncio.wait_for(asyncio.gather(*waiting), 20)
            for node in sentinel.sentinels:
                await node.aclose()
        with engine.admin(replica) as by_hand:
            role = by_hand.info("replication")["role"]

    assert role == "master"
    assert len(ran) == 21
    assert excess(ran, 20, 20) <= 1


@pytest.mark.parametrize("hours", [-1, 1])
async def test_the_servers_clock_steps(own, name, hours):
    """A server whose clock steps back an hour blocks nobody; forward, it forgives."""
    with engine.admin(own) as by_hand:
        async with Redis(unix_socket_path=str(own.socket)) as client:
            first = RedisLimiter(client, name, 10, 1)
            ran = [await run_time(first, 10)]
            (key,) = by_hand.keys("*")
            by_hand.set(key, stepped(by_hand.get(key), -hours * 3600), ex=7200)
            later = RedisLimiter(client, name, 10, 1)
            start = time.monotonic()
            ran += await asyncio.wait_for(
                asyncio.gather(*(run_time(later) for _ in range(12))), 5
            )
            waited = time.monotonic() - start

    if hours < 0:
        assert 1.0 < waited < 1.2 + 0.3
        assert excess(ran, 10, 10) <= 1
    else:
        assert 0.2 < waited < 0.2 + 0.3
        # A clock that jumps forward forgives at most one burst.
        assert excess(ran, 10, 10) <= 10 + 1


async def test_a_clock_an_hour_back_does_not_lock_out_those_who_only_try(own, name):
    """With the stored instant in the future, trying again admits at the rate too."""
    with engine.admin(own) as by_hand:
        async with Redis(unix_socket_path=str(own.socket)) as client:
            await RedisLimiter(client, name, 10, 1).acquire(10)
            (key,) = by_hand.keys("*")
            by_hand.set(key, stepped(by_hand.get(key), 3600), ex=7200)
            later = RedisLimiter(client, name, 10, 1)
            start, taken = time.monotonic(), 0
            for _ in range(20):
                decision = await later.try_acquire()
                taken += bool(decision)
                await asyncio.sleep(0.05)
            took = time.monotonic() - start

    # However long a slow machine takes for it, and one for what is under way.
    assert 7 <= taken <= 10 * took + 1


@pytest.mark.parametrize("policy", ["raise", "wait", "local", "open"])
@pytest.mark.parametrize("value", ["hello", "hello 17", "nan 17 0 0", "1 2", ["a"]])
async def test_a_foreign_value_is_an_error_and_stays(
    valkey, client, name, value, policy
):
    """A key that holds something else is an error under every policy, and untouched."""
    limiter = RedisLimiter(client, name, 10, 1, on_error=policy)
    await limiter.acquire()
    with engine.admin(valkey) as by_hand:
        (key,) = [key for key in by_hand.keys("*") if name in key]
        by_hand.delete(key)
        if isinstance(value, list):
            by_hand.rpush(key, *value)
        else:
            by_hand.set(key, value)
        for ask in (limiter.acquire, limiter.try_acquire):
            with pytest.raises(BackendError, match="not a limiter"):
                await asyncio.wait_for(ask(), 3)

        kept = (
            by_hand.lrange(key, 0, -1) if isinstance(value, list) else by_hand.get(key)
        )
        assert kept == value
        by_hand.delete(key)


async def test_a_server_that_is_full_is_an_error(own, name):
    """A server that may not write says so, and that is what the caller reads."""
    with engine.admin(own) as by_hand:
        by_hand.config_set("maxmemory", "1")
        async with Redis(unix_socket_path=str(own.socket)) as client:
            limiter = RedisLimiter(client, name, 10, 1)
            with pytest.raises(BackendError) as error:
                await limiter.acquire()

    assert "OOM" in str(error.value.__cause__) or "memory" in str(error.value.__cause__)
