"""A limiter as a block to enter, and as a decorator."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn, ParamSpec, TypeVar, cast, overload

from .coroutine import DONE, marked

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine
    from types import CoroutineType, TracebackType
    from typing import Any

P = ParamSpec("P")
R = TypeVar("R")
S = TypeVar("S")
T = TypeVar("T")


class Limiter:
    """What follows from ``acquire``: entering acquires 1, leaving does nothing."""

    __slots__ = ()

    # No abstract base class: to ask whether something is one of these would cost
    # a combined limiter more than all else in making it.
    if TYPE_CHECKING:

        async def acquire(
            self, amount: float = 1.0, *, max_wait: float | None = None
        ) -> None:
            """Wait until *amount* is admitted."""

    @overload
    def __call__(
        self, function: staticmethod[P, Awaitable[R]]
    ) -> staticmethod[P, Coroutine[Any, Any, R]]: ...

    @overload
    def __call__(
        self, function: classmethod[T, P, Awaitable[R]]
    ) -> classmethod[T, P, Coroutine[Any, Any, R]]: ...

    @overload
    def __call__(
        self, function: Callable[P, AsyncGenerator[R, S]]
    ) -> Callable[P, AsyncGenerator[R, S]]: ...

    @overload
    def __call__(
        self, function: Callable[P, Awaitable[R]]
    ) -> Callable[P, Coroutine[Any, Any, R]]: ...

    def __call__(self, function: Any) -> Any:
        """
        Decorate an async function: each call acquires 1.

        ::

            @limiter
            async def fetch(page):
                ...

            await asyncio.gather(fetch(1), fetch(2))

        An async generator function acquires when a generator of it starts, and
        not again for what it yields.

        Args:
            function: What is called and awaited: an async function, or one
                that is marked so, an object with ``async def __call__``, a
                partial, a static or class method of these.

        Raises:
            TypeError: *function* is not an async function.
        """
        # Imported when it is first wanted.
        from .decorated import decorated  # noqa: PLC0415

        return decorated(self, function)

    @marked
    def __aenter__(self) -> CoroutineType[Any, Any, None]:
        taken = self.acquire()
        return cast("CoroutineType[Any, Any, None]", taken)  # pyright: ignore[reportUnnecessaryCast] -- mypy

    @marked
    def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        tb: TracebackType | None,
    ) -> CoroutineType[Any, Any, None]:
        return DONE

    def __enter__(self) -> NoReturn:
        msg = f"{type(self).__name__} waits in the event loop: use 'async with'"
        raise TypeError(msg)

    # Looked up, not called: `with` wants both before it enters.
    __exit__ = __enter__
