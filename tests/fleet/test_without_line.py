"""A key that one caller at a time asks for needs no line."""

from __future__ import annotations

import asyncio
import logging
from math import inf

import pytest

from aiolimiter import BackendError, Observer
from aiolimiter.redis import RedisKeyedLimiter, RedisLimiter

pytestmark = pytest.mark.real_time


class Gated:
    """A client whose calls stay on their way back until the gate is opened."""

    def __init__(self, client) -> None:
        self.client, self.gate = client, asyncio.Event()
        self.asked = asyncio.Event()
        self.gate.set()

    async def evalsha(self, *call):
        """Ask at once, and answer when the gate is open."""
        try:
            return await self.client.evalsha(*call)
        finally:
            self.asked.set()
            await self.gate.wait()

    def __getattr__(self, name):
        return getattr(self.client, name)


async def test_it_is_decided_as_in_a_line(client, name):
    """What is admitted, left and told is the same, and no line is made."""
    limiter = RedisKeyedLimiter(client, name, 3, 3600)["ann"]
    other = RedisLimiter(client, f"{name}-other", 3, 3600)
    for amount in (1, 0.5, 1.5, 1):
        decision, same = [await one.try_acquire(amount) for one in (limiter, other)]

        assert decision.granted == same.granted
        assert decision.remaining == pytest.approx(same.remaining, abs=0.02)
        assert decision.retry_after == pytest.approx(same.retry_after, abs=20)
    assert not decision
    assert limiter._drawn is None


async def test_asking_again_after_exactly_retry_after_is_admitted(client, name):
    """A refusal without a line says when to come again, to the microsecond."""
    limiter = RedisKeyedLimiter(client, name, 1, 0.05)["ann"]
    await limiter.try_acquire()
    for _ in range(5):
        decision = await limiter.try_acquire()
        await asyncio.sleep(decision.retry_after)
        assert await limiter.try_acquire()


async def test_two_at_once_are_in_a_line(client, name):
    """Who comes while somebody asks makes a line, which then stays."""
    limiter = RedisKeyedLimiter(client, name, 3, 3600)["ann"]
    decisions = await asyncio.gather(*(limiter.try_acquire() for _ in range(5)))

    assert sorted(map(bool, decisions)) == [False, False, True, True, True]
    assert limiter._drawn is not None
    assert (await limiter.statistics()).level == pytest.approx(3, abs=0.02)


@pytest.mark.parametrize("taken", [0, 3])
async def test_who_is_cancelled_while_it_asks_takes_nothing(client, name, taken):
    """What was booked for a caller that has gone is given back."""
    gated = Gated(client)
    limits = RedisKeyedLimiter(gated, name, 3, 3600)
    limiter = limits["ann"]
    await limiter.try_acquire(taken)
    gated.asked.clear()
    gated.gate.clear()
    task = asyncio.create_task(limiter.try_acquire(2))
    await gated.asked.wait()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    gated.gate.set()
    level = inf
    for _ in range(100):
        await asyncio.sleep(0.02)
        level = (await limiter.statistics()).level
        if level <= taken:
            break

    assert level == pytest.approx(taken, abs=0.02)


async def test_who_is_cancelled_while_the_server_fails_is_gone(client, name):
    """There is nobody to tell, and nothing to give back."""
    gated = Gated(client)
    limits = RedisKeyedLimiter(gated, name, 3, 3600)
    await client.set(f"aiolimiter:{name}:ann", "not a limiter's")
    gated.gate.clear()
    task = asyncio.create_task(limits["ann"].try_acquire())
    await gated.asked.wait()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    gated.gate.set()

    assert await limits["bob"].try_acquire()
    with pytest.raises(BackendError, match="holds something that is not a limiter"):
        await limits["ann"].try_acquire()


async def test_a_key_that_the_server_lost_is_healed(client, name):
    """What this process knows of a key it brings back, without a line too."""
    limiter = RedisKeyedLimiter(client, name, 5, 3600)["ann"]
    await limiter.try_acquire(4)
    await client.delete(f"aiolimiter:{name}:ann")
    refused = await limiter.try_acquire(2)

    assert (refused.granted, limiter._drawn) == (False, None)
    await client.delete(f"aiolimiter:{name}:ann")
    # And the line, when there is one, knows it as well.
    assert not await limiter.has_capacity(2)


async def test_a_change_is_heard_of(client, name):
    """Rates that another process changed count at once, and are told afterwards."""
    one = RedisKeyedLimiter(client, name, 5, 3600)
    other = RedisKeyedLimiter(client, name, 5, 3600)
    await one["ann"].change(max_rate=10)
    decision = await other["ann"].try_acquire(2)

    assert decision.remaining == pytest.approx(8, abs=0.02)
    assert other["ann"].max_rate == 10
    await one["bob"].change(max_rate=2)
    with pytest.raises(ValueError, match=r"^can't acquire 3: "):
        await other["bob"].try_acquire(3)


async def test_a_change_while_a_line_is_made_is_heard_there(client, name):
    """Whoever asks without a line leaves it to the line if there is one by then."""
    gated = Gated(client)
    limiter = RedisKeyedLimiter(gated, name, 5, 3600)["ann"]
    await RedisKeyedLimiter(client, name, 5, 3600)["ann"].change(max_rate=10)
    gated.gate.clear()
    asking = asyncio.create_task(limiter.try_acquire(2))
    await gated.asked.wait()
    also = asyncio.create_task(limiter.try_acquire(2))
    await asyncio.sleep(0)
    gated.gate.set()

    assert await asking
    assert await also
    assert limiter.max_rate == 10


async def test_without_a_limit_nobody_is_asked(client, name):
    """A key without a limit admits all."""
    limiter = RedisKeyedLimiter(client, name, inf)["ann"]

    assert (await limiter.try_acquire(1e9)).remaining == inf


async def test_an_observer_hears_of_keys_too(client, name):
    """Where somebody listens, all is told as in a line."""
    told = []

    class Listening(Observer):
        def waited(self, limiter, amount, seconds):
            told.append((limiter.name, amount, seconds))

    limits = RedisKeyedLimiter(client, name, 5, 3600)
    limits.observer = Listening()
    await limits["ann"].try_acquire(2)
    limits.observer = None

    assert told == [(f"{name}:ann", 2, 0.0)]


@pytest.mark.parametrize("policy", ["raise", "open", "local"])
async def test_an_outage_is_the_policys(own, name, policy, caplog):
    """While the server is away the policy counts, and afterwards what is due."""
    from redis.asyncio import Redis

    async with Redis(unix_socket_path=str(own.socket)) as client:
        limits = RedisKeyedLimiter(client, name, 2, 3600, on_error=policy)
        await limits["ann"].try_acquire()
        own.kill()
        with caplog.at_level(logging.WARNING, "aiolimiter"):
            if policy == "raise":
                with pytest.raises(BackendError):
                    await limits["ann"].try_acquire()
            else:
                assert await limits["ann"].try_acquire()

    assert "the shared store" in caplog.text
