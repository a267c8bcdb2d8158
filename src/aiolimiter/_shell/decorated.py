"""A function of which each call acquires 1 first."""

from __future__ import annotations

import functools
import inspect
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from .coroutine import makes_coroutines

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine
    from contextlib import AbstractAsyncContextManager
    from typing import Any

P = ParamSpec("P")
R = TypeVar("R")
S = TypeVar("S")


def decorated(limiter: AbstractAsyncContextManager[None], function: Any) -> Any:
    """
    Return *function* with *limiter* entered at each call.

    Raises:
        TypeError: It is not an async function, nor anything that is called like
            one.
    """
    if isinstance(function, staticmethod | classmethod):
        return type(function)(decorated(limiter, function.__func__))
    called = function
    while isinstance(called, functools.partial):
        called = called.func
    # An object is called by a method of its class.
    kinds = [called, inspect.getattr_static(type(called), "__call__", None)]
    if any(makes_coroutines(kind) for kind in kinds):
        return _limited(limiter, function)
    if any(inspect.isasyncgenfunction(kind) for kind in kinds):
        return _limited_generator(limiter, function)
    msg = f"only an async function can be limited, got {function!r}"
    raise TypeError(msg)


def _limited(
    limiter: AbstractAsyncContextManager[None], function: Callable[P, Awaitable[R]]
) -> Callable[P, Coroutine[Any, Any, R]]:
    @functools.wraps(function)
    async def limited(*args: P.args, **kwargs: P.kwargs) -> R:
        async with limiter:
            return await function(*args, **kwargs)

    return limited


def _limited_generator(
    limiter: AbstractAsyncContextManager[None],
    function: Callable[P, AsyncGenerator[R, S]],
) -> Callable[P, AsyncGenerator[R, S]]:
    @functools.wraps(function)
    async def limited(*args: P.args, **kwargs: P.kwargs) -> AsyncGenerator[R, S]:
        async with limiter:
            inner = function(*args, **kwargs)
            step = anext(inner)
            try:
                while True:
                    yielded = await step
                    try:
                        step = inner.asend((yield yielded))
                    except Exception as error:  # noqa: BLE001 -- it is passed on
                        step = inner.athrow(error)
            except StopAsyncIteration:
                pass
            finally:
                await inner.aclose()

    return limited
