"""What the callers may do: die, give up at any moment, settle, fork, come back."""

from __future__ import annotations

import asyncio
import gc
import os
import subprocess
import sys
import time
from math import inf

import pytest
import valkey.asyncio
from redis.asyncio import Redis

from aiolimiter.redis import RedisKeyedLimiter, RedisLimiter

from . import engine
from .fleet import Fleet
from .replay import excess
from .wire import wire

pytestmark = pytest.mark.real_time


async def many(limiter, count, amount=1.0):
    """Start that many waiters, and let them queue."""
    waiters = [asyncio.create_task(limiter.acquire(amount)) for _ in range(count)]
    await asyncio.sleep(0.05)
    return waiters


async def drop(waiters):
    """Cancel them all in one step."""
    for waiter in waiters:
        waiter.cancel()
    await asyncio.gather(*waiters, return_exceptions=True)


async def timed(waiter):
    """Seconds until it is done."""
    start = time.monotonic()
    await waiter
    return time.monotonic() - start


async def run_time(limiter, amount=1.0):
    """When it ran, and what it took."""
    await limiter.acquire(amount)
    return time.monotonic(), amount


def test_killed_with_two_hundred_waiting(own, client_of, name, tmp_path):
    """The next process waits a turn, not for what a killed one had queued."""
    where = {"socket": str(own.socket), "name": name}
    with Fleet(where, (20, 1.0), tmp_path, count=1, tasks=200) as fleet:
        fleet.go()
        time.sleep(1.0)
        fleet.kill(0)

        async def next_process():
            async with client_of(own) as client:
                await client.ping()
                limiter = RedisLimiter(client, name, 20, 1.0)
                waited = await timed(limiter.acquire())
                return waited, [await run_time(limiter) for _ in range(10)]

        waited, later = asyncio.run(next_process())
        (killed,) = fleet.shares()

    assert waited <= 0.2
    assert len(killed.admitted) >= 20
    # One for the waiter in between, one for those who run late.
    assert excess([*killed.admitted, *later], 20, 20) <= 1


async def test_cancelled_while_queued(client, name):
    """Who is cancelled before the store was asked takes nothing."""
    limiter = RedisLimiter(client, name, 20, 1)
    await limiter.acquire(20)
    waiters = [asyncio.create_task(limiter.acquire()) for _ in range(200)]
    await asyncio.sleep(0)
    await drop(waiters)

    assert await timed(limiter.acquire()) < 0.05 + 0.05 + 0.1


@pytest.mark.parametrize("steps", range(0, 40, 3))
async def test_cancelled_at_every_step_of_a_free_acquire(client, name, steps):
    """Cancelled after any number of steps of the loop, what was free is still there."""
    limiter = RedisLimiter(client, name, 10, 60)
    waiters = [asyncio.create_task(limiter.acquire()) for _ in range(9)]
    for _ in range(steps):
        await asyncio.sleep(0)
    got = sum(waiter.done() for waiter in waiters)
    await drop(waiters)
    # A trip that was under way comes back, and gives back what nobody took.
    await asyncio.sleep(0.1)
    left = (await limiter.statistics()).available

    assert left == pytest.approx(10 - got, abs=0.2)


async def test_cancelled_while_the_trip_is_under_way(own, name):
    """Who is cancelled with the question on the wire leaves a turn behind, at most."""
    async with Redis(unix_socket_path=str(own.socket)) as client:
        limiter = RedisLimiter(client, name, 20, 1)
        await limiter.acquire(20)
        own.freeze()
        waiters = await many(limiter, 200)
        await drop(waiters)
        own.thaw()
        waited = await timed(limiter.acquire())

    assert waited < 0.05 + 0.05 + 0.1


async def test_cancelled_once_it_has_a_place(client, name):
    """Who is cancelled while its time comes leaves its place to those behind."""
    limiter = RedisLimiter(client, name, 4, 1)
    await limiter.acquire(4)
    first = (await many(limiter, 1))[0]
    second = (await many(limiter, 1))[0]
    start = time.monotonic()
    await drop([first])
    await second

    assert time.monotonic() - start < 0.25 + 0.1


