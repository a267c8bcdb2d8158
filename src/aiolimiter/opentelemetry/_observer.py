"""`OpenTelemetryObserver`: what limiters do, told to OpenTelemetry."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, final
from weakref import WeakKeyDictionary

from opentelemetry.metrics import CallbackOptions, MeterProvider, Observation
from opentelemetry.trace import TracerProvider

from .._core import numbers
from .._shell.signals import Observer
from ._instruments import Instruments
from ._series import ByKind, ByName

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .._core.errors import BackendError
    from ._series import KeyClass

    Series: TypeAlias = ByKind | ByName


class Watched(Protocol):
    """Any limiter, but a combined one; or one limiter for many keys."""

    @property
    def observer(self) -> Observer | None:
        """Who hears of it."""
        ...

    @observer.setter
    def observer(self, observer: Observer | None, /) -> None: ...

    def _waiting_now(self) -> int: ...


class _Telling(Observer):
    def __init__(self, instruments: Instruments, series: Series) -> None:
        self._instruments = instruments
        self._series = series

    def waited(self, limiter: Any, amount: float, seconds: float) -> None:
        """Count an admission; see `aiolimiter.Observer`."""
        self._instruments.admit(self._series(limiter), amount, seconds)

    def refused(self, limiter: Any, amount: float, retry_after: float) -> None:  # noqa: ARG002 -- counted
        """Count a refusal; see `aiolimiter.Observer`."""
        self._instruments.refuse(self._series(limiter))

    def paused(self, limiter: Any, seconds: float) -> None:  # noqa: ARG002 -- counted
        """Count a pause; see `aiolimiter.Observer`."""
        self._instruments.pause(self._series(limiter))

    def backend(self, limiter: Any, seconds: float, error: BackendError | None) -> None:
        """Count a trip to a store; see `aiolimiter.Observer`."""
        self._instruments.trip(self._series(limiter), seconds, error)


@final
class OpenTelemetryObserver(_Telling):
    """
    Tells OpenTelemetry what limiters do: metrics, and spans for slow waits.

    ::

        telemetry = OpenTelemetryObserver(slow=5)
        telemetry.watch(limiter, "github")
        set_default_observer(telemetry)  # all others, by the names of their classes
        set_default_observer(None)

    One is enough for a program; with a second one, the SDK warns of metrics that
    are made twice.

    Args:
        slow: Seconds; a wait of so long, or longer, is told as a span too.
            None for no spans.
        meter_provider: Where the metrics go; the global one if it is None.
        tracer_provider: Where the spans go; the global one if it is None.

    Raises:
        ValueError: *slow* is negative or not a number.
    """

    def __init__(
        self,
        *,
        slow: float | None = None,
        meter_provider: MeterProvider | None = None,
        tracer_provider: TracerProvider | None = None,
    ) -> None:
        longest = inf if slow is None else numbers.not_negative("slow", slow)
        # Weak: a limiter that the program drops is not kept for its metrics.
        self._watched: WeakKeyDictionary[Watched, ByName] = WeakKeyDictionary()
        instruments = Instruments(longest, self._look, meter_provider, tracer_provider)
        super().__init__(instruments, ByKind())

    def watch(
        self, limiter: Watched, name: str, *, key_class: KeyClass | None = None
    ) -> None:
        """
        Become the observer of *limiter*, which has a *name* from now on.

        Also count who waits for it, which the default observer can't.

        Args:
            limiter: Any limiter, or one for many keys; a combined one has no
                observer, but its members have.
            name: What it is called in the metrics.
            key_class: Called with the limiter of a key, which knows its ``key``
                (of one on a server, its ``name``), names the class it counts in,
                such as ``"free"``; of 100 classes at most, the others are one.

        Raises:
            AttributeError: *limiter* is combined, or that of one key of many.
        """
        series = ByName(name, key_class)
        limiter.observer = _Telling(self._instruments, series)
        self._watched[limiter] = series

    def _look(self, _: CallbackOptions) -> Iterator[Observation]:
        for limiter, series in list(self._watched.items()):
            yield Observation(limiter._waiting_now(), series.plain)  # noqa: SLF001 -- one house
