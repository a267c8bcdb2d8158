"""A limit in a file: shared by processes, whatever becomes of one of them."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import struct
import subprocess
import sys
import time
from math import inf, nan
from pathlib import Path

import pytest

from aiolimiter import BackendError, RateLimitExceeded
from aiolimiter.local import FileLimiter
from aiolimiter.local._file import Contract, StateFile
from aiolimiter.local._place import Place

from .fleet import Fleet
from .memory import cancelled_when_granted
from .replay import excess, fairness

pytestmark = pytest.mark.real_time


@pytest.fixture
def path(tmp_path):
    """Where a limiter's file may go."""
    return tmp_path / "limit"


def test_processes_share_it_evenly_and_keep_the_bound(path, tmp_path):
    """Four processes on one file get the rate together, and the same each."""
    with Fleet({"path": str(path)}, (100, 1.0), tmp_path, seconds=2.5) as fleet:
        fleet.go()
        shares = fleet.shares()
    everything = [entry for share in shares for entry in share.admitted]
    start = min(everything)[0]
    late = [sum(at > start + 0.5 for at, _ in share.admitted) for share in shares]

    assert excess(everything, 100, 100) <= 1 + 100 * max(s.lag for s in shares)
    assert len(everything) >= 0.97 * (100 + 250)
    assert fairness(late) >= 0.98
    assert [share.stranded for share in shares] == [0] * 4


def test_a_killed_process_takes_a_turn_with_it_and_no_more(path, tmp_path):
    """After a kill -9 of one with 200 waiters the next one waits a turn."""
    where = {"path": str(path)}
    with Fleet(where, (20, 1.0), tmp_path, count=1, tasks=200) as fleet:
        fleet.go()
        time.sleep(1.2)
        fleet.kill(0)
        start = time.monotonic()
        asyncio.run(FileLimiter(path, 20, 1).acquire())

    assert time.monotonic() - start <= 0.2


def test_without_waiting_nothing_is_awaited(path):
    """With room, an acquire ends without having given the loop a turn."""
    limiter = FileLimiter(path, 10, 60)
    with pytest.raises(StopIteration):
        limiter.acquire().send(None)
    with pytest.raises(StopIteration) as end:
        limiter.try_acquire(2).send(None)

    assert end.value.value == (True, 0.0, pytest.approx(7.0, abs=0.1))


async def test_whoever_waits_is_not_passed(path):
    """While somebody waits a newcomer waits too, even if what it wants would fit."""
    limiter = FileLimiter(path, 10, 0.2)
    await limiter.acquire(5)
    order = []

    async def take(name, amount):
        await limiter.acquire(amount)
        order.append(name)

    async with asyncio.TaskGroup() as group:
        group.create_task(take("large", 8))
        await asyncio.sleep(0.01)
        for number in range(3):
            group.create_task(take(number, 8))

    assert order == ["large", 0, 1, 2]


async def test_what_was_taken_at_once_can_be_settled(path):
    """A reservation that did not wait is settled like any other."""
    limiter, other = FileLimiter(path, 10, 60), FileLimiter(path, 10, 60)
    async with limiter.reserve(10) as reservation:
        await reservation.settle(4)

    assert await other.try_acquire(6)
    assert not await other.try_acquire(1)


async def test_an_instant_from_before_the_last_boot_blocks_nobody(path):
    """A file written an hour ahead on the clock of another boot leaks from now on."""
    limiter = FileLimiter(path, 10, 1)
    ahead = time.monotonic() * 1e6 + 3.6e9
    file = StateFile(Place(path, 0o600), Contract(10, 1, 10))
    file.write(10.0, ahead, 0.0, ahead)
    refused = await limiter.try_acquire()
    await asyncio.sleep(refused.retry_after)

    assert not refused
    assert refused.retry_after == pytest.approx(0.1, abs=0.02)
    assert await limiter.try_acquire()


HOLDS = """
import sys, time
from aiolimiter.local._file import StateFile, Contract
from aiolimiter.local._place import Place
file = StateFile(Place(sys.argv[1], 0o600), Contract(10.0, 1.0, 10.0))
assert file.lock()
print("locked", flush=True)
time.sleep(60)
"""


