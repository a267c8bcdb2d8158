"""A limiter as a block to enter, and as a decorator."""

from __future__ import annotations

import asyncio
import inspect
from functools import wraps
from typing import TYPE_CHECKING, NoReturn, ParamSpec, TypeVar, cast

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine
    from types import CoroutineType, TracebackType
    from typing import Any

P = ParamSpec("P")
R = TypeVar("R")


class _NoLoop:
    # A finished future asks its loop for nothing but this.
    def get_debug(self) -> bool:
        return False


# Awaiting it takes no time: all there is to do when a block is left.
_done: asyncio.Future[None] = asyncio.Future(
    loop=cast("asyncio.AbstractEventLoop", _NoLoop())
)
_done.set_result(None)
# For type checkers, who want no less of `async with`, it is a coroutine.
DONE = cast("CoroutineType[Any, Any, None]", _done)


class Entering:
    """What follows from ``acquire``: entering acquires 1, leaving does nothing."""

    __slots__ = ()

    # No abstract base class: to ask whether something is one of these would cost
    # a combined limiter more than all else in making it.
    if TYPE_CHECKING:

        async def acquire(
            self, amount: float = 1.0, *, max_wait: float | None = None
        ) -> None:
            """Wait until *amount* is admitted."""

    def __call__(
        self, function: Callable[P, Awaitable[R]]
    ) -> Callable[P, Coroutine[Any, Any, R]]:
        """
        Decorate an async function: each call acquires 1.

        ::

            @limiter
            async def fetch(page):
                ...

            await asyncio.gather(fetch(1), fetch(2))

        Raises:
            TypeError: *function* is not an async function.
        """
        if not inspect.iscoroutinefunction(function):
            msg = f"only an async function can be limited, got {function!r}"
            raise TypeError(msg)

        @wraps(function)
        async def limited(*args: P.args, **kwargs: P.kwargs) -> R:
            async with self:
                return await function(*args, **kwargs)

        return limited

    def __aenter__(self) -> CoroutineType[Any, Any, None]:
        taken = self.acquire()
        return cast("CoroutineType[Any, Any, None]", taken)  # pyright: ignore[reportUnnecessaryCast] -- mypy

    def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> CoroutineType[Any, Any, None]:
        return DONE

    def __enter__(self) -> NoReturn:
        msg = f"{type(self).__name__} waits in the event loop: use 'async with'"
        raise TypeError(msg)

    # Looked up, not called: `with` wants both before it enters.
    __exit__ = __enter__
