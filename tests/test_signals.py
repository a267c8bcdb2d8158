"""What a limiter tells an observer and the log, and that it costs nobody a wait."""

from __future__ import annotations

import asyncio
import gc
import logging
import subprocess
import sys

import pytest

from aiolimiter import (
    AsyncLimiter,
    BackendError,
    CombinedLimiter,
    KeyedLimiter,
    KeyedSlidingWindowLimiter,
    Observer,
    RateLimitExceeded,
    SlidingWindowLimiter,
    set_default_observer,
)
from aiolimiter._core.bucket import Bucket
from aiolimiter._core.window import Window
from aiolimiter._shell import signals
from aiolimiter.local import FileLimiter
from aiolimiter.redis import RedisKeyedLimiter, RedisLimiter

from .fleet.memory import Memory, process
from .timetable import admission, now

KINDS = pytest.mark.parametrize(
    "kind", [AsyncLimiter, SlidingWindowLimiter], ids=["bucket", "window"]
)
KEYED = pytest.mark.parametrize(
    "kind", [KeyedLimiter, KeyedSlidingWindowLimiter], ids=["buckets", "windows"]
)


NAME = "aiolimiter <AsyncLimiter(1, 60)"


class Ear(Observer):
    """Writes down what it hears."""

    def __init__(self) -> None:
        self.heard: list[tuple] = []

    def waited(self, limiter, amount, seconds):
        self.heard.append(("waited", limiter, amount, pytest.approx(seconds)))

    def refused(self, limiter, amount, retry_after):
        self.heard.append(("refused", limiter, amount, pytest.approx(retry_after)))

    def paused(self, limiter, seconds):
        self.heard.append(("paused", limiter, seconds))

    def backend(self, limiter, seconds, error):
        self.heard.append(("backend", limiter, pytest.approx(seconds), error))


class Broken(Observer):
    """Fails whatever it hears."""

    def waited(self, limiter, amount, seconds):
        raise ZeroDivisionError

    refused = waited


@pytest.fixture(autouse=True)
def _nobody_listens_afterwards():
    gc.collect()
    yield
    set_default_observer(None)
    gc.collect()


@pytest.fixture
def log(caplog, monkeypatch):
    """The lines that are written, as time goes by on the loop's clock."""
    monkeypatch.setattr(signals, "monotonic", now)
    caplog.set_level(logging.INFO, "aiolimiter")
    caplog.handler.setFormatter(logging.Formatter("%(name)s %(message)s"))

    def lines() -> list[str]:
        return caplog.text.splitlines()

    return lines


@pytest.fixture
def ear():
    """An observer of all limiters."""
    ear = Ear()
    set_default_observer(ear)
    return ear


# What is heard.


@KINDS
def test_who_listens_can_be_asked(kind):
    """Nobody at first; then who was set."""
    ear, limiter = Ear(), kind(1, 10)
    before = limiter.observer
    limiter.observer = ear

    assert (before, limiter.observer) == (None, ear)


@KINDS
async def test_each_admission_is_heard_with_its_wait(kind):
    """At once, after a wait, by `async with`, by a call and by a reservation."""
    ear, limiter = Ear(), kind(1, 10)
    limiter.observer = ear
    async with limiter:
        pass
    await limiter.acquire(0.5)
    async with limiter.reserve(0.5):
        pass
    decision = kind(1, 10).try_acquire()

    assert decision
    assert [heard[:3] for heard in ear.heard] == [
        ("waited", limiter, 1.0),
        ("waited", limiter, 0.5),
        ("waited", limiter, 0.5),
    ]
    assert ear.heard[0] == ("waited", limiter, 1.0, 0.0)


async def test_a_wait_is_told_in_seconds():
    """The third of three at once, 10 seconds each, has waited for 20."""
    ear, limiter = Ear(), AsyncLimiter(1, 10)
    limiter.observer = ear
    await asyncio.gather(*[admission(limiter) for _ in range(3)])

    assert ear.heard == [("waited", limiter, 1, wait) for wait in (0, 10, 20)]


