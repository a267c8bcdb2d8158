"""Copies of limiters, by `copy` and `pickle`: the state goes along, nobody waits."""

from __future__ import annotations

import asyncio
import copy
import math
import pickle
import subprocess
import sys

import pytest

from aiolimiter import (
    AdaptiveLimiter,
    AsyncLimiter,
    CombinedLimiter,
    Decision,
    KeyedLimiter,
    KeyedSlidingWindowLimiter,
    RateLimitExceeded,
    SlidingWindowLimiter,
)

from .timetable import admission, in_line, now, virtual


def pickled(limiter):
    return pickle.loads(pickle.dumps(limiter))


WAYS = pytest.mark.parametrize("way", [copy.copy, copy.deepcopy, pickled])
SINGLE = pytest.mark.parametrize("kind", [AsyncLimiter, SlidingWindowLimiter])
KEYED = pytest.mark.parametrize("kind", [KeyedLimiter, KeyedSlidingWindowLimiter])


@WAYS
@SINGLE
async def test_what_was_taken_goes_along(kind, way):
    """A copy has what was taken, and from then on each goes its own way."""
    limiter = kind(10, 10)
    limiter.max_pause = 7
    await limiter.acquire(4)
    await asyncio.sleep(1)
    before = limiter.statistics()

    other = way(limiter)

    assert type(other) is kind
    assert (other.max_rate, other.time_period, other.max_pause) == (10, 10, 7)
    assert other.statistics() == before
    other.max_rate = 20
    await other.acquire(6)
    assert (limiter.max_rate, limiter.statistics()) == (10, before)
    await limiter.acquire(1)
    assert other.statistics().level == pytest.approx(before.level + 6)


@WAYS
@SINGLE
async def test_who_waits_waits_here(kind, way):
    """Nobody waits for a copy, and what nobody was granted it does not count."""
    limiter = kind(10, 10)
    async with limiter.reserve(10) as reservation:
        waiting = await in_line(limiter)

        other = way(limiter)
        reservation.settle(0)

    assert (other.statistics().waiting, other.statistics().level) == (0, 10)
    assert await waiting == 0
    assert await admission(other) == pytest.approx(1 if kind is AsyncLimiter else 10)


@WAYS
@SINGLE
async def test_a_pause_goes_along(kind, way):
    """A copy is paused for as long as the limiter is, also if its rate changes."""
    limiter = kind(10, 10)
    limiter.pause(5)
    await asyncio.sleep(1)

    other = way(limiter)
    other.time_period = 1

    assert await admission(other, 0) == pytest.approx(5)


@WAYS
async def test_no_credit_goes_along(way):
    """A copy has none of the credit that a bucket has while somebody waits."""
    limiter = AsyncLimiter(1, 0.001)
    waiting = [asyncio.create_task(limiter.acquire()) for _ in range(9)]
    await asyncio.sleep(0.0055)

    assert way(limiter).statistics().level >= 0
    await asyncio.gather(*waiting)


@WAYS
@SINGLE
def test_another_clock(kind, way):
    """A copy that is made in one loop goes on in another, whatever that counts from."""
    limiter = kind(10, 10)
    virtual(limiter.acquire(10), start=1e6)

    async def later():
        start = now()
        other = way(limiter)
        return await admission(other) - start

    least = 1 if kind is AsyncLimiter else 10
    assert virtual(later(), start=5) == pytest.approx(least, abs=0.01)


@pytest.mark.real_time
def test_another_process():
    """What was pickled in a process is so full in the next one, too."""
    limiter = AsyncLimiter(100, 1e6)
    assert limiter.try_acquire(70)
    program = (
        "import pickle, sys; limiter = pickle.load(sys.stdin.buffer);"
        "print(round(limiter.statistics().level))"
    )

    done = subprocess.run(
        [sys.executable, "-c", program],
        input=pickle.dumps(limiter),
        capture_output=True,
        check=True,
    )

    assert int(done.stdout) == 70


@WAYS
@pytest.mark.parametrize("max_rate", [0, math.inf])
def test_limits_that_are_none(max_rate, way):
    """No limit and nothing at all stay that."""
    other = way(AsyncLimiter(max_rate))

    assert other.max_rate == max_rate
    assert other.has_capacity() == (max_rate > 0)


