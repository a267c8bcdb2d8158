"""
What a limiter tells while it runs: to an observer, and to the log.

Rules of this file:

- Nobody pays for an observer that is not there.  Until the first one is set,
  most requests are admitted without coming by here; from then on, `heard` says
  so, and every meter sends them the longer way.
- What an observer raises goes to the log, never to a waiter.
- The log is quiet unless it is configured, and never floods.
"""

from __future__ import annotations

from importlib import import_module
from logging import ERROR, INFO, WARNING, NullHandler, getLogger
from math import inf
from time import monotonic
from typing import TYPE_CHECKING, Any

from .._core.errors import seconds as in_seconds

if TYPE_CHECKING:
    from .._core.errors import BackendError
    from .._core.meter import Meter

LOG = getLogger("aiolimiter")
LOG.addHandler(NullHandler())

# Seconds between two lines of one kind about one limiter.
PAUSE = 1.0


class Observer:
    """
    Hears what a limiter does, as it does it: for metrics, traces and alarms.

    Derive from it, override what you want to hear of, and set it as a limiter's
    ``observer``; or as that of all limiters, with `set_default_observer`.

    >>> class Slow(Observer):
    ...     def waited(self, limiter, amount, seconds):
    ...         if seconds > 10:
    ...             print(f"waited {seconds:.0f} s")
    >>> limiter = AsyncLimiter(1, 60)
    >>> limiter.observer = Slow()
    >>> await limiter.acquire()
    >>> await limiter.acquire()
    waited 60 s

    A method is called in the task whose request it is about, right after, and
    should be quick.  What it raises is logged and goes no further.  *limiter* is
    the one that was asked; of a `KeyedLimiter` that of the key, which is its
    ``key``.  A `CombinedLimiter` has no observer: those of its members hear of
    what is wanted from each.
    """

    __slots__ = ()

    def waited(self, limiter: Any, amount: float, seconds: float) -> None:
        """
        *amount* units were admitted, after *seconds*.

        Args:
            limiter: Which one admitted them.
            amount: How much, in units.
            seconds: How long it was waited; 0.0 when it was admitted at once.
        """

    def refused(self, limiter: Any, amount: float, retry_after: float) -> None:
        """
        *amount* units were refused, by ``max_wait`` or ``try_acquire``.

        Args:
            limiter: Which one refused them.
            amount: How much, in units.
            retry_after: Seconds after which they could be had.
        """

    def paused(self, limiter: Any, seconds: float) -> None:
        """
        A pause has begun.

        Args:
            limiter: What is paused.
            seconds: For how long, from now on.
        """

    def backend(self, limiter: Any, seconds: float, error: BackendError | None) -> None:
        """
        A trip to the shared store is over; it runs in no caller's task.

        Args:
            limiter: Which one's store.
            seconds: How long the trip took.
            error: Why it failed, or None when it did not.
        """


# Whether anybody has an observer.
heard = False

_default: Observer | None = None
# How many limiters have one of their own, beside the default.
_own = 0
# The meters, since the first observer was set.
_meters: list[Any] = []


def set_default_observer(observer: Observer | None) -> None:
    """
    Make *observer* that of every limiter that has none of its own.

    It counts at once, for all limiters there are and will be.

    >>> set_default_observer(Observer())
    >>> set_default_observer(None)

    Args:
        observer: Who hears of it; None for nobody, as it is at first.

    Raises:
        TypeError: It is no `Observer`.
    """
    global _default  # noqa: PLW0603 -- one for the whole process is its point
    _default = checked(observer)
    _listen()


def checked(observer: object) -> Observer | None:
    """
    Return *observer* if it is one, or None.

    Raises:
        TypeError: It is neither.
    """
    if observer is None or isinstance(observer, Observer):
        return observer
    msg = f"an observer must be an aiolimiter.Observer or None, got {observer!r}"
    raise TypeError(msg)


