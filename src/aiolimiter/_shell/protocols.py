"""What a limiter is, to those who are given one: a protocol for each family."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Awaitable
    from types import TracebackType

    from .._core.decision import Decision, LimiterStatistics


# Written out in both, since messages name the class that a verb is written in.
@runtime_checkable
class Limiter(Protocol):
    """
    A limiter of one process, whichever: for annotations.

    ::

        from aiolimiter import AsyncLimiter, Limiter

        class Client:
            def __init__(self, limiter: Limiter) -> None:
                self.limiter = limiter

        Client(AsyncLimiter(10, 1))

    An `AsyncLimiter`, a `SlidingWindowLimiter` and the limiter of a key are one;
    a `CombinedLimiter` is none, as it can't be paused.
    """

    async def acquire(
        self, amount: float = 1.0, *, max_wait: float | None = None
    ) -> None:
        """Wait until *amount* is admitted."""
        ...

    def __aenter__(self) -> Awaitable[None]: ...

    def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        tb: TracebackType | None,
    ) -> Awaitable[None]: ...

    def has_capacity(self, amount: float = 1.0) -> bool:
        """Whether *amount* fits right now."""
        ...

    def try_acquire(self, amount: float = 1.0) -> Decision:
        """Take *amount* if it is admitted right now; never wait."""
        ...

    def pause(self, seconds: float) -> None:
        """Admit nothing for *seconds*."""
        ...

    def restrict(self, remaining: float) -> None:
        """Believe a server's word that at most *remaining* is left."""
        ...

    def statistics(self) -> LimiterStatistics:
        """Tell how things are right now, without changing any."""
        ...


@runtime_checkable
class SharedLimiter(Protocol):
    """
    A limiter that processes share, whichever: for annotations.

    ::

        from aiolimiter import SharedLimiter

        async def obey(limiter: SharedLimiter, retry_after: float) -> None:
            await limiter.pause(retry_after)

    The verbs are those of a `Limiter`, and all of them are awaited.  A
    `RedisLimiter` and a `FileLimiter` are one.
    """

    async def acquire(
        self, amount: float = 1.0, *, max_wait: float | None = None
    ) -> None:
        """Wait until *amount* is admitted."""
        ...

    def __aenter__(self) -> Awaitable[None]: ...

    def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        tb: TracebackType | None,
    ) -> Awaitable[None]: ...

    async def has_capacity(self, amount: float = 1.0) -> bool:
        """Whether *amount* fits right now."""
        ...

    async def try_acquire(self, amount: float = 1.0) -> Decision:
        """Take *amount* if it is admitted right now; wait for the answer only."""
        ...

    async def pause(self, seconds: float) -> None:
        """Admit nothing for *seconds*, in the whole fleet."""
        ...

    async def restrict(self, remaining: float) -> None:
        """Believe a server's word that at most *remaining* is left."""
        ...

    async def reset(self) -> None:
        """Be as good as new, in the whole fleet."""
        ...

    async def change(
        self,
        *,
        max_rate: float | None = None,
        time_period: float | None = None,
        burst: float | None = None,
    ) -> None:
        """Change the limit for the whole fleet, while it runs."""
        ...

    async def statistics(self) -> LimiterStatistics:
        """Tell how things are right now, without changing any."""
        ...
