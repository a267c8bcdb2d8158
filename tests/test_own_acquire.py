"""Whoever has an `acquire` of their own is asked, at each `async with`."""

from __future__ import annotations

import abc
from unittest import mock

import pytest

from aiolimiter import AsyncLimiter, CombinedLimiter, SlidingWindowLimiter

BOTH = pytest.mark.parametrize("kind", [AsyncLimiter, SlidingWindowLimiter])
TIMES = 5


@pytest.fixture(autouse=True)
def _as_it_was():
    """Give the class its own way in back, which is closed once it was patched."""
    way_in = AsyncLimiter.__aenter__
    yield
    type.__setattr__(AsyncLimiter, "__aenter__", way_in)


async def enter(limiter):
    """Use *limiter* as a block and as a decorator, with room and without."""

    @limiter
    async def decorated():
        pass

    for _ in range(TIMES - 1):
        async with limiter:
            pass
    await decorated()


def counting(kind, *bases):
    """Make a subclass of *kind* that counts its calls of `acquire`."""

    class Counting(kind, *bases):
        def __init__(self, *numbers):
            super().__init__(*numbers)
            self.calls = 0

        async def acquire(self, amount=1):
            self.calls += 1
            await super().acquire(amount)

    return Counting


@BOTH
async def test_that_of_a_subclass(kind):
    """A subclass's `acquire` is called each time, and can call ours."""
    limiter = counting(kind)(2, 1)
    await enter(limiter)

    assert limiter.calls == TIMES


async def test_that_of_a_subclass_of_a_subclass():
    """So is one that is inherited from a subclass, beside other classes."""

    class Mine(counting(AsyncLimiter, abc.ABC)):
        """Nothing of its own."""

    limiter = Mine(2, 1)
    await enter(limiter)

    assert limiter.calls == TIMES


async def test_a_subclass_that_calls_no_constructor():
    """A subclass that never limits need not call our constructor."""

    class Unlimited(AsyncLimiter):
        calls = 0

        def __init__(self):
            pass

        async def acquire(self, amount=1):
            self.calls += 1

    limiter = Unlimited()
    await enter(limiter)

    assert limiter.calls == TIMES


async def test_a_subclass_that_also_enters_in_its_own_way():
    """An `__aenter__` that goes on to ours ends in the subclass's `acquire`."""

    class Both(counting(AsyncLimiter)):
        entered = 0

        async def __aenter__(self):
            self.entered += 1
            await super().__aenter__()

    limiter = Both(2, 1)
    await enter(limiter)

    assert (limiter.calls, limiter.entered) == (TIMES, TIMES)


@BOTH
async def test_that_of_a_patched_class(kind):
    """A patched class calls what it was patched with, also for older limiters."""
    limiter, patched = kind(2, 60), mock.AsyncMock()
    with mock.patch.object(kind, "acquire", patched):
        await enter(limiter)

    assert patched.await_count == TIMES
    async with limiter:
        assert limiter.statistics().level == pytest.approx(1)


async def test_that_of_a_patched_subclass():
    """A subclass can be patched, too."""

    class Mine(AsyncLimiter):
        """Nothing of its own."""

    limiter, patched = Mine(2, 60), mock.AsyncMock()
    with mock.patch.object(Mine, "acquire", patched):
        await enter(limiter)

    assert patched.await_count == TIMES


@BOTH
async def test_that_of_an_instance(kind):
    """A limiter that is given an `acquire` calls it, until it is taken away."""
    limiter = kind(2, 60)
    limiter.acquire = mock.AsyncMock()
    await enter(limiter)

    assert limiter.acquire.await_count == TIMES
    assert limiter.statistics().level == 0
    del limiter.acquire
    async with limiter:
        assert limiter.statistics().level == pytest.approx(1)


async def test_other_attributes_come_and_go():
    """Any attribute can be set on a limiter, and deleted."""
    limiter = AsyncLimiter(2)
    limiter.name = "github"

    assert limiter.name == "github"
    del limiter.name
    assert not hasattr(limiter, "name")


async def test_a_subclass_with_slots():
    """A subclass may repeat our slots, and add its own."""

    class Named(AsyncLimiter):
        __slots__ = (*AsyncLimiter.__slots__, "name")

    limiter = Named(1, 1)
    limiter.name = "x"
    async with limiter:
        assert (limiter.name, limiter.has_capacity()) == ("x", False)


@pytest.mark.parametrize("kind", [AsyncLimiter, SlidingWindowLimiter, CombinedLimiter])
async def test_a_mock_of_a_limiter(kind):
    """A mock with the face of a limiter can be entered."""
    limiter = mock.AsyncMock(spec=kind)
    async with limiter:
        await limiter.acquire()

    limiter.acquire.assert_awaited_once()
    limiter.__aenter__.assert_awaited_once()
