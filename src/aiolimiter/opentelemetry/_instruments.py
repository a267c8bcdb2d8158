"""
The metrics and spans: what they are called, and what is counted in which.

Each takes the attributes as they are, which are few: see `_series`.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, TypeAlias

from opentelemetry import metrics, trace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from .._core.errors import BackendError

    Attributes: TypeAlias = dict[str, str]
    Look: TypeAlias = Callable[[metrics.CallbackOptions], Iterable[metrics.Observation]]

# Bounds of buckets, in seconds: a wait is anything from a tick to an hour.
WAITS = [0, 0.005, 0.025, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600]
TRIPS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5]


class Instruments:
    """
    All that is told to OpenTelemetry.

    Args:
        slow: Seconds; who waited so long gets a span.
        look: Called for the numbers of those who wait, from any thread.
        meters: Where the metrics go.
        tracers: Where the spans go.
    """

    def __init__(
        self,
        slow: float,
        look: Look,
        meters: metrics.MeterProvider | None,
        tracers: trace.TracerProvider | None,
    ) -> None:
        self._slow = slow
        self._tracer = trace.get_tracer("aiolimiter", tracer_provider=tracers)
        meter = metrics.get_meter("aiolimiter", meter_provider=meters)
        self._waits = meter.create_histogram(
            "aiolimiter.wait.duration",
            "s",
            "How long those waited who were admitted",
            explicit_bucket_boundaries_advisory=WAITS,
        )
        self._trips = meter.create_histogram(
            "aiolimiter.store.trip.duration",
            "s",
            "How long trips to a shared store took",
            explicit_bucket_boundaries_advisory=TRIPS,
        )
        self._admitted = meter.create_counter(
            "aiolimiter.admitted", "{unit}", "How much was admitted"
        )
        self._refused = meter.create_counter(
            "aiolimiter.refused", "{request}", "How many requests were refused"
        )
        self._pauses = meter.create_counter(
            "aiolimiter.pauses", "{pause}", "How many pauses began"
        )
        meter.create_observable_up_down_counter(
            "aiolimiter.waiting", [look], "{request}", "How many requests wait"
        )

    def admit(self, attributes: Attributes, amount: float, seconds: float) -> None:
        """Count that *amount* was admitted after *seconds*."""
        self._waits.record(seconds, attributes)
        self._admitted.add(amount, attributes)
        if seconds >= self._slow:
            now = time.time_ns()
            span = self._tracer.start_span(
                "aiolimiter.wait",
                attributes={**attributes, "aiolimiter.amount": amount},
                start_time=now - round(seconds * 1e9),
            )
            span.end(now)

    def refuse(self, attributes: Attributes) -> None:
        """Count a refusal."""
        self._refused.add(1, attributes)

    def pause(self, attributes: Attributes) -> None:
        """Count a pause."""
        self._pauses.add(1, attributes)

    def trip(
        self, attributes: Attributes, seconds: float, error: BackendError | None
    ) -> None:
        """Count a trip that took *seconds*, and what it failed with, if it did."""
        if error is not None:
            kind = type(error.__cause__ or error).__qualname__
            attributes = {**attributes, "error.type": kind}
        self._trips.record(seconds, attributes)
