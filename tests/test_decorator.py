"""`@limiter` on async functions."""

from __future__ import annotations

import asyncio
import functools
import inspect
import sys
from unittest import mock

import pytest

from aiolimiter import AsyncLimiter, SlidingWindowLimiter

from .timetable import now

BOTH = pytest.mark.parametrize("kind", [AsyncLimiter, SlidingWindowLimiter])


@BOTH
async def test_each_call_acquires_1(kind):
    """Each call of a decorated function waits for its turn."""
    calls = []

    @kind(1, 2)
    async def call():
        calls.append(now())

    for _ in range(3):
        await call()

    assert calls == [0, 2, 4]


@BOTH
async def test_arguments_and_result_pass_through(kind):
    """A decorated function takes and gives what it took and gave."""

    @kind(10)
    async def join(*args, **kwargs):
        return args, kwargs

    assert await join(1, 2, a=3) == ((1, 2), {"a": 3})


async def test_errors_pass_through():
    """An error of the function comes out as it is, and the turn is used."""
    limiter = AsyncLimiter(10)

    @limiter
    async def fail():
        raise KeyError

    with pytest.raises(KeyError):
        await fail()
    assert limiter.statistics().level == pytest.approx(1)


def test_it_is_still_the_function():
    """Name, documentation and signature stay, and it is still an async function."""

    async def fetch(url: str) -> bytes:
        """Get *url*."""
        return url.encode()

    limited = AsyncLimiter(10)(fetch)

    assert (limited.__name__, limited.__doc__) == ("fetch", "Get *url*.")
    assert inspect.signature(limited) == inspect.signature(fetch)
    assert inspect.iscoroutinefunction(limited)


async def test_methods():
    """A method is limited across all objects of its class."""
    limiter = AsyncLimiter(1, 1)

    class Client:
        @limiter
        async def fetch(self):
            return now()

    assert [await Client().fetch(), await Client().fetch()] == [0, 1]


async def test_several_functions_share_a_limiter():
    """Functions with the same decorator share its limit."""
    limiter = AsyncLimiter(1, 1)

    @limiter
    async def one():
        return now()

    @limiter
    async def two():
        return now()

    assert [await one(), await two()] == [0, 1]


async def test_a_partial_of_an_async_function():
    """A functools.partial of an async function is one too."""

    async def add(a, b):
        return a + b

    assert await AsyncLimiter(1)(functools.partial(add, 1))(2) == 3


class Doubled:
    """An object that is called like an async function."""

    async def __call__(self, number):
        """Double *number*."""
        return 2 * number


async def test_an_object_with_an_async_call():
    """An object whose class has an `async def __call__` can be limited."""
    assert await AsyncLimiter(1)(Doubled())(4) == 8
    assert await AsyncLimiter(1)(functools.partial(Doubled(), 4))() == 8


def marked_in_asyncio(function):
    """Mark a function as libraries did before there was a way to."""
    function._is_coroutine = asyncio.coroutines._is_coroutine
    return function


@pytest.mark.parametrize(
    "mark",
    [
        marked_in_asyncio,
        pytest.param(
            getattr(inspect, "markcoroutinefunction", None),
            marks=pytest.mark.skipif(
                sys.version_info < (3, 12), reason="needs CPython 3.12"
            ),
        ),
    ],
)
async def test_a_function_that_is_marked(mark):
    """A plain function that is marked as a coroutine function is one."""

    def double(number):
        return Doubled()(number)

    assert await AsyncLimiter(1)(mark(double))(4) == 8


async def test_a_mock():
    """An AsyncMock can be limited."""
    assert await AsyncLimiter(1)(mock.AsyncMock(return_value=3))() == 3


async def test_static_and_class_methods():
    """A static or a class method stays what it is, on either side."""
    limiter = AsyncLimiter(1, 1)

    class Client:
        @limiter
        @staticmethod
        async def first():
            return now()

        @limiter
        @classmethod
        async def second(cls):
            return cls, now()

        @classmethod
        @limiter
        async def third(cls):
            return cls, now()

    assert await Client.first() == 0
    assert await Client().second() == (Client, 1)
    assert await Client.third() == (Client, 2)


class Pages:
    """Generators of pages, that know how they ended."""

    def __init__(self):
        self.ended = []

    async def __call__(self, first):
        """Yield pages, and be told which is next."""
        page = first
        try:
            while page < 10:
                page = (yield page) or page + 1
        except KeyError:
            yield "thrown"
        finally:
            self.ended.append(now())


async def test_an_async_generator_acquires_when_it_starts():
    """Each generator waits once, at its start, and then yields as it likes."""
    fetch = AsyncLimiter(1, 5)(Pages())

    assert [page async for page in fetch(8)] == [8, 9]
    assert now() == 0
    assert [page async for page in fetch(8)] == [8, 9]
    assert now() == 5


async def test_an_async_generator_is_still_one():
    """Whatever is sent, thrown or closed reaches the function."""

    async def pages(first):
        async for page in Pages()(first):
            yield page

    all_pages = Pages()
    fetch = AsyncLimiter(9)(all_pages)
    sent, thrown, closed = fetch(1), fetch(1), fetch(1)

    assert inspect.isasyncgenfunction(AsyncLimiter(1)(pages))
    assert [await anext(sent), await sent.asend(7), await anext(sent)] == [1, 7, 8]
    assert [await anext(thrown), await thrown.athrow(KeyError)] == [1, "thrown"]
    await anext(closed)
    for generator in (sent, thrown, closed):
        await generator.aclose()
    assert len(all_pages.ended) == 3


async def test_an_async_generator_that_is_cancelled_before_it_starts():
    """A generator that is cancelled while it waits to start leaves no trace."""
    limiter, pages = AsyncLimiter(1, 5), Pages()
    await limiter.acquire()
    starting = asyncio.create_task(anext(limiter(pages)(1)))
    await asyncio.sleep(0)
    starting.cancel()

    with pytest.raises(asyncio.CancelledError):
        await starting
    assert (limiter.statistics().waiting, pages.ended) == (0, [])


def plain():
    pass


@BOTH
@pytest.mark.parametrize(
    "function", [plain, int, 7, functools.partial(plain), staticmethod(plain)]
)
def test_only_async_functions(kind, function):
    """What is not an async function is refused when it is decorated."""
    with pytest.raises(
        TypeError, match=r"^only an async function can be limited, got .+$"
    ):
        kind(1)(function)
