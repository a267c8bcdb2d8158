"""One limiter, several event loops: one after the other, or open at once."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import re
import time
import weakref

import pytest
import uvloop

from aiolimiter import (
    AsyncLimiter,
    KeyedLimiter,
    KeyedSlidingWindowLimiter,
    SlidingWindowLimiter,
)

from .timetable import admissions, in_line, now, spent, virtual

BOTH = pytest.mark.parametrize("kind", [AsyncLimiter, SlidingWindowLimiter])

AT_IMPORT = AsyncLimiter(2, 2)


async def wait_one(limiter, amount=1.0):
    """Acquire once, and return how long that took."""
    start = now()
    await limiter.acquire(amount)
    return now() - start


def test_made_at_import():
    """A limiter can be made where no loop is, and used in the next one."""
    assert virtual(admissions(AT_IMPORT, [0, 0, 0])) == [0, 0, 1]


@BOTH
def test_one_loop_after_the_other(kind):
    """In a later loop a limiter goes on from where it stood in the last one."""
    limiter = kind(1, 1)

    assert virtual(admissions(limiter, [10, 10, 10])) == [10, 11, 12]
    assert virtual(admissions(limiter, [10, 10, 10])) == [11, 12, 13]
    assert virtual(admissions(limiter, [0, 0, 0])) == [1, 2, 3]


@BOTH
def test_a_later_loop_finds_the_level(kind):
    """The level is kept from loop to loop."""
    limiter = kind(10, 10)
    virtual(spent(limiter))

    async def later():
        return limiter.has_capacity(), await wait_one(limiter)

    has_capacity, waited = virtual(later())

    assert not has_capacity
    assert waited == pytest.approx(1 if kind is AsyncLimiter else 10)


@BOTH
def test_a_later_loop_finds_the_pause(kind):
    """A pause lasts as long in a later loop whose clock starts at 0 again."""
    limiter = kind(10, 10)

    async def pause():
        await asyncio.sleep(100)
        limiter.pause(5)

    virtual(pause())

    assert virtual(wait_one(limiter, 0.0)) == 5


def test_the_pause_stands_in_a_later_loop_when_the_rate_changes():
    """Its deadline moves to the new clock, so that a change of the rate keeps it."""
    limiter = AsyncLimiter(10, 10)

    async def pause():
        await asyncio.sleep(100)
        limiter.pause(5)

    async def halve():
        limiter.has_capacity()
        limiter.max_rate = 5
        return await wait_one(limiter, 0.0)

    virtual(pause())

    assert virtual(halve()) == pytest.approx(5)


def leave_behind(limiter, waiting=1, **options):
    """Close a loop in which tasks still wait for *limiter*."""

    async def main():
        await spent(limiter)
        return [await in_line(limiter, **options) for _ in range(waiting)]

    with contextlib.closing(asyncio.new_event_loop()) as loop:
        tasks = loop.run_until_complete(main())
    for task in tasks:
        # It is pending for ever; asyncio would complain when it goes.
        task._log_destroy_pending = False
    return tasks


@BOTH
@pytest.mark.parametrize("options", [{}, {"max_wait": 1000}])
def test_waiters_of_a_closed_loop_are_forgotten(kind, options):
    """Who waited in a loop that is closed is in nobody's way."""
    limiter = kind(2, 100)
    left = leave_behind(limiter, waiting=3, **options)

    async def later():
        assert limiter.statistics().waiting == 0
        limiter.max_rate = 3
        return limiter.try_acquire()

    assert asyncio.run(later())
    del left


@BOTH
def test_who_acquires_finds_them_forgotten_too(kind):
    """Acquiring in a later loop waits for nobody who is gone."""
    limiter = kind(1, 100)
    left = leave_behind(limiter, waiting=3)

    assert virtual(wait_one(limiter)) <= 100

    del left


@pytest.mark.real_time
@BOTH
@pytest.mark.parametrize(
    "act",
    [
        lambda limiter: limiter.statistics().waiting == 0,
        lambda limiter: limiter.has_capacity(),
        lambda limiter: limiter.try_acquire().granted,
        lambda limiter: limiter.pause(0) is None and limiter.has_capacity(),
        lambda limiter: limiter.restrict(1) is None and limiter.has_capacity(),
        lambda limiter: "waiting=0" in repr(limiter),
    ],
    ids=["statistics", "has_capacity", "try_acquire", "pause", "restrict", "repr"],
)
def test_outside_of_any_loop_they_are_forgotten_too(kind, act):
    """Verbs that do not wait forget them without a running loop, too."""
    limiter = kind(1, 0.1)
    left = leave_behind(limiter)
    time.sleep(0.11)

    assert act(limiter)

    del left


