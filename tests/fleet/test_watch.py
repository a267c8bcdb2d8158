"""What `watch` sees of a limit on a server, and that it changes nothing there."""

from __future__ import annotations

import asyncio
import json

import pytest
from redis.asyncio import Redis

from aiolimiter import BackendError
from aiolimiter._cli import main as cli, sight
from aiolimiter._shell.shared.rate import Rate
from aiolimiter.redis import RedisKeyedLimiter, RedisLimiter
from aiolimiter.redis._place import place


@pytest.mark.real_time
@pytest.mark.parametrize("kind", ["valkey", "redis"])
def test_a_key_on_a_server_is_looked_at_and_stays_as_it_is(
    kind, shared_server, name, capsys
):
    """The stored bytes are the same after, and so is the time they are kept."""
    url = f"unix://{shared_server(kind).socket}"

    async def use():
        async with Redis.from_url(url) as client:
            await RedisLimiter(client, name, [(10, 60), (100, 600)]).acquire(4)
            return await client.get(f"aiolimiter:{name}")

    async def look():
        async with Redis.from_url(url) as client:
            return await client.get(f"aiolimiter:{name}")

    stored = asyncio.run(use())
    limits = ("--limit", "10/60", "--limit", "100/600")

    def told(*arguments) -> dict:
        assert cli.main(["watch", *arguments, "--once", "--json"]) == 0
        return json.loads(capsys.readouterr().out)

    seen = told(name, "--redis", url, *limits)
    told(name, "--redis", url, "--limit", "3/60")
    by_itself = told(name, "--redis", url)
    unused = told("another", "--redis", url, "--limit", "10/60 burst=5")

    assert asyncio.run(look()) == stored
    assert (seen["name"], seen["max_rate"]) == (name, 10)
    assert seen["level"] == pytest.approx(4, abs=0.5)
    assert [by_itself[key] for key in ("max_rate", "time_period", "burst")] == [
        pytest.approx(10),
        pytest.approx(60),
        10,
    ]
    assert (unused["level"], unused["available"], unused["burst"]) == (0, 5, 5)


@pytest.mark.real_time
async def test_without_a_limit_it_tells_what_is_in_force(shared_server, name):
    """The rate that is in force stands beside the level; without a key, none."""
    async with Redis(unix_socket_path=str(shared_server("valkey").socket)) as client:
        chats = RedisKeyedLimiter(client, name, 10, 10)
        await chats["Ada"].acquire(5)
        await asyncio.sleep(1)
        place_ = place(name, "Ada")
        seen = await sight.on_server(client, name, place_, [])
        told = await sight.on_server(client, name, place_, [Rate(10, 10, 10)])
        await chats["Ada"].change(max_rate=40, time_period=20, burst=8)
        changed = await sight.on_server(client, name, place_, [])
        nobody = await sight.on_server(client, name, place(name, "Bob"), [])

    assert seen.level == pytest.approx(told.level, abs=0.05)
    assert 3 < seen.level < 4.1
    assert (seen.max_rate, seen.time_period, seen.burst) == (10, 10, 10)
    assert (changed.max_rate, changed.time_period, changed.burst) == (40, 20, 8)
    assert (seen.waits, seen.paused) == (False, False)
    assert nobody.level == 0
    assert (nobody.burst, nobody.max_rate, nobody.available, nobody.wait) == (None,) * 4


@pytest.mark.real_time
async def test_whoever_waits_and_a_pause_are_seen_on_a_server(shared_server, name):
    """Also without a limit somebody is known to wait; a pause is told with one."""
    async with Redis(unix_socket_path=str(shared_server("valkey").socket)) as client:
        limiter = RedisLimiter(client, name, 10, 60)
        await limiter.acquire(10)
        waiting = asyncio.create_task(limiter.acquire(5))
        for _ in range(200):
            seen = await sight.on_server(client, name, place(name), [])
            if seen.waits:
                break
            await asyncio.sleep(0.01)
        told = await sight.on_server(client, name, place(name), [Rate(10, 60, 10)])
        waiting.cancel()
        await asyncio.wait([waiting])
        await limiter.pause(100)
        paused = await sight.on_server(client, name, place(name), [Rate(10, 60, 10)])

    assert (seen.waits, told.waits, told.paused) == (True, True, False)
    assert (paused.paused, paused.wait) == (True, pytest.approx(100, abs=5))


@pytest.mark.real_time
@pytest.mark.parametrize(
    "stored",
    [
        *("hello", "v4 x", "v3 1 0 3 4 5 6", "", "v4 5\n\n\n"),
        *(
            f"v4 [{head}]\n[[1],[1]]\n\n"
            for head in ("Infinity,5,0,0,0,0,0", "1,5,0,0", "1,5,0,0,1,2,[3]")
        ),
        "v5 [1,5,0,0,0,0,0]\n[[1],[1]]\n\n",
        *(f"v4 [1,5,0,0,0,0,0]\n{terms}\n\n" for terms in ("[[0],[1]]", "[[1,2],[1]]")),
        *(f"v4 [{one},5,0,0,0,0,0]\n[[1],[1]]\n\n" for one in ("9" * 400, "true")),
        f"v4 {'[' * 100_000}\n[[1],[1]]\n\n",
    ],
)
async def test_another_s_key_is_no_limit(shared_server, name, stored):
    """What is stored there is named, and stays."""
    async with Redis(unix_socket_path=str(shared_server("valkey").socket)) as client:
        await client.set(place(name), stored)
        with pytest.raises(BackendError, match="holds something that is not a limiter"):
            await sight.on_server(client, name, place(name), [])

        assert await client.get(place(name)) == stored.encode()
