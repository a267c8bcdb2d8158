"""Nothing of ours runs in a caller's context, or keeps one alive."""

from __future__ import annotations

import asyncio
import contextvars
import gc
import weakref

import pytest

from aiolimiter import AsyncLimiter, CombinedLimiter, KeyedLimiter, SlidingWindowLimiter

from .timetable import spent

REQUEST = contextvars.ContextVar("REQUEST")

LIMITERS = {
    "bucket": lambda: AsyncLimiter(1, 1),
    "window": lambda: SlidingWindowLimiter(1, 1),
    "key": lambda: KeyedLimiter(1, 1)["key"],
    "combined": lambda: CombinedLimiter(AsyncLimiter(1, 1), SlidingWindowLimiter(1, 1)),
}

EACH = pytest.mark.parametrize("make", LIMITERS.values(), ids=LIMITERS)


class Tenant:
    """Whoever a request is made for."""


def record(loop):
    """Let *loop* note the contexts of all that is called by the limiters."""
    contexts = []

    def watch(name, place):
        original = getattr(loop, name)

        def recorded(*args, context=None):
            if str(getattr(args[place], "__module__", "")).startswith("aiolimiter"):
                contexts.append(
                    contextvars.copy_context() if context is None else context
                )
            return original(*args, context=context)

        setattr(loop, name, recorded)

    watch("call_soon", 0)
    watch("call_later", 1)
    watch("call_at", 1)
    return contexts


@EACH
async def test_timers_run_in_an_empty_context(make):
    """Timers and what follows a grant know nothing of whoever came first."""
    limiter = await spent(make())
    REQUEST.set("of the test")
    contexts = record(asyncio.get_running_loop())

    await asyncio.gather(*(limiter.acquire() for _ in range(3)))

    assert contexts
    assert all(len(context) == 0 for context in contexts)


@EACH
async def test_a_waiter_that_is_gone_leaves_no_context(make):
    """Who came first and went is kept alive by nobody who waits behind it."""
    limiter = await spent(make())

    async def request():
        tenant = Tenant()
        REQUEST.set(tenant)
        left.append(weakref.ref(tenant))
        await limiter.acquire()

    left = []
    first, *others = [asyncio.create_task(request()) for _ in range(3)]
    await first
    del first
    await asyncio.sleep(0.5)
    gc.collect()

    assert left[0]() is None
    assert all(not other.done() for other in others)
    await asyncio.gather(*others)


async def test_two_limiters_of_two_threads():
    """Timers of two threads ring at the same time: each has a context of its own."""

    def run():
        async def main():
            limiter = AsyncLimiter(1, 0.0001)
            await asyncio.gather(*(limiter.acquire() for _ in range(200)))

        asyncio.run(main())

    await asyncio.gather(*(asyncio.to_thread(run) for _ in range(2)))


async def test_trips_run_in_an_empty_context(tmp_path):
    """A trip for all who wait acts in the name of none of them."""
    local = pytest.importorskip("aiolimiter.local", reason="needs POSIX file locks")
    limiter = local.FileLimiter(tmp_path / "limit", 50, 1, burst=1)
    store, seen = limiter._line.pump._store, []

    class Watched:
        async def trip(self, request):
            seen.append(len(contextvars.copy_context()))
            return await store.trip(request)

    limiter._line.pump._store = Watched()
    REQUEST.set("of the test")

    await asyncio.gather(*(limiter.acquire() for _ in range(5)))

    assert seen
    assert set(seen) == {0}
