"""What is a coroutine, or makes one, in the eyes of asyncio and of mocks."""

from __future__ import annotations

import asyncio
import inspect
import sys
from typing import TYPE_CHECKING, NoReturn, TypeVar, cast

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import CoroutineType, TracebackType
    from typing import Any

F = TypeVar("F", bound="Callable[..., object]")

# What asyncio, up to CPython 3.11, knows functions by that are marked.
_MARK: object = getattr(asyncio.coroutines, "_is_coroutine", None)


def makes_coroutines(function: object) -> bool:
    """Whether calling *function* gives a coroutine, as far as can be seen."""
    if inspect.iscoroutinefunction(function):
        return True
    return _MARK is not None and getattr(function, "_is_coroutine", None) is _MARK


def marked(function: F) -> F:
    """Say of *function*, which has no ``async``, that it makes coroutines."""
    if sys.version_info >= (3, 12):
        return inspect.markcoroutinefunction(function)
    vars(function)["_is_coroutine"] = _MARK
    return function


class _NoLoop:
    # A finished future asks its loop for nothing but this.
    def get_debug(self) -> bool:
        return False


class _Done(asyncio.Future[None]):
    """
    A coroutine that is over: awaiting it takes no time.

    To the interpreter it is a finished future, which is the cheapest thing to
    await up to CPython 3.11.  To whoever asks, `asyncio.create_task` or
    `asyncio.wait_for`, it is a coroutine: of no event loop, and of all.
    """

    # What asyncio knows futures by.
    _asyncio_future_blocking = None  # type: ignore[assignment]

    def send(self, _: object) -> NoReturn:
        raise StopIteration

    def throw(
        self,
        kind: type[BaseException] | BaseException,
        value: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> NoReturn:
        error = kind if isinstance(kind, BaseException) else value or kind()
        raise error.with_traceback(traceback or error.__traceback__)

    def close(self) -> None:
        pass


_done = _Done(loop=cast("asyncio.AbstractEventLoop", _NoLoop()))
_done.set_result(None)
# For type checkers, who want no less of `async with`, it is the interpreter's.
DONE = cast("CoroutineType[Any, Any, None]", _done)
