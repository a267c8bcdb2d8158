"""`FileLimiter`: a leaky bucket in a file."""

from __future__ import annotations

from functools import partial
from os import PathLike
from typing import TYPE_CHECKING, final

from .._core.decision import Decision
from .._core.shared.trip import Booking
from .._shell import signals
from .._shell.shared.limiter import SharedLimiter
from .._shell.shared.rate import Pairs, Rate, rates, terms
from ._file import Contract, StateFile
from ._place import Place
from ._store import FileStore

if TYPE_CHECKING:
    from collections.abc import Callable

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
    needed.  The file is made where there is none; put it where nothing is
    synchronised or swept (``/dev/shm``, ``/run``), not on a network share.  A
    process that dies leaves no lock behind, and after a ``fork`` the child opens
    the file anew.

    A file that is emptied or removed is begun anew, with an empty bucket; that
    is noticed within ten milliseconds.  If it can't be, or somebody wrote
    something else there, callers get a `aiolimiter.BackendError` until it is
    mended.

    It pickles as its path and its numbers; so does a copy, which is the same
    limit.

    Args:
        path: The file; its directory must exist.  A relative one is looked up
            now, and stays that file after a change of directory.
        max_rate: How much is admitted in *time_period*, in units;
            ``math.inf`` for no limit.
        time_period: In seconds.
        burst: How much the bucket holds, in units; *max_rate* by default.
        mode: The permissions of a new file, whatever the umask.  A file that is
            there already is refused if others may write it or if it belongs to
            another user, unless *mode* lets others write too.

    Raises:
        ImportError: On importing the module, where there are no POSIX locks.
        OSError: The file can't be opened.
        TypeError: A number is not one.
        ValueError: A number is not above 0 or not finite; *mode* is not
            permissions, or not enough for its owner; or the file is not a
            limiter's, or one that others may write.  It is left as it is.
    """

    def __init__(
        self,
        path: str | PathLike[str],
        max_rate: float,
        time_period: float = 60,
        *,
        burst: float | None = None,
        mode: int = 0o600,
    ) -> None:
        self._place = Place(path, mode)
        (rate,) = said = self._said(max_rate, time_period, burst)
        self._store = FileStore(StateFile(self._place, Contract(*rate)), *_leak(rate))
        super().__init__(self._store, said, quantum=QUANTUM, timeout=TIMEOUT)

    @property
    def path(self) -> str:
        """Where the bucket is, from the root."""
        return self._place.path

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
            BackendError: The file can't be used any more, is damaged, or stays
                locked for a second.
            ValueError: *amount* is negative, not finite or more than the
                limiter holds; or *max_wait* is negative.
            RuntimeError: Tasks of another event loop wait for this limiter.
        """
        if max_wait is not None or not self._take(amount):
            await super().acquire(amount, max_wait=max_wait)
        elif signals.heard:
            self._signals.waited(self, amount, 0.0)

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
            if signals.heard:
                self._signals.waited(self, amount, 0.0)
            return Decision(True, 0.0, self._store.left)  # noqa: FBT003 -- a field
        return await super().try_acquire(amount)

    @staticmethod
    def _said(
        max_rate: float | Pairs, time_period: float, burst: float | None
    ) -> tuple[Rate, ...]:
        if isinstance(max_rate, list | tuple):
            msg = f"a file keeps one rate, got {max_rate!r}: use one limiter for each"
            raise TypeError(msg)
        return rates(max_rate, time_period, burst)

    async def _book(self, amount: float, max_wait: float | None) -> Booking | None:
        if self._take(amount):
            return Booking(self._store.at, self._store.at)
        return await super()._book(amount, max_wait)

    def _take(self, amount: float) -> bool:
        line = self._drawn
        return line is not None and line.is_quiet() and self._store.take(amount)

    def __reduce__(self) -> tuple[Callable[..., FileLimiter], tuple[object, ...]]:
        rate, place = self._given[0], self._place
        burst = None if rate.burst == rate.max_rate else rate.burst
        make = partial(FileLimiter, burst=burst, mode=place.mode)
        return make, (place.path, rate.max_rate, rate.time_period)

    def __repr__(self) -> str:
        return f"<FileLimiter {self.path!r}: {self._limits()}>"


def _leak(rate: Rate) -> tuple[float, float]:
    # Units a microsecond, and the burst; of no limit the file needs neither.
    leak = terms([rate]).rates
    return (leak[0], rate.burst) if leak else (0.0, 0.0)