async def test_cancelled_when_granted_and_before_it_runs(client, name, monkeypatch):
    """Who is cancelled between its grant and its run gives its amount back."""
    limiter = RedisLimiter(client, name, 4, 1)
    await limiter.acquire(4)
    ask = limiter._line.ask

    def ask_and_be_cancelled(*what):
        turn = ask(*what)
        # Called before the task is woken, since the task does not wait yet.
        turn.add_done_callback(lambda _: waiter.cancel())
        return turn

    with monkeypatch.context() as patch:
        patch.setattr(limiter._line, "ask", ask_and_be_cancelled)
        (waiter,) = await many(limiter, 1)
    await asyncio.gather(waiter, return_exceptions=True)
    next_one = await timed(limiter.acquire())
    second = await timed(limiter.acquire())

    assert waiter.cancelled()
    assert next_one < 0.15
    # What came back is there once, not twice.
    assert 0.25 - 0.15 < second < 0.25 + 0.1


async def test_forty_thousand_cancelled_at_once(own, name):
    """A bulk cancel of 40,000 costs a few trips, and neither bound nor place."""
    with engine.short_directory() as directory:
        path = directory / "w"
        async with (
            wire(own.socket, path) as line,
            Redis(unix_socket_path=str(path)) as client,
        ):
            # To make so many tasks takes as long as a trip may by default.
            limiter = RedisLimiter(client, name, 100, 1, timeout=30)
            await limiter.acquire(100)
            waiters = await many(limiter, 40_000)
            before = line.trips
            await drop(waiters)
            await asyncio.sleep(0.1)
            trips = line.trips - before
            waited = await timed(limiter.acquire())

    assert trips <= 5
    assert waited < 0.05 + 0.1


async def test_a_large_head_that_is_cancelled_lets_units_go(client, name):
    """Units behind a large amount do not wait for it once it is cancelled."""
    limiter = RedisLimiter(client, name, 20, 1)
    await limiter.acquire(20)
    large = (await many(limiter, 1, 20.0))[0]
    units = await many(limiter, 4)
    await drop([large])
    waited = await timed(asyncio.gather(*units))

    assert waited < 0.3


async def test_a_large_head_is_not_starved_by_other_processes(
    client, client_of, valkey, name
):
    """Another process's units do not hold up a large amount for good."""
    async with client_of(valkey) as other:
        mine, theirs = (
            RedisLimiter(client, name, 50, 1),
            RedisLimiter(other, name, 50, 1),
        )
        await mine.acquire(50)

        async def crowd():
            while True:
                await theirs.acquire()

        units = [asyncio.create_task(crowd()) for _ in range(50)]
        await asyncio.sleep(0.1)
        waited = await timed(asyncio.wait_for(mine.acquire(25), 5))
        await drop(units)

    assert waited < 0.5 * 2 + 0.3


async def test_settled_down_while_others_hold_places_ahead(
    client, client_of, valkey, name
):
    """What one process gives back moves the waiters of another up, and no more."""
    async with client_of(valkey) as other:
        mine, theirs = (
            RedisLimiter(client, name, 100, 10),
            RedisLimiter(other, name, 100, 10),
        )
        ran = []
        async with mine.reserve(100) as reservation:
            start = time.monotonic()
            # Booked four seconds ahead, and told only by looking again.
            large = asyncio.create_task(theirs.acquire(40))
            await asyncio.sleep(0.2)
            await reservation.settle(10)
        ran.append((start, 10.0))
        await asyncio.wait_for(large, 3)
        ran.append((time.monotonic(), 40.0))
        while (decision := await mine.try_acquire()) or decision.retry_after < 0.01:
            ran.append((time.monotonic(), float(bool(decision))))

    assert ran[1][0] - start < 1.2
    # Within what leaks until it is heard of.
    assert excess(ran, 10, 100) <= 10 * 0.5 + 1


