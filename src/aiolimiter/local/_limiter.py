"""`FileLimiter`: a leaky bucket in a file."""

from __future__ import annotations

from os import PathLike, fspath
from typing import final

from .._core.decision import Decision
from .._core.trip import Booking
from .._shell.shared.limiter import SharedLimiter
from .._shell.shared.rate import Rate, rates, terms
from ._file import Contract, StateFile
from ._store import FileStore

# How far ahead a process may book, in microseconds.  A trip is cheap here, so
# turns may be short.
QUANTUM = 10_000
TIMEOUT = 1.0


@final
class FileLimiter(SharedLimiter):
    """
    A leaky bucket that all processes of one host share which use the same *path*.

    ::

        limiter = FileLimiter("/dev/shm/github", 5000, 3600)

        async with limiter:
            ...  # entered at most 5000 times in an hour, on average, by all

    The verbs are those of `aiolimiter.redis.RedisLimiter`, and no server is
    needed.  The file is made with mode 0600 where there is none; put it where
    nothing is synchronised or swept (``/dev/shm``, ``/run``), not on a network
    share.  A process that dies leaves no lock behind, and after a ``fork`` the
    child opens the file anew.  Leave the file where it is while it is in use;
    to change the limit, use another path.

    Args:
        path: The file; its directory must exist.
        max_rate: How much is admitted in *time_period*, in units;
            ``math.inf`` for no limit.
        time_period: In seconds.
        burst: How much the bucket holds, in units; *max_rate* by default.

    Raises:
        ImportError: On importing the module, where there are no POSIX locks.
        OSError: The file can't be opened.
        TypeError: A number is not one.
        ValueError: A number is not above 0 or not finite; or the file is not a
            limiter's, or one for another limit.  It is left as it is.
    """

    def __init__(
        self,
        path: str | PathLike[str],
        max_rate: float,
        time_period: float = 60,
        *,
        burst: float | None = None,
    ) -> None:
        self._path = fspath(path)
        if isinstance(max_rate, list | tuple):
            msg = f"a file keeps one rate, got {max_rate!r}: use one limiter for each"
            raise TypeError(msg)
        (rate,) = rates(max_rate, time_period, burst)
        self._store = FileStore(StateFile(self._path, Contract(*rate)), *_leak(rate))
        super().__init__(
            self._store,
            [rate],
            quantum=QUANTUM,
            timeout=TIMEOUT,
            on_error="raise",
            share=1.0,
        )

    @property
    def path(self) -> str:
        """Where the bucket is."""
        return self._path

    async def acquire(
        self, amount: float = 1.0, *, max_wait: float | None = None
    ) -> None:
        """
        Wait until *amount* is admitted.

        As in `aiolimiter.redis.RedisLimiter`; with room nothing is awaited.

        Args:
            amount: How much, in units; 0 is allowed.
            max_wait: The longest wait, in seconds.

        Raises:
            RateLimitExceeded: The wait would be longer than *max_wait*, or has
                been.
            BackendError: The file is damaged, or stays locked for a second.
            ValueError: *amount* is negative, not finite or more than the
                limiter holds; or *max_wait* is negative.
            RuntimeError: Tasks of another event loop wait for this limiter.
        """
        if max_wait is not None or not self._take(amount):
            await super().acquire(amount, max_wait=max_wait)

    async def try_acquire(self, amount: float = 1.0) -> Decision:
        """
        Take *amount* if it is admitted right now.

        Args:
            amount: How much, in units.

        Returns:
            A decision that is true when the amount was taken.

        Raises:
            BackendError: As in `acquire`.
            ValueError: *amount* is negative, not finite or more than the
                limiter holds.
            RuntimeError: Tasks of another event loop wait for this limiter.
        """
        if self._take(amount):
            return Decision(True, 0.0, self._store.left)  # noqa: FBT003 -- a field
        return await super().try_acquire(amount)

    async def _book(self, amount: float, max_wait: float | None) -> Booking | None:
        if self._take(amount):
            return Booking(self._store.at, self._store.at)
        return await super()._book(amount, max_wait)

    def _take(self, amount: float) -> bool:
        line = self._line
        return line is not None and line.is_quiet() and self._store.take(amount)

    def __repr__(self) -> str:
        return f"<FileLimiter {self._path!r}: {self._limits()}>"


def _leak(rate: Rate) -> tuple[float, float]:
    # Units a microsecond, and the burst; of no limit the file needs neither.
    leak = terms([rate]).rates
    return (leak[0], rate.burst) if leak else (0.0, 0.0)