@KINDS
async def test_trying_is_heard_either_way(kind):
    """`try_acquire` tells what it took, and what it did not."""
    ear, limiter = Ear(), kind(1, 10)
    limiter.observer = ear
    limiter.try_acquire()
    refused = limiter.try_acquire(1)

    assert ear.heard == [
        ("waited", limiter, 1, 0),
        ("refused", limiter, 1, refused.retry_after),
    ]


@KINDS
@pytest.mark.parametrize("verb", ["acquire", "reserve"])
async def test_a_refusal_is_heard(kind, verb):
    """What `max_wait` rules out, at once or at its deadline, is told."""
    ear, limiter = Ear(), kind(1, 10)
    limiter.observer = ear
    limiter.try_acquire()
    with pytest.raises(RateLimitExceeded):
        if verb == "acquire":
            await limiter.acquire(max_wait=1)
        async with limiter.reserve(max_wait=1):
            pass

    assert ear.heard[1:] == [("refused", limiter, 1, 10)]


@KINDS
def test_a_pause_is_heard_as_long_as_it_is(kind):
    """A pause is told after `max_pause` has cut it; one of 0 is none."""
    ear, limiter = Ear(), kind(1, 10)
    limiter.observer = ear
    limiter.max_pause = 60
    limiter.pause(0)
    limiter.pause(3)
    limiter.pause(99)

    assert ear.heard == [("paused", limiter, 3), ("paused", limiter, 60)]


async def test_a_cancelled_wait_is_not_heard():
    """Who gave up was neither admitted nor refused."""
    ear, limiter = Ear(), AsyncLimiter(1, 10)
    limiter.observer = ear
    limiter.try_acquire()
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(limiter.acquire(), 1)

    assert len(ear.heard) == 1


@KEYED
@pytest.mark.parametrize("few", [None, 10], ids=["live", "quiet"])
async def test_of_keys_the_limiter_of_the_key_is_told(kind, few):
    """One observer hears of all keys, and which one it was."""
    ear, limits = Ear(), kind(1, 10, max_keys=few)
    limits.observer = ear
    await limits["a"].acquire()
    limits["b"].try_acquire()
    limits["b"].try_acquire()
    await limits["a"].acquire()
    limits["a"].pause(3)

    assert limits.observer is limits["a"].observer is ear
    assert [(what, limiter.key) for what, limiter, *_ in ear.heard] == [
        ("waited", "a"),
        ("waited", "b"),
        ("refused", "b"),
        ("waited", "a"),
        ("paused", "a"),
    ]


def test_the_observer_of_one_key_is_that_of_all():
    """It can't be set on the limiter of a key, which says where it can."""
    with pytest.raises(AttributeError, match="set it on their limiter"):
        KeyedLimiter(1)["a"].observer = Ear()


async def test_of_several_limits_each_is_told_its_share(ear):
    """The members hear of what was wanted from them, and how long all took."""
    fast, slow = AsyncLimiter(10, 1), AsyncLimiter(10, 100)
    both = CombinedLimiter(fast, slow=slow)
    await both.acquire(2, slow=10)
    async with both.reserve(1, slow=1):
        pass
    both.try_acquire(1, slow=0)
    refused = both.try_acquire(1, slow=5)
    with pytest.raises(RateLimitExceeded):
        await both.acquire(1, slow=5, max_wait=1)
    with pytest.raises(RateLimitExceeded):
        async with both.reserve(1, slow=5, max_wait=1):
            pass

    assert not refused
    assert [heard[:3] for heard in ear.heard] == [
        (what, limiter, amount)
        for what, shares in [
            ("waited", (2, 10)),
            ("waited", (1, 1)),
            ("waited", (1, 0)),
            *[("refused", (1, 5))] * 3,
        ]
        for limiter, amount in zip((fast, slow), shares, strict=True)
    ]
    assert [wait for *_, wait in ear.heard[2:4]] == [10, 10]