async def test_a_pause_stops_the_whole_fleet(client, client_of, valkey, name):
    """A pause by one process holds the others from their next trip on."""
    async with client_of(valkey) as other:
        mine, theirs = (
            RedisLimiter(client, name, 20, 1),
            RedisLimiter(other, name, 20, 1),
        )
        await theirs.acquire(20)
        waiters = await many(theirs, 20)
        paused = time.monotonic()
        await mine.pause(0.6)
        await asyncio.sleep(0.4)
        done = sum(waiter.done() for waiter in waiters)
        await asyncio.sleep(0.25)
        await drop(waiters)

    # Booked before the pause: a quantum, or one.
    assert done <= 3, time.monotonic() - paused


async def test_two_configurations_on_one_name(client, name):
    """Of two rates on one name the lower counts for both, and nobody is locked out."""
    slow, fast = RedisLimiter(client, name, 10, 1), RedisLimiter(client, name, 100, 1)
    await slow.acquire(10)
    waited = await timed(asyncio.gather(*(fast.acquire() for _ in range(5))))
    refused = await slow.try_acquire(5)

    assert 0.49 < waited < 0.5 + 0.3
    assert not refused
    assert refused.retry_after < 1


@pytest.mark.parametrize(
    "name",
    [
        "with spaces",
        "{braces}",
        "a{b}c",
        "}{",
        "naïve café ☕",
        "",
        "*?[x]",
        "a\nb\0c",
        "é" * 300,
    ],
)
async def test_any_name_will_do(any_client, name):
    """Names with spaces, braces and letters of any script are names."""
    limiter = RedisLimiter(any_client, name, 3, 60)
    taken = [bool(await limiter.try_acquire()) for _ in range(4)]
    other = await RedisLimiter(any_client, name + "x", 3, 60).try_acquire()

    assert taken == [True, True, True, False]
    assert other
    for used in (limiter, RedisLimiter(any_client, name + "x", 3, 60)):
        async with used.reserve(0):
            pass
    await any_client.flushall()


@pytest.mark.parametrize("decode", [False, True])
@pytest.mark.parametrize("protocol", [2, 3])
@pytest.mark.parametrize(
    "make", [Redis, valkey.asyncio.Valkey], ids=["redis", "valkey"]
)
async def test_clients_as_people_make_them(valkey, name, make, protocol, decode):
    """Decoded replies or not, RESP2 or RESP3, redis-py or valkey-py: all the same."""
    options = {"unix_socket_path": str(valkey.socket), "protocol": protocol}
    async with make(**options, decode_responses=decode) as client:
        limiter = RedisLimiter(client, name, 20, 1)
        await limiter.acquire(20)
        refused = await limiter.try_acquire()
        waited = await timed(limiter.acquire(2))
        async with limiter.reserve(1) as reservation:
            await reservation.settle(0)

    assert not refused
    assert refused.retry_after == pytest.approx(0.05, abs=0.04)
    assert waited == pytest.approx(0.1, abs=0.08)


@pytest.mark.filterwarnings(
    # redis-py's, whose connection outlives its loop.
    "ignore:unclosed:ResourceWarning",
    "ignore:loop is closed:ResourceWarning",
)
def test_a_limiter_used_in_a_later_loop(valkey, name):
    """In the next loop a limiter works on, with its level, without the old waiters."""
    waited = two_loops(str(valkey.socket), name)
    gc.collect()

    assert waited < 0.2 + 0.2


def two_loops(socket, name):
    """Use a limiter in a loop that ends with waiters; the wait of one in the next."""
    clients = []
    limiter = RedisLimiter(Newest(clients), name, 20, 1)

    async def strand():
        async with Redis(unix_socket_path=socket) as client:
            clients.append(client)
            await limiter.acquire(20)
            stranded = await many(limiter, 10)
            assert not any(waiter.done() for waiter in stranded[2:])

    async def come_back():
        async with Redis(unix_socket_path=socket) as client:
            clients.append(client)
            waited = await timed(limiter.acquire(4))
            assert (await limiter.statistics()).waiting == 0
            return waited

    asyncio.run(strand())
    return asyncio.run(come_back())