class Signals:
    """What one limiter tells, or all keys of one together."""

    __slots__ = ("_is_away", "_kinds", "_observer")

    def __init__(self) -> None:
        self._observer: Observer | None = None
        # Of each kind of line: when the last one was written, how many since.
        self._kinds: dict[str, tuple[float, int]] = {}
        # Whether its store has failed, and not answered since.
        self._is_away = False

    @property
    def observer(self) -> Observer | None:
        """Who hears of it; None if nobody but the default."""
        return self._observer

    @observer.setter
    def observer(self, observer: Observer | None) -> None:
        global _own  # noqa: PLW0603 -- counts for the whole process
        observer = checked(observer)
        _own += (observer is not None) - (self._observer is not None)
        self._observer = observer
        _listen()

    def __del__(self) -> None:
        # A limiter that is forgotten takes its observer along.
        if self._observer is not None:
            self.observer = None

    def waited(self, limiter: object, amount: float, seconds: float) -> None:
        """Tell that *amount* was admitted after *seconds*."""
        if heard:
            self._tell("waited", limiter, amount, max(0.0, seconds))

    def refused(self, limiter: object, amount: float, retry_after: float) -> None:
        """Tell that *amount* was refused, and could be had in so many seconds."""
        self._tell("refused", limiter, amount, retry_after)

    def refused_wait(self, limiter: object, amount: float, retry_after: float) -> None:
        """As `refused`, by a ``max_wait``: that goes to the log."""
        text = "%r refused %.15g, which can be had in %s: max_wait is shorter"
        self._log(INFO, text, limiter, amount, in_seconds(retry_after))
        self.refused(limiter, amount, retry_after)

    def paused(self, limiter: object, seconds: float) -> None:
        """Tell that a pause of *seconds* has begun."""
        if seconds > 0.0:
            text = "%r is paused for %s"
            self._log(INFO, text, limiter, in_seconds(seconds))
            self._tell("paused", limiter, seconds)

    def changed(self, limiter: object, now: str, given: str) -> None:
        """Tell that somebody changed the limit."""
        text = "%r was changed to %s for all; this process was started with %s"
        self._log(INFO, text, limiter, now, given)

    def backend(
        self, limiter: object, seconds: float, error: BackendError | None
    ) -> None:
        """Tell of a trip to the store that took *seconds*."""
        if error is not None:
            self._log(WARNING, "%r: %s", limiter, error)
        elif self._is_away:
            self._log(WARNING, "%r: the shared store is back", limiter)
        self._is_away = error is not None
        if heard:
            self._tell("backend", limiter, seconds, error)

    def _tell(self, what: str, limiter: object, *details: object) -> None:
        observer = self._observer or _default
        if observer is not None:
            try:
                getattr(observer, what)(limiter, *details)
            except Exception:  # noqa: BLE001 -- whatever an observer does wrong
                text = "the observer %r failed in %r"
                self._log(ERROR, text, observer, what, exc_info=True)

    def _log(
        self, level: int, text: str, *details: object, exc_info: bool = False
    ) -> None:
        if not LOG.isEnabledFor(level):
            return
        now = monotonic()
        last, left_out = self._kinds.get(text, (-inf, 0))
        if now < last + PAUSE:
            self._kinds[text] = last, left_out + 1
            return
        self._kinds[text] = now, 0
        if left_out:
            text += f" (and {left_out} more since the last line)"
        LOG.log(level, text, *details, exc_info=exc_info)


def _listen() -> None:
    # Sends every admission the longer way, or none any more.
    global heard  # noqa: PLW0603 -- that one flag is read is the point
    if heard == (wanted := _own > 0 or _default is not None):
        return
    heard = wanted
    if not _meters:
        _meters.append(import_module("aiolimiter._core.bucket").Bucket)
        _meters.append(import_module("aiolimiter._core.window").Window)
    for meter in _meters:
        meter.quick = _decline if heard else meter.admit


def _decline(meter: Meter, amount: float, now: float) -> bool:  # noqa: ARG001 -- that of `admit`
    meter.advance(now)
    return False