def test_changing_the_rate_after_a_loop_was_closed():
    """A change of the rate re-times nobody who is gone."""
    limiter = AsyncLimiter(1, 1)
    left = leave_behind(limiter)

    limiter.max_rate = 100
    limiter.burst = 0.5

    assert limiter.statistics().waiting == 0
    del left


def test_a_coroutine_that_is_closed_after_its_loop():
    """A coroutine that is closed after its loop gives nothing back."""
    limiter = AsyncLimiter(1, 100)
    coroutine = leave_behind(limiter).pop().get_coro()

    coroutine.close()

    assert limiter.statistics().level == pytest.approx(1, rel=0.1)
    assert limiter.statistics().waiting == 0


def test_a_reservation_that_is_settled_in_a_later_loop():
    """What was taken in an earlier loop is not given back in a later one."""
    limiter = AsyncLimiter(10, 1000)

    async def enter():
        return await limiter.reserve(5).__aenter__()

    async def settle():
        await limiter.acquire()
        reservation.settle(0)
        await reservation.__aexit__(None, None, None)

    reservation = asyncio.run(enter())
    asyncio.run(settle())

    assert 5.9 < limiter.statistics().level <= 6


@BOTH
def test_a_reservation_that_is_left_after_its_loop(kind):
    """A block that a closed loop never left disturbs nobody when it is cleared away."""
    limiter = kind(10, 10)

    async def stay():
        async with limiter.reserve(4):
            await asyncio.Event().wait()

    block = stay()
    loop = asyncio.new_event_loop()
    loop.call_soon(block.send, None)
    loop.run_until_complete(asyncio.sleep(0))
    loop.close()

    async def later():
        async with limiter.reserve(4) as reservation:
            block.close()
            reservation.settle(1)
        return limiter.statistics().level

    assert virtual(later()) == pytest.approx(5, abs=0.1)


@BOTH
def test_two_open_loops(kind):
    """While tasks of an open loop wait, waiting in another one is an error."""
    limiter = kind(1, 1000)
    first, second = asyncio.new_event_loop(), asyncio.new_event_loop()
    message = (
        "can't wait in this event loop: tasks of another one, which is not closed, "
        "wait for this limiter; use one limiter for each loop"
    )

    async def begin():
        await spent(limiter)
        return await in_line(limiter)

    async def end(task):
        task.cancel()
        await asyncio.wait([task])

    task = first.run_until_complete(begin())
    with pytest.raises(RuntimeError, match=f"^{re.escape(message)}$"):
        second.run_until_complete(limiter.acquire())
    first.run_until_complete(end(task))

    assert limiter.statistics().waiting == 0
    first.close()
    second.close()


@BOTH
def test_verbs_that_do_not_wait_in_another_open_loop(kind):
    """What does not wait may be asked from any loop, also while others wait."""
    limiter = kind(1, 1000)
    first = asyncio.new_event_loop()

    async def begin():
        await spent(limiter)
        return await in_line(limiter)

    async def look():
        return (
            bool(limiter.try_acquire()),
            limiter.has_capacity(),
            limiter.statistics().waiting,
        )

    async def end():
        task.cancel()
        await asyncio.wait([task])

    task = first.run_until_complete(begin())

    assert asyncio.run(look()) == (False, False, 1)
    first.run_until_complete(end())
    first.close()


def test_two_open_loops_without_waiters():
    """Loops that are open at once may take turns as long as nobody waits."""
    limiter = AsyncLimiter(2, 0.01)
    first, second = asyncio.new_event_loop(), asyncio.new_event_loop()

    for _ in range(3):
        first.run_until_complete(limiter.acquire(2))
        second.run_until_complete(limiter.acquire(2))

    first.close()
    second.close()


@pytest.mark.real_time
def test_sync_verbs_without_a_loop():
    """Without any loop, what does not wait works by the system's clock."""
    limiter = AsyncLimiter(2, 0.4)

    assert [bool(limiter.try_acquire()) for _ in range(3)] == [True, True, False]
    time.sleep(limiter.try_acquire().retry_after)

    assert limiter.has_capacity()
    assert limiter.statistics().waiting == 0