@pytest.fixture
def holder(path):
    """A process that holds the lock of the file."""
    command = [sys.executable, "-c", HOLDS, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"locked\n"
        yield process
        process.kill()


async def test_a_stopped_process_that_has_the_lock_is_an_error_after_a_second(
    path, holder
):
    """While a stopped process has the lock the loop runs on; callers get an error."""
    holder.send_signal(signal.SIGSTOP)
    limiter = FileLimiter(path, 10, 1)
    lags = []

    async def beat():
        while True:
            due = time.monotonic() + 0.01
            await asyncio.sleep(0.01)
            lags.append(time.monotonic() - due)

    beating = asyncio.create_task(beat())
    with pytest.raises(BackendError, match="did not answer within 1 s"):
        await limiter.acquire()
    beating.cancel()

    assert len(lags) > 50
    assert max(lags) < 0.1


async def test_a_lock_that_comes_free_is_taken(path, holder):
    """Who finds the file locked gets through as soon as its holder is dead."""
    limiter = FileLimiter(path, 10, 1)
    waiting = asyncio.create_task(limiter.acquire())
    await asyncio.sleep(0.1)
    still = not waiting.done()
    holder.kill()
    await asyncio.wait_for(waiting, 0.5)

    assert still


async def test_a_thousand_cancelled_in_their_tick_leave_no_debt(path):
    """Of 1,000 grants that nobody used all comes back but what leaked, once."""
    limiter = FileLimiter(path, 50, 1, burst=2000)
    await cancelled_when_granted(limiter, 1000)
    await asyncio.sleep(0.1)

    assert (await limiter.statistics()).level <= 50 * 0.3


async def test_a_damaged_file_is_an_error_and_stays(path):
    """A state that is no number is an error, not an admission, and is left there."""
    limiter = FileLimiter(path, 10, 1)
    file = StateFile(Place(path, 0o600), Contract(10, 1, 10))
    file.write(float("nan"), 0.0, 0.0, 0.0)
    for ask in (limiter.acquire, limiter.try_acquire):
        with pytest.raises(BackendError, match="is damaged"):
            await ask()
    with pytest.raises(BackendError, match="is damaged"):
        await limiter.acquire(max_wait=0.1)


@pytest.mark.parametrize(
    "known", [struct.pack("<dd", nan, 1.0), struct.pack("<dd", inf, 1.0), b"odd"]
)
async def test_damaged_lows_are_an_error_too(path, known):
    """How low it has been, damaged, is named as what it is."""
    limiter = FileLimiter(path, 10, 1)
    file = StateFile(Place(path, 0o600), Contract(10, 1, 10))
    file.write(1.0, 0.0, 0.0, 0.0, lows=known)
    with pytest.raises(BackendError, match="is damaged"):
        await limiter.statistics()


def test_a_file_that_is_not_ours_is_refused_when_the_limiter_is_made(path):
    """A limiter on somebody else's file is not made."""
    path.write_text("precious")
    with pytest.raises(ValueError, match="is not a limiter's file"):
        FileLimiter(path, 10, 60)

    assert path.read_text() == "precious"


def test_a_file_keeps_one_rate(path):
    """Several rates are refused, with what to do instead, and no file is made."""
    with pytest.raises(TypeError, match=r"^a file keeps one rate, got .*: use one lim"):
        FileLimiter(path, [(10, 1), (100, 60)])

    assert not path.exists()


async def test_a_file_is_not_changed_to_several_rates(path):
    """A change to several rates is refused like a limiter with them, and is none."""
    limiter = FileLimiter(path, 10, 60)
    with pytest.raises(TypeError, match=r"^a file keeps one rate, got .*: use one lim"):
        await limiter.change(max_rate=[(10, 1), (100, 60)])

    assert (await FileLimiter(path, 10, 60).statistics()).max_rate == 10


def test_a_fork_after_use(path):
    """A child forked after its parent used a limiter shares it, and no lock of it."""
    limiter = FileLimiter(path, 10, 60)

    async def take():
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


def test_a_limiter_used_in_a_later_loop(path):
    """In the next loop a limiter works on, with its level, without the old waiters."""
    limiter = FileLimiter(path, 20, 1)

    async def strand():
        await limiter.acquire(20)
        stranded.extend(asyncio.create_task(limiter.acquire()) for _ in range(10))
        await asyncio.sleep(0.02)

    async def come_back():
        start = time.monotonic()
        await limiter.acquire(4)
        return time.monotonic() - start, await limiter.statistics()

    stranded = []
    asyncio.run(strand())
    waited, now = asyncio.run(come_back())

    assert all(task.cancelled() for task in stranded)
    assert 0.1 < waited < 0.2 + 0.1
    assert now.waiting == 0


async def test_no_limit_needs_no_room(path):
    """Without a limit everything is admitted, and two such limiters agree."""
    limiter = FileLimiter(path, inf, 60)
    await limiter.acquire(1e300)
    async with FileLimiter(path, inf, 60).reserve(1e300) as reservation:
        await reservation.settle(5)

    assert await limiter.try_acquire(1e300)


async def test_numbers_of_other_types_are_numbers(path):
    """Whatever is a number can be acquired, and whatever is none can't."""
    from decimal import Decimal
    from fractions import Fraction

    limiter = FileLimiter(path, 10, 60)
    await limiter.acquire(Fraction(3, 2))
    await limiter.acquire(Decimal("2.5"))
    await limiter.acquire(True)  # noqa: FBT003 -- what is tried
    with pytest.raises(TypeError, match=r"^amount must be a number, got '1'$"):
        await limiter.acquire("1")

    assert (await limiter.statistics()).level == pytest.approx(5, abs=0.1)


async def test_max_wait_of_zero_takes_what_is_there(path):
    """Who won't wait at all is admitted with room and refused without."""
    limiter = FileLimiter(path, 10, 60)
    await limiter.acquire(10.0, max_wait=0)
    with pytest.raises(RateLimitExceeded):
        await limiter.acquire(1.0, max_wait=0)


async def test_it_says_what_it_is(path):
    """A limiter tells its path and its limit."""
    limiter = FileLimiter(path, 10, 60, burst=5)

    assert limiter.path == str(path)
    assert (limiter.max_rate, limiter.time_period, limiter.burst) == (10, 60, 5)
    assert repr(limiter) == f"<FileLimiter {str(path)!r}: 10 per 60 s>"


def test_a_limiter_that_is_gone_leaves_no_file_open(path):
    """The file is closed with the last limiter of it."""

    def opened():
        gc.collect()
        return len(list(Path("/dev/fd").iterdir()))

    before = opened()
    limiters = [FileLimiter(path, 10, 60) for _ in range(10)]
    during = opened()
    del limiters

    assert during >= before + 10
    assert opened() == before
