"""What limiters do, as the real SDK's readers in memory see it."""

from __future__ import annotations

import asyncio
import gc

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from aiolimiter import (
    AsyncLimiter,
    CombinedLimiter,
    KeyedLimiter,
    RateLimitExceeded,
    SlidingWindowLimiter,
    set_default_observer,
)
from aiolimiter.opentelemetry import OpenTelemetryObserver
from aiolimiter.redis import RedisKeyedLimiter

from .fleet.memory import Memory, process


class Telemetry:
    """An observer, and what the SDK has of it."""

    def __init__(self, **options) -> None:
        self._reader, self._spans = InMemoryMetricReader(), InMemorySpanExporter()
        tracers = TracerProvider()
        tracers.add_span_processor(SimpleSpanProcessor(self._spans))
        self.tracers = tracers
        self.observer = OpenTelemetryObserver(
            meter_provider=MeterProvider([self._reader]),
            tracer_provider=tracers,
            **options,
        )

    def metrics(self) -> dict:
        """All metrics by name."""
        data = self._reader.get_metrics_data()
        scopes = data.resource_metrics[0].scope_metrics if data else []
        return {m.name: m for scope in scopes for m in scope.metrics}

    def points(self, name: str) -> dict:
        """The points of a metric, by the values of their attributes."""
        points = self.metrics()[f"aiolimiter.{name}"].data.data_points
        return {" ".join(point.attributes.values()): point for point in points}

    def values(self, name: str) -> dict:
        """The numbers of a metric that is no histogram."""
        return {where: point.value for where, point in self.points(name).items()}

    def spans(self) -> list:
        """The spans that are over."""
        return list(self._spans.get_finished_spans())


@pytest.fixture(autouse=True)
def _nobody_listens_afterwards():
    yield
    # Limiters that are watched take their observers along when they go.
    gc.collect()


@pytest.fixture
def telemetry():
    """An observer of all limiters."""
    telemetry = Telemetry()
    set_default_observer(telemetry.observer)
    yield telemetry
    set_default_observer(None)


async def test_waits_are_a_histogram_of_seconds(telemetry):
    """Three of a bucket of one: at once, after 30 s and after 60 s."""
    limiter = AsyncLimiter(2, 60, burst=1)
    await asyncio.gather(*[limiter.acquire() for _ in range(3)])
    wait = telemetry.metrics()["aiolimiter.wait.duration"]
    point = telemetry.points("wait.duration")["AsyncLimiter"]

    assert wait.unit == "s"
    assert (point.count, point.sum) == (3, pytest.approx(90))
    assert (point.min, point.max) == (0, pytest.approx(60))
    assert point.explicit_bounds == (
        *(0, 0.005, 0.025, 0.1, 0.25, 0.5),
        *(1, 2.5, 5, 10, 30, 60, 300, 900, 3600),
    )


async def test_amounts_refusals_and_pauses_are_counted(telemetry):
    """By the name of the class, unless a limiter has one of its own."""
    limiter, named = SlidingWindowLimiter(10, 60), AsyncLimiter(10, 60)
    telemetry.observer.watch(named, "github")
    await limiter.acquire(7)
    named.try_acquire(8.5)
    named.try_acquire(8.5)
    with pytest.raises(RateLimitExceeded):
        await limiter.acquire(7, max_wait=1)
    limiter.pause(3)
    named.pause(3)
    named.pause(4)

    assert telemetry.values("admitted") == {"SlidingWindowLimiter": 7, "github": 8.5}
    assert telemetry.values("refused") == {"SlidingWindowLimiter": 1, "github": 1}
    assert telemetry.values("pauses") == {"SlidingWindowLimiter": 1, "github": 2}


async def test_who_waits_is_seen_while_they_do():
    """Of all kinds of limiters that are watched, and in no limiter's way."""
    telemetry = Telemetry()
    limiter, limits = AsyncLimiter(1, 60), KeyedLimiter(1, 60)
    shared, free = process(Memory(), 1, 60), process(Memory(), float("inf"))
    away = RedisKeyedLimiter(object(), "users", 1)
    kept = away["someone"]
    for one in (limiter, limits, shared, free, away):
        telemetry.observer.watch(one, type(one).__name__ + "!" * (one is free))
    tasks = [
        asyncio.create_task(each.acquire())
        for each in (limiter, limits["a"], limits["b"], shared)
        for _ in range(3)
    ]
    await asyncio.sleep(1)
    waiting = telemetry.values("waiting")
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)

    assert kept is away["someone"]
    assert waiting == {
        "AsyncLimiter": 2,
        "KeyedLimiter": 4,
        "SharedLimiter": 2,
        "SharedLimiter!": 0,
        "RedisKeyedLimiter": 0,
    }
    assert set(telemetry.values("waiting").values()) == {0}


