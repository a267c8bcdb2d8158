"""Whatever ends a trip: it ends, who waits for it hears of it, the next one starts."""

from __future__ import annotations

import asyncio
import contextvars
import sys
from math import inf, nextafter

import pytest
from hypothesis import example, given, strategies as st

from aiolimiter import BackendError, RateLimitExceeded

from .memory import Memory, process

# What one may do to a trip: nothing, cancel all tasks so many steps later, or let the
# store do something odd.
STEPS = 8
DEATHS = (*range(STEPS), "raises", "raises later", "odd", "cancels", "at once", "late")


async def settle(limiter) -> None:
    """Take, and give half of it back."""
    async with limiter.reserve() as reservation:
        await reservation.settle(0.5)


VERBS = {
    "acquire": lambda limiter: limiter.acquire(),
    "patient": lambda limiter: limiter.acquire(max_wait=sys.float_info.max),
    "nearly patient": lambda limiter: limiter.acquire(max_wait=1e305),
    "hasty": lambda limiter: limiter.acquire(max_wait=5e-324),
    "try": lambda limiter: limiter.try_acquire(),
    "look": lambda limiter: limiter.statistics(),
    "pause": lambda limiter: limiter.pause(0.01),
    "reset": lambda limiter: limiter.reset(),
    "change": lambda limiter: limiter.change(max_rate=20),
    "settle": settle,
}


class Mortal(Memory):
    """A store whose next trip goes wrong in the way of *death*."""

    def __init__(self, death) -> None:
        super().__init__()
        self.death = death

    async def trip(self, request):
        """Serve, unless it goes wrong."""
        death, self.death = self.death, None
        if death == "raises":
            raise ValueError(death)
        if death == "cancels":
            raise asyncio.CancelledError
        if death == "late":
            await asyncio.sleep(3600)
        if death == "at once":
            return await asyncio.wait_for(super().trip(request), None)
        reply = await super().trip(request)
        if death == "raises later":
            raise OSError(death)
        return None if death == "odd" else reply


async def drive(death, policy, verbs) -> None:
    """Let *verbs* meet a death, and ask once more."""
    store = Mortal(death)
    limiter = process(store, 10, on_error=policy, timeout=0.5)
    asked = [asyncio.create_task(VERBS[verb](limiter)) for verb in verbs]
    if isinstance(death, int):
        for _ in range(death):
            await asyncio.sleep(0)
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()
    async with asyncio.timeout(60):
        ends = await asyncio.gather(*asked, return_exceptions=True)
        # A probe may be due first.
        await asyncio.sleep(1)
        await limiter.acquire(max_wait=30)
    allowed = (RateLimitExceeded, BackendError, asyncio.CancelledError)
    assert all(isinstance(e, allowed) for e in ends if isinstance(e, BaseException))


@given(
    st.sampled_from(DEATHS),
    st.sampled_from(["raise", "wait", "local", "open"]),
    st.lists(st.sampled_from(sorted(VERBS)), min_size=1, max_size=4),
)
@example(1, "raise", ["acquire"])
@example(0, "wait", ["acquire", "acquire"])
@example("raises", "raise", ["patient"])
@example("at once", "raise", ["nearly patient"])
async def test_a_trip_may_end_in_any_way(death, policy, verbs):
    """After any death of a trip, whoever asked has ended and the next one is served."""
    await drive(death, policy, verbs)


@pytest.mark.parametrize("longest", [1e305, sys.float_info.max, nextafter(inf, 0)])
async def test_the_longest_wait_may_be_as_long_as_a_float_can_be(longest):
    """A longest wait at the end of what a float can hold is one without end."""
    store = Memory()
    limiter = process(store, 10)
    for _ in range(12):
        await limiter.acquire(max_wait=longest)

    assert {group.wait for r in store.requests for group in r.groups} == {-1.0}


async def test_all_who_wait_are_cancelled_in_the_tick_of_a_trip():
    """When every task is cancelled before the trip's first step, the next can start."""
    limiter = process(Memory(), 10)
    first = asyncio.create_task(limiter.acquire())
    await asyncio.sleep(0)
    for task in asyncio.all_tasks() - {asyncio.current_task()}:
        task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    async with asyncio.timeout(1):
        assert await limiter.try_acquire()


async def test_a_store_that_keeps_something_else_does_not_stay_away():
    """What is not a limiter's is an error once for each who asks, and no news of it."""
    store = Memory()
    limiter = process(store, 10, on_error="wait")
    store.error = OSError("gone")
    waiting = asyncio.create_task(limiter.acquire())
    await asyncio.sleep(1)
    store.error = BackendError("the key holds something else")
    with pytest.raises(BackendError, match="something else"):
        await waiting
    trips = len(store.requests)
    await asyncio.sleep(10)
    store.error = None
    await limiter.acquire()

    assert len(store.requests) == trips + 1


async def test_a_trip_knows_nothing_of_who_asked():
    """A trip runs in a context of its own, and not through the loop's task factory."""
    who = contextvars.ContextVar("who", default="nobody")
    seen, made = [], []

    class Nosy(Memory):
        async def trip(self, request):
            seen.append(who.get())
            return await super().trip(request)

    def factory(loop, coro, **options):
        made.append(coro)
        return asyncio.Task(coro, loop=loop, **options)

    limiter = process(Nosy(), 10)
    asyncio.get_running_loop().set_task_factory(factory)
    who.set("ann")
    await limiter.acquire(10)
    await limiter.acquire()

    assert set(seen) == {"nobody"}
    assert not made


@pytest.mark.skipif(sys.version_info < (3, 12), reason="needs CPython 3.12")
async def test_eager_tasks_are_tasks():
    """With eager tasks, and a store that answers without suspending, all go on."""

    class Prompt(Memory):
        async def trip(self, request):
            self.requests.append(request)
            now = int((asyncio.get_running_loop().time() + self.ahead) * 1e6)
            from aiolimiter._core.shared.slots import serve

            changed, reply = serve(self.state, now, request)
            self.state = changed or self.state
            return reply

    asyncio.get_running_loop().set_task_factory(asyncio.eager_task_factory)
    limiter = process(Prompt(), 10)
    async with asyncio.timeout(10):
        await asyncio.gather(*(limiter.acquire() for _ in range(30)))
        with pytest.raises(RateLimitExceeded):
            await limiter.acquire(max_wait=0)