class Newest:
    """A client of the running loop's own, as redis-py wants it: the last one made."""

    def __init__(self, clients):
        self._clients = clients

    def __getattr__(self, verb):
        return getattr(self._clients[-1], verb)


ENDS = """
import asyncio, gc, sys
from redis.asyncio import Redis
from aiolimiter.redis import RedisLimiter

async def main(waiters):
    client = Redis(unix_socket_path=sys.argv[1])
    limiter = RedisLimiter(client, sys.argv[2], 20, 1)
    await limiter.acquire(20)
    tasks = [asyncio.create_task(limiter.acquire()) for _ in range(waiters)]
    await asyncio.sleep(0.03)

for waiters in (1, 10, 200):
    asyncio.run(main(waiters))
    gc.collect()
"""


def test_a_loop_that_ends_with_waiters_ends_quietly(valkey, name):
    """A program that ends while tasks wait says nothing of tasks destroyed."""
    command = [sys.executable, "-c", ENDS, str(valkey.socket), name]
    done = subprocess.run(command, capture_output=True, text=True, check=True)

    assert done.stderr == ""


@pytest.mark.parametrize("decode", [False, True])
async def test_the_other_cluster_client(shared_server, name, decode):
    """valkey-py's client of a cluster is as good as redis-py's."""
    node = shared_server("cluster")[0]
    options = {"host": "127.0.0.1", "port": node.port, "decode_responses": decode}
    async with valkey.asyncio.ValkeyCluster(**options) as client:
        limiter = RedisLimiter(client, name, 20, 1)
        await limiter.acquire(20)
        waited = await timed(limiter.acquire(2))

    assert waited == pytest.approx(0.1, abs=0.08)


def test_a_fork_after_use(valkey, name):
    """A child forked after its parent used a limiter holds nothing of its parent's."""
    clients = []
    limiter = RedisLimiter(Newest(clients), name, 10, 60)

    async def take():
        async with Redis(unix_socket_path=str(valkey.socket)) as client:
            clients.append(client)
            return [bool(await limiter.try_acquire()) for _ in range(4)].count(True)

    got = asyncio.run(take())
    child = os.fork()
    if child == 0:
        try:
            os._exit(asyncio.run(take()))
        finally:
            os._exit(99)
    got += os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    got += asyncio.run(take())

    assert got == 10


async def test_twenty_thousand_in_one_gather_are_three_trips(own, name):
    """With room for all, 20,000 acquires in one gather are three trips at most."""
    with engine.short_directory() as directory:
        path = directory / "w"
        async with (
            wire(own.socket, path) as line,
            Redis(unix_socket_path=str(path)) as client,
        ):
            await client.ping()
            limiter = RedisLimiter(client, name, 1e6, 1)
            await limiter.acquire()
            before = line.trips
            await asyncio.gather(*(limiter.acquire() for _ in range(20_000)))
            trips = line.trips - before

    assert trips <= 3


async def test_a_limit_for_each_key(client, name):
    """Of a keyed limiter each key has its own limit, shared like any other."""
    one = RedisKeyedLimiter(client, name, 2, 60)
    other = RedisKeyedLimiter(client, name, 2, 60)
    await one["a"].acquire(2)

    assert not await other["a"].try_acquire()
    assert await other["b"].try_acquire()
    assert (await one["b"].statistics()).available == pytest.approx(1, abs=0.1)


async def test_no_limit_is_no_trip_too_many(client, name):
    """Without a limit everything is admitted."""
    limiter = RedisLimiter(client, name, inf, 60)
    await asyncio.gather(*(limiter.acquire(1e6) for _ in range(100)))

    assert await limiter.try_acquire(1e9)
