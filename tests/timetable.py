"""How the tests write down who comes when, and read off who goes when."""

from __future__ import annotations

import asyncio
from typing import Any

import looptime

# As in conftest.py, which says why.
VIRTUAL = {"resolution": 1e-9, "noop_cycles": 0, "idle_timeout": 5}


def now() -> float:
    """Seconds on the clock of the running loop; a test's clock starts at 0."""
    return asyncio.get_running_loop().time()


async def until(instant: float) -> None:
    """Sleep until *instant*, or let the others run once if it has come."""
    await asyncio.sleep(max(0.0, instant - now()))


async def admissions(limiter, arrivals):
    """
    Return the instant at which each request is admitted, in order of arrival.

    An arrival is an instant, for an amount of 1, or an (instant, amount).
    """
    tasks = []
    for arrival in arrivals:
        instant, amount = arrival if isinstance(arrival, tuple) else (arrival, 1)
        await until(instant)
        tasks.append(asyncio.create_task(admission(limiter, amount)))
    return await asyncio.gather(*tasks)


async def admission(limiter, amount=1, **options) -> float:
    """Acquire, and return the instant at which that was granted."""
    await limiter.acquire(amount, **options)
    return now()


async def in_line(limiter, amount=1, **options) -> asyncio.Task[float]:
    """Return a task that waits for *amount*, and will return its instant."""
    task = asyncio.create_task(admission(limiter, amount, **options))
    await asyncio.sleep(0)
    assert not task.done()
    return task


async def spent(limiter):
    """Return *limiter* with nothing left."""
    await limiter.acquire(limiter.statistics().available)
    return limiter


def block(seconds: float) -> None:
    """Hold up the running loop for *seconds*, as a callback does that is slow."""
    asyncio.get_running_loop().setup_looptime(start=now() + seconds, **VIRTUAL)


async def at_the_grant(limiter, act) -> Any:
    """Call *act* after the next grant, and before the task it woke has run."""
    before = limiter.statistics()
    done = asyncio.get_running_loop().create_future()

    def run():
        assert limiter.statistics().waiting < before.waiting
        done.set_result(act())

    # Later than the limiter's timer, and in the same round of the loop.
    asyncio.get_running_loop().call_at(now() + before.seconds_to_next + 5e-10, run)
    return await done


def virtual(main, **options) -> Any:
    """Run the coroutine *main* to its end in a new loop on virtual time."""

    def new_loop() -> asyncio.AbstractEventLoop:
        return looptime.new_event_loop(**VIRTUAL, **options)

    with asyncio.Runner(loop_factory=new_loop) as runner:
        return runner.run(main)
