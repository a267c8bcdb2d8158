"""What `__aenter__` gives is a coroutine, for whoever does not simply await it."""

from __future__ import annotations

import asyncio
import collections.abc
import gc
import inspect
import sys
import warnings

import pytest
from aiotools import AsyncContextGroup

from aiolimiter import AsyncLimiter, KeyedLimiter, SlidingWindowLimiter

from .timetable import now

KINDS = pytest.mark.parametrize(
    "kind",
    [AsyncLimiter, SlidingWindowLimiter, lambda *numbers: KeyedLimiter(*numbers)["x"]],
    ids=["bucket", "window", "key"],
)


@KINDS
@pytest.mark.parametrize(
    "run",
    [
        lambda entering: asyncio.wait_for(entering, 9),
        asyncio.create_task,
        asyncio.gather,
        asyncio.shield,
        asyncio.ensure_future,
    ],
    ids=["wait_for", "create_task", "gather", "shield", "ensure_future"],
)
async def test_it_can_be_given_away(kind, run):
    """With room and without, entering can be given to whatever runs coroutines."""
    limiter = kind(2, 2)
    for _ in range(3):
        await run(limiter.__aenter__())
        await run(limiter.__aexit__(None, None, None))

    assert now() == pytest.approx(2 if kind is SlidingWindowLimiter else 1)


@KINDS
async def test_many_at_once(kind):
    """Several enterings can be gathered, those that have room with those that wait."""
    limiter = kind(2, 2)
    await asyncio.gather(*(limiter.__aenter__() for _ in range(4)))

    assert now() == pytest.approx(2)


@KINDS
async def test_a_group_of_contexts_enters_it(kind):
    """`aiotools.AsyncContextGroup` enters and leaves it, with room and without."""
    limiter = kind(2, 2)
    group = AsyncContextGroup([limiter] * 3)
    async with group as entered:
        assert entered == [None] * 3
        assert now() == pytest.approx(2 if kind is SlidingWindowLimiter else 1)

    assert group.exit_states() == [None] * 3


@KINDS
async def test_it_is_a_coroutine(kind):
    """It is a coroutine to asyncio, and no future."""
    limiter = kind(2)
    for one in (limiter.__aenter__(), limiter.__aexit__(None, None, None)):
        assert isinstance(one, collections.abc.Coroutine)
        assert asyncio.iscoroutine(one)
        assert inspect.isawaitable(one)
        assert not asyncio.isfuture(one)
        with pytest.raises(StopIteration):
            one.send(None)
        one.close()


@KINDS
@pytest.mark.parametrize(
    "thrown", [(KeyError("x"),), (KeyError,), (KeyError, KeyError("x"), None)]
)
@pytest.mark.filterwarnings("ignore:the .* signature of throw:DeprecationWarning")
async def test_what_is_thrown_into_it_comes_out(kind, thrown):
    """An error thrown into it comes out of it."""
    leaving = kind(2).__aexit__(None, None, None)

    with pytest.raises(KeyError):
        leaving.throw(*thrown)


@KINDS
async def test_the_arguments_of_leaving_have_names(kind):
    """`__aexit__` may be called by the names its arguments had in 1.x."""
    assert await kind(2).__aexit__(exc_type=None, exc=None, tb=None) is None


@pytest.mark.skipif(sys.version_info < (3, 12), reason="needs CPython 3.12")
async def test_who_forgets_to_await_is_warned():
    """From CPython 3.12 on, an entering that is never awaited draws a warning."""
    with warnings.catch_warnings(record=True) as drawn:
        warnings.simplefilter("always")
        AsyncLimiter(2).__aenter__()
        gc.collect()

    assert "was never awaited" in str(drawn[0].message)


def test_it_belongs_to_no_event_loop():
    """Entering works in one event loop after another."""
    limiter = AsyncLimiter(9, 1e6)
    for _ in range(2):
        asyncio.run(asyncio.wait_for(limiter.__aenter__(), 9))

    assert limiter.statistics().level == pytest.approx(2)
