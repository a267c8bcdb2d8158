"""Keys that have a line of their own for a while, and go back to be quiet ones."""

from __future__ import annotations

from aiolimiter import AsyncLimiter, CombinedLimiter, KeyedLimiter

from .timetable import in_line, spent, until


async def test_keys_that_are_only_reserved_are_forgotten_too():
    """Forgetting goes on whatever verb is used."""
    limits = KeyedLimiter(10, 10)
    for number in range(1000):
        async with limits[number].reserve():
            pass
    await until(100)

    for _ in range(20_000):
        async with limits["a"].reserve(0.001):
            pass

    assert len(limits) < 20


async def test_max_keys_when_they_are_only_reserved():
    """max_keys bounds memory whatever verb is used."""
    limits = KeyedLimiter(10, 1e4, max_keys=100)

    for number in range(1000):
        async with limits[number].reserve():
            pass

    assert len(limits) <= 110


async def test_a_key_pays_also_when_the_request_waited_elsewhere():
    """A key pays however many other keys came while the request waited."""
    everyone, chats = await spent(AsyncLimiter(1, 10)), KeyedLimiter(10, 100)
    waiting = await in_line(CombinedLimiter(everyone, chats["chat"]))

    for key in range(100):
        chats[key].try_acquire()

    assert await waiting == 10
    assert chats["chat"].statistics().level == 1


async def test_keys_that_are_only_members_are_forgotten_too():
    """Keys that are used in combined limiters only are forgotten like others."""
    everyone, chats = AsyncLimiter(1e6), KeyedLimiter(10, 10)
    for key in range(1000):
        await CombinedLimiter(everyone, chats[key]).acquire()
    await until(100)

    for _ in range(20_000):
        await CombinedLimiter(everyone, chats["a"]).acquire(0.001)

    assert len(chats) < 20