async def test_a_shared_limiter_is_heard_as_any():
    """Waits, refusals and pauses are told, and each trip with what it took."""
    ear, limiter = Ear(), process(Memory(way=0.001), 1, 10)
    limiter.observer = ear
    assert limiter.observer is ear
    await limiter.acquire()
    assert await limiter.try_acquire(0)
    assert not await limiter.try_acquire()
    with pytest.raises(RateLimitExceeded):
        await limiter.acquire(max_wait=1)
    await limiter.pause(0)
    await limiter.pause(3)
    async with limiter.reserve(0):
        pass
    told = [(what, *more) for what, _, *more in ear.heard if what != "backend"]
    trips = [
        (round(more[0].expected, 9), more[1])
        for what, _, *more in ear.heard
        if what == "backend"
    ]

    assert [one[:2] for one in told] == [
        ("waited", 1),
        ("waited", 0),
        ("refused", 1),
        ("refused", 1),
        ("paused", 3),
        ("waited", 0),
    ]
    assert set(trips) == {(0.002, None)}


async def test_a_failing_store_is_heard(log):
    """Each trip that failed is told with its error, and that it is back, once."""
    ear, store = Ear(), Memory()
    limiter = process(store, 10, on_error="wait")
    limiter.observer = ear
    store.error = OSError("gone")
    waiting = asyncio.create_task(limiter.acquire())
    await asyncio.sleep(3)
    store.error = None
    await waiting
    await limiter.statistics()
    errors = [type(error) for what, *_, error in ear.heard if what == "backend"]
    lines = log()
    limiter.observer = None  # the log keeps what failed

    assert errors[0] is BackendError
    assert errors.count(type(None)) == 2
    assert "gone" in lines[0]
    assert [line for line in lines if "back" in line] == lines[-1:]
    assert len(lines) < len(errors)


async def test_a_limiter_that_is_gone_is_not_told():
    """A trip that outlives its limiter tells nobody, and is none the worse."""
    ear, store = Ear(), Memory(way=0.1)
    set_default_observer(ear)
    limiter = process(store, 10)
    line = limiter._line
    asking = asyncio.create_task(line.statistics())
    await asyncio.sleep(0.1)
    del limiter
    gc.collect()
    await asking

    assert ear.heard == []


async def test_a_file_limiter_is_heard_with_room_too(ear, tmp_path):
    """What a file admits without a wait is told as well."""
    limiter = FileLimiter(tmp_path / "limit", 10, 60)
    await limiter.acquire(2)
    await limiter.try_acquire(3)
    async with limiter.reserve(4):
        pass

    assert [heard[:3] for heard in ear.heard] == [
        ("waited", limiter, amount) for amount in (2, 3, 4)
    ]


async def test_redis_keys_share_an_observer():
    """That of a keyed limiter on a server is that of each of its keys."""
    limits = RedisKeyedLimiter(object(), "x", 10)  # never asked
    limits.observer = ear = Ear()
    one = limits["a"]

    assert isinstance(one, RedisLimiter)
    assert limits.observer is one.observer is ear


async def test_a_shared_limit_that_is_none_is_heard(ear):
    """Where there is no limit, what passes is told."""
    limiter = process(Memory(), float("inf"))
    await limiter.acquire(5)

    assert ear.heard == [("waited", limiter, 5, 0)]


# Who hears it.


@KINDS
async def test_the_default_observer_hears_of_all(kind, ear):
    """Also of limiters that were made before; one's own goes before it."""
    own, limiter, other = Ear(), kind(10), kind(10)
    other.observer = own
    async with limiter:
        pass
    async with other:
        pass

    assert [limiter for _, limiter, *_ in ear.heard] == [limiter]
    assert [limiter for _, limiter, *_ in own.heard] == [other]


