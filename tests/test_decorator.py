"""`@limiter` on async functions."""

from __future__ import annotations

import functools
import inspect

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


def plain():
    pass


async def generator():
    yield 1


@BOTH
@pytest.mark.parametrize("function", [plain, generator, int, 7])
def test_only_async_functions(kind, function):
    """What is not an async function is refused when it is decorated."""
    with pytest.raises(
        TypeError, match=r"^only an async function can be limited, got .+$"
    ):
        kind(1)(function)