class Tagged(AsyncLimiter):
    """As programs extend it."""

    __slots__ = ("tag",)


@WAYS
async def test_what_was_added(way):
    """Attributes of a subclass, and of the object, go along."""
    limiter = Tagged(1, 10)
    limiter.tag, limiter.note = "a", "b"

    other = way(limiter)
    async with other:
        pass

    assert (other.tag, other.note) == ("a", "b")
    assert (other.has_capacity(), limiter.has_capacity()) == (False, True)


async def refuse():
    """Stands in for an `acquire`."""
    raise LookupError


@WAYS
async def test_an_acquire_of_its_own_goes_along(way):
    """What replaces `acquire` on one limiter is called for its copies."""
    limiter = AsyncLimiter(1, 10)
    limiter.acquire = refuse

    with pytest.raises(LookupError):
        async with way(limiter):
            pass


@WAYS
@KEYED
@pytest.mark.parametrize("options", [{}, {"max_keys": 100}])
async def test_all_keys_go_along(kind, options, way):
    """A copy knows what each key owes, and who is paused; each goes its own way."""
    limits = kind(10, 10, **options)
    limits.max_pause = 70
    for key in range(30):
        assert limits[key].try_acquire(key % 3)
    limits["paused"].pause(60)
    await limits["full"].acquire(10)
    waiting = await in_line(limits["full"])
    await asyncio.sleep(0.5)

    other = way(limits)

    assert other.max_pause == 70
    for key in (*range(30), "full", "paused"):
        found, expected = other[key].statistics(), limits[key].statistics()
        assert found.level == pytest.approx(expected.level)
        assert found.available == pytest.approx(expected.available)
        assert found.waiting == 0
    assert other["paused"].try_acquire(0).retry_after == pytest.approx(59.5)
    assert other[1].try_acquire(9 if kind is KeyedSlidingWindowLimiter else 9.5)
    assert limits[1].statistics().level <= 1
    await waiting


@WAYS
async def test_the_members_of_a_copy_are_copies(way):
    """A copy of several limits shares none of them, and keeps the names."""
    one, tokens = AsyncLimiter(1, 10), SlidingWindowLimiter(10, 10)
    both = CombinedLimiter(one, tokens=tokens)

    await way(both).acquire(1, tokens=5)

    assert (one.has_capacity(), tokens.has_capacity(10)) == (True, True)


@WAYS
@pytest.mark.parametrize(
    ("make", "why"),
    [
        (lambda: AsyncLimiter(1).reserve(), r"a reservation: it is for one block"),
        (
            lambda: CombinedLimiter(AsyncLimiter(1)).reserve(),
            r"a reservation: it is for one block",
        ),
        (lambda: AdaptiveLimiter(1), r"an AdaptiveLimiter: two that believe"),
        (lambda: KeyedLimiter(1)["a"], r"the limiter of one key: copy the limiter of"),
        (
            lambda: CombinedLimiter(KeyedLimiter(1)["a"]),
            r"the limiter of one key: copy the limiter of",
        ),
    ],
)
def test_what_can_not_be_copied_says_why(make, why, way):
    """What belongs to something else is refused, with the reason."""
    with pytest.raises(TypeError, match=rf"^can't copy or pickle {why}"):
        way(make())


@WAYS
def test_what_redis_knows_is_not_copied(way):
    """A limiter with a connection is refused, with the way out."""
    redis = pytest.importorskip("redis.asyncio", reason="needs redis")
    shared = pytest.importorskip("aiolimiter.redis", reason="needs redis")
    client = redis.Redis(unix_socket_path="nobody-is-here")

    for kind in (shared.RedisLimiter, shared.RedisKeyedLimiter):
        name = kind.__name__
        with pytest.raises(TypeError, match=rf"^can't copy or pickle a {name}: make"):
            way(kind(client, "name", 1))


@WAYS
def test_answers_and_errors(way):
    """Decisions, statistics and refusals are plain values."""
    decision = Decision(granted=False, retry_after=1.5, remaining=0.0)
    error = RateLimitExceeded("no", decision)

    assert way(decision) == decision
    assert not way(decision)
    assert way(AsyncLimiter(1).statistics()) == AsyncLimiter(1).statistics()
    assert (str(way(error)), way(error).decision) == ("no", decision)