@BOTH
def test_a_standard_loop_then_a_virtual_one(kind):
    """After a real loop, whose clock is far ahead, a virtual one works."""
    limiter = kind(2, 0.02)
    asyncio.run(admissions(limiter, [0, 0, 0]))

    async def later():
        limiter.statistics()
        await asyncio.sleep(1000)
        has_capacity = limiter.has_capacity(2)
        start = now()
        instants = await admissions(limiter, [1000] * 4)
        return has_capacity, [instant - start for instant in instants]

    has_capacity, instants = virtual(later())

    assert has_capacity
    step = 0.01 if kind is AsyncLimiter else 0.02
    assert instants == pytest.approx([0, 0, step, 0.02], abs=1e-6)


@BOTH
def test_a_virtual_loop_then_a_standard_one(kind):
    """After a virtual loop, a real one works."""
    limiter = kind(2, 0.02)
    virtual(admissions(limiter, [0, 0, 0, 500, 500, 500]))

    asyncio.run(asyncio.wait_for(admissions(limiter, [0] * 4), 5))

    assert limiter.statistics().waiting == 0


@pytest.mark.real_time
def test_uvloop():
    """On uvloop it admits at the rate, and never before its time."""
    limiter = AsyncLimiter(5, 0.05)

    async def main():
        # By uvloop's clock, which stands still while callbacks run.
        start = now()
        await asyncio.gather(*(limiter.acquire() for _ in range(15)))
        return now() - start

    assert 0.1 - 1e-9 <= uvloop.run(main()) < 5


async def ask_again(limiter):
    """Sleep exactly retry_after, twenty times, and be admitted each time."""
    await limiter.acquire()
    for _ in range(20):
        decision = limiter.try_acquire()
        assert not decision
        await asyncio.sleep(decision.retry_after)
        assert limiter.try_acquire()


@pytest.mark.real_time
def test_sleeping_retry_after_on_uvloop():
    """Whole-millisecond timers are early by half of one; retry_after knows it."""
    uvloop.run(ask_again(AsyncLimiter(1, 0.0104)))


@pytest.mark.real_time
def test_uvloop_after_a_standard_loop():
    """The half millisecond counts also if the limiter comes from a standard loop."""
    limiter = AsyncLimiter(1, 0.0104)
    asyncio.run(admissions(limiter, [0, 0]))

    uvloop.run(ask_again(limiter))


@pytest.mark.real_time
def test_a_closed_uvloop():
    """A limiter of a closed uvloop works without a loop, and in the next one."""
    limiter = AsyncLimiter(1, 0.01)
    uvloop.run(admissions(limiter, [0, 0]))

    time.sleep(0.02)

    limiter.statistics()
    assert asyncio.run(wait_one(limiter)) < 5


@pytest.mark.real_time
async def test_real_time():
    """On the clock on the wall it admits at the rate, and never before its time."""
    limiter = AsyncLimiter(10, 0.1)

    start = time.monotonic()
    await asyncio.gather(*(limiter.acquire() for _ in range(20)))

    assert 0.1 <= time.monotonic() - start < 5


@pytest.mark.real_time
@BOTH
def test_from_uvloop_to_a_standard_loop(kind):
    """What uvloop stamps too early, by whole milliseconds, is not free too early."""

    async def take(limiter):
        # uvloop reads its clock once in a round, so by now it is behind.
        end = time.monotonic() + 0.0009
        while time.monotonic() < end:
            pass
        asked = time.monotonic()
        assert limiter.try_acquire()
        return asked

    async def take_again(limiter):
        # A timer is late itself, and would hide what is early.
        while not limiter.try_acquire():
            pass
        return time.monotonic()

    for _ in range(10):
        limiter = kind(1, 0.02)
        first = uvloop.run(take(limiter))
        second = asyncio.run(take_again(limiter))

        assert second - first >= 0.02


@pytest.mark.parametrize(
    "kind",
    [AsyncLimiter, SlidingWindowLimiter, KeyedLimiter, KeyedSlidingWindowLimiter],
)
@pytest.mark.parametrize("run", [asyncio.run, uvloop.run, virtual])
@pytest.mark.real_time
def test_no_loop_of_before_is_kept(kind, run):
    """A closed loop is let go of; one on virtual time in the next loop at last."""
    limiter, loops = kind(100), []
    keyed = hasattr(limiter, "__getitem__")

    async def use(key):
        loops.append(weakref.ref(asyncio.get_running_loop()))
        for each in (limiter[key], limiter["all"]) if keyed else (limiter,):
            async with each, each.reserve(1) as reservation:
                reservation.settle(0.5)

    for key in range(5):
        run(use(key))
    gc.collect()

    kept = [loop() for loop in loops]
    assert (kept[:-1] if run is virtual else kept) == [None] * (5 - (run is virtual))