async def test_a_limiter_that_is_gone_is_no_series():
    """Watching keeps nobody alive."""
    telemetry = Telemetry()
    telemetry.observer.watch(AsyncLimiter(1), "short-lived")

    assert "aiolimiter.waiting" not in telemetry.metrics()


async def test_a_key_is_no_attribute(telemetry):
    """A thousand keys, quiet or in use, are one series."""
    limits, many = KeyedLimiter(1, 60), KeyedLimiter(1, 60, max_keys=9)
    for key in range(1000):
        await limits[key].acquire()
        await many[key].acquire()

    assert telemetry.values("admitted") == {"KeyLimiter": 2000}


async def test_a_function_names_the_class_of_a_key():
    """Keys count in their classes; of those there are never more than 101."""
    telemetry = Telemetry()
    limits, users = KeyedLimiter(1, 60), KeyedLimiter(1, 60)
    telemetry.observer.watch(limits, "chats", key_class=lambda one: one.key[0])
    telemetry.observer.watch(users, "users", key_class=lambda one: str(one.key))
    for key in ("a1", "a2", "b1"):
        await limits[key].acquire()
    for key in range(1000):
        await users[key].acquire()
    admitted = telemetry.values("admitted")

    assert (admitted["chats a"], admitted["chats b"]) == (2, 1)
    assert len([name for name in admitted if name.startswith("users")]) == 101
    assert admitted["users _OTHER"] == 900


async def test_a_class_that_is_not_found_harms_nobody(caplog):
    """What the function raises is logged, and the request is admitted."""
    telemetry = Telemetry()
    limits = KeyedLimiter(1, 60)
    telemetry.observer.watch(limits, "chats", key_class=lambda one: one.nothing)
    await limits["a"].acquire()
    limits.observer = None

    assert "AttributeError" in caplog.text
    assert telemetry.metrics().keys() <= {"aiolimiter.waiting"}


async def test_trips_to_a_store_are_timed_and_their_errors_have_a_type(telemetry):
    """Two trips of 20 ms that came back, and one that did not."""
    store = Memory(way=0.01)
    limiter = process(store, 10)
    await limiter.acquire()
    await limiter.statistics()
    store.error = ConnectionError("gone")
    with pytest.raises(Exception, match="gone"):
        await limiter.statistics()
    points = telemetry.points("store.trip.duration")

    good, bad = points["SharedLimiter"], points["SharedLimiter ConnectionError"]
    assert (good.count, good.sum) == (2, pytest.approx(0.04))
    assert (bad.count, bad.sum) == (1, pytest.approx(0.01))


async def test_a_slow_wait_is_a_span_of_the_task_that_waited():
    """It begins when the wait did, in the trace of whoever waited."""
    telemetry = Telemetry(slow=30)
    limiter = AsyncLimiter(1, 30)
    telemetry.observer.watch(limiter, "github")
    with telemetry.tracers.get_tracer("test").start_as_current_span("request") as ours:
        await limiter.acquire(0.5)
        await limiter.acquire()
        await limiter.acquire()
    wait, outer = telemetry.spans()

    assert wait.name == "aiolimiter.wait"
    assert wait.parent.span_id == ours.get_span_context().span_id
    assert outer.name == "request"
    assert dict(wait.attributes) == {
        "aiolimiter.limiter": "github",
        "aiolimiter.amount": 1,
    }
    assert (wait.end_time - wait.start_time) / 1e9 == pytest.approx(30, abs=1e-6)


@pytest.mark.parametrize(
    "make", [lambda: CombinedLimiter(AsyncLimiter(1)), lambda: KeyedLimiter(1)["a"]]
)
def test_what_has_no_observer_of_its_own_can_not_be_watched(make):
    """A combined limiter has members, and a key has the others."""
    with pytest.raises(AttributeError, match="observer"):
        Telemetry().observer.watch(make(), "x")


def test_a_time_that_is_none_is_refused():
    """A wait of less than nothing is never slow."""
    with pytest.raises(ValueError, match=r"slow must be .*, got -1"):
        OpenTelemetryObserver(slow=-1)