@KINDS
async def test_nobody_pays_for_nobody(kind):
    """When the last observer goes, all is as it was: the meters say yes again."""
    ways = Bucket.quick, Window.quick
    limiter, ear = kind(10), Ear()
    limiter.observer = ear
    limiter.observer = Ear()
    set_default_observer(ear)

    assert signals.heard
    assert ways[0] is not Bucket.quick
    limiter.observer = None
    set_default_observer(None)
    await limiter.acquire()

    assert not signals.heard
    assert (Bucket.quick, Window.quick) == ways
    assert ear.heard == []


def test_a_limiter_that_is_forgotten_takes_its_observer_along():
    """Nobody listens any more when the one limiter that was listened to is gone."""
    limiter = AsyncLimiter(1)
    limiter.observer = Ear()
    del limiter
    gc.collect()

    assert not signals.heard


@pytest.mark.parametrize("listen", [set_default_observer, AsyncLimiter(1).__setattr__])
def test_an_observer_is_one(listen):
    """What is no observer is refused by name, the class in place of one too."""
    arguments = (Observer,) if listen is set_default_observer else ("observer", Ear)
    with pytest.raises(TypeError, match="must be an aiolimiter"):
        listen(*arguments)


@KINDS
async def test_an_observer_changes_nothing(kind):
    """The same requests are admitted at the same instants, heard or not."""

    async def instants(observer):
        limiter = kind(3, 6)
        limiter.observer = observer
        loop = asyncio.get_running_loop()
        start = loop.time()
        amounts = (1, 1, 1, 2, 0.5, 3, 1)
        each = [admission(limiter, amount) for amount in amounts]
        return [round(at - start, 6) for at in await asyncio.gather(*each)]

    assert await instants(None) == await instants(Observer()) == await instants(Ear())


@KINDS
async def test_what_an_observer_raises_reaches_the_log_only(kind, caplog):
    """The request is admitted, or refused, as if nothing had been."""
    limiter = kind(1, 10)
    limiter.observer = Broken()
    await limiter.acquire()
    with pytest.raises(RateLimitExceeded):
        await limiter.acquire(max_wait=1)

    assert not limiter.try_acquire()
    limiter.observer = None  # the log keeps what failed
    assert len(caplog.records) == 1
    assert caplog.records[0].exc_info[0] is ZeroDivisionError
    assert "Broken" in caplog.text


# The log.


async def test_the_log_has_a_line_a_second_and_counts_the_others(log):
    """Of five refusals at once one is written, and the next line says so."""
    limiter, other = AsyncLimiter(1, 60), AsyncLimiter(1, 60)
    for each in (limiter, other):
        await each.acquire()
    for each in (limiter, limiter, other, limiter):
        with pytest.raises(RateLimitExceeded):
            await each.acquire(max_wait=1)
    await asyncio.sleep(1.5)
    with pytest.raises(RateLimitExceeded):
        await limiter.acquire(max_wait=1)
    limiter.pause(90)

    more = "(and 2 more since the last line)"
    refused = "which can be had in {} s: max_wait is shorter"
    assert log() == [
        *2 * [f"{NAME} level=1 waiting=0> refused 1, {refused.format(60)}"],
        f"{NAME} level=0.975 waiting=0> refused 1, {refused.format(58.5)} {more}",
        f"{NAME} level=2.5 waiting=0> is paused for 90 s",
    ]


async def test_trying_is_no_line_in_the_log(caplog):
    """Under attack `try_acquire` refuses all day: that is for observers."""
    caplog.set_level(logging.DEBUG, "aiolimiter")
    limiter = AsyncLimiter(1, 60)
    limiter.try_acquire()
    limiter.try_acquire()

    assert caplog.records == []


def test_the_log_is_quiet_until_it_is_configured():
    """A program that knows nothing of `logging` prints nothing."""
    code = (
        "import aiolimiter; limiter = aiolimiter.AsyncLimiter(1);"
        "limiter.pause(9);"
        "import logging; logging.getLogger('aiolimiter').error('x')"
    )
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, check=True, capture_output=True, text=True)

    assert done.stdout + done.stderr == ""
