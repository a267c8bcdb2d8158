"""`RedisLimiter` and `RedisKeyedLimiter` on a real server: what is theirs alone."""

from __future__ import annotations

import asyncio
import gc
import subprocess
import sys
import time

import pytest
from redis.asyncio import Redis, RedisCluster

from aiolimiter import BackendError
from aiolimiter.redis import RedisKeyedLimiter, RedisLimiter, _keyed, _script
from aiolimiter.redis._place import place

from . import engine
from .memory import cancelled_when_granted
from .replay import excess

pytestmark = pytest.mark.real_time


def written(head: str, terms="[[1],[1]]", in_force="", others="") -> str:
    """The four lines under a key; the first from its levels on."""
    return f"v4 [{head}]\n{terms}\n{in_force}\n{others}"


# A limit that was used once, of one rate and of two; nobody stood anywhere before.
ONE, TWO = "1,1,0,0,0,0,0", "1,1,1,0,0,0,0,0,0"


def calls(server, *, command: str = "evalsha") -> int:
    """How often the server was asked to run a script."""
    with engine.admin(server) as admin:
        found = admin.info("commandstats").get(f"cmdstat_{command}", {"calls": 0})
        return found["calls"]


@pytest.mark.parametrize("odd", ["a b", "{tag}:x", "{", "naïve-名", "a:b\nc", ""])
async def test_any_name_will_do(client, valkey, name, odd):
    """A name may hold spaces, braces, colons, line ends and any letters."""
    limiter = RedisLimiter(client, name + odd, 10, 3600)
    await limiter.acquire(10)

    assert not await RedisLimiter(client, name + odd, 10, 3600).try_acquire()
    with engine.admin(valkey) as admin:
        told = odd.replace(":", "%3A").replace("\n", "%0A")
        assert admin.exists(f"aiolimiter:{name}{told}") == 1


async def test_the_key_lives_as_long_as_its_debt(client, valkey, name):
    """The expiry follows the debt: never none, never 0, never sooner than empty."""
    with engine.admin(valkey) as admin:
        for rate, period in [(1000, 0.001), (100, 1), (5, 60), (1, 86_400)]:
            key = f"{name}-{rate}"
            await RedisLimiter(client, key, rate, period).acquire(rate)
            left = admin.pttl(f"aiolimiter:{key}")

            # -2: gone, within the millisecond that it had to live.
            assert left >= period * 1000 - 500 or (left == -2 and period < 1)


async def test_a_flushed_script_is_sent_again(own, name):
    """SCRIPT FLUSH costs one more call, and nobody an error."""
    async with Redis(unix_socket_path=str(own.socket)) as client:
        limiter = RedisLimiter(client, name, 10, 3600)
        for _ in range(3):
            await limiter.acquire()
            await client.script_flush()

        assert (await limiter.statistics()).level == pytest.approx(3, abs=0.01)
    assert calls(own, command="eval") == 4


@pytest.mark.parametrize(
    "foreign",
    [
        *("hello", "hello 17", "1 2 3", "", "v3 1 0 1 1 0 0", "v4", "v4 ", "v4 \n\n\n"),
        *(written(ONE)[:end] for end in (10, 20, 29)),
        written(ONE).replace("v4", "v5"),
        written(ONE).replace("\n", "\0x\n", 1),
        *(written(f"{level},1,0,0,0,0,0") for level in ("NaN", "Infinity", "-1", "{}")),
        *(written(f"{level},1,0,0,0,0,0") for level in ('"1"', "[]", "null", "", "x")),
        *(written(f"1,{rest}") for rest in ("1,0,0,0,0", "1,0,-1,0,0,0", "1")),
        *(written(ONE, terms=f"[[{rate}],[{cap}]]") for rate, cap in ((0, 1), (1, 0))),
        *(written(ONE, terms=terms) for terms in ("", "[]", "[[1],[]]", "[[1,1],[1]]")),
        *(
            written(ONE, in_force=in_force)
            for in_force in ("[1,0,0,0,0,[0]]", "[1,0,0,0,-1,[0],[0]]", "[1]", "x")
        ),
        *(
            written(f"1,1,0,0,{lows}", others=others)
            for lows, others in (
                *(("1,5", ""), ("1,5,-1", ""), ("2,5,1", "")),
                *(("1,5,1", "[4,1]"), ("0,5,1", "[4,1]")),
            )
        ),
        written(TWO),
        written("1,1,1,0,0,1,5,1", terms="[[1,1],[1,1]]"),
    ],
)
async def test_a_foreign_value_is_an_error_and_is_left_alone(
    client, valkey, name, foreign
):
    """What is not a limiter's under its key is an error, and stays as it is."""
    with engine.admin(valkey) as admin:
        admin.set(f"aiolimiter:{name}", foreign)
        limiter = RedisLimiter(client, name, 10, on_error="open")
        with pytest.raises(BackendError, match=r"holds something that is not"):
            await limiter.acquire()

        assert admin.get(f"aiolimiter:{name}") == foreign


@pytest.mark.parametrize(
    "others",
    [
        *("x", "5,5", '["a","b"]', "null", "[null,null]", "[5,[1]]", "[5,1", "[5]"),
        *("[NaN,1]", "[1e400,1]", "[5,-1]", "[" * 2000),
    ],
)
async def test_of_lows_that_can_not_be_read_nothing_comes_back(
    client, valkey, name, others
):
    """What somebody wrote among the older lows is no error, and gives nothing back."""
    limiter, key = RedisLimiter(client, name, 10, 1), f"aiolimiter:{name}"
    with engine.admin(valkey) as admin:
        async with limiter.reserve(5) as reservation:
            # By now it has leaked, but for what the lows may say.
            await asyncio.sleep(0.6)
            seconds, micros = admin.time()
            now = seconds * 1_000_000 + micros
            head = f"5,{now},0,0,2,{now + 60_000_000},5"
            admin.set(key, written(head, "[[1e-5],[10]]", others=others))
            await reservation.settle(1)

            assert (await limiter.statistics()).level > 3
            assert _script.state(admin.get(key)).lows


async def test_rates_are_written_as_before_when_a_change_is_over(client, valkey, name):
    """They are compared as text, and read anew in each trip where that differs."""
    limiter = RedisLimiter(client, name, 10, 3600)
    with engine.admin(valkey) as admin:

        def terms():
            return admin.get(f"aiolimiter:{name}").split("\n")[1]

        await limiter.acquire()
        before = terms()
        await limiter.change(max_rate=50)
        changed = terms()
        await limiter.change()

        assert changed != before == terms()


async def test_levels_at_the_ends_of_float_are_told(client, name):
    """A level that no float can hold is bounded, and what was booked is told."""
    limiter = RedisLimiter(client, name, [(1e300, 1e-2), (1, 1e9)])
    assert await limiter.try_acquire(1)
    waiting = asyncio.create_task(limiter.acquire(1, max_wait=1e9 + 1))
    await asyncio.sleep(0.1)
    decision = await limiter.try_acquire(1)
    waiting.cancel()
    await asyncio.wait([waiting])

    assert not decision
    assert waiting.cancelled()


async def test_a_value_of_another_type_is_an_error_too(client, valkey, name):
    """A list under the key is an error, and stays a list."""
    with engine.admin(valkey) as admin:
        admin.rpush(f"aiolimiter:{name}", "x")
        with pytest.raises(BackendError, match=r"use another name, or delete the key$"):
            await RedisLimiter(client, name, 10).acquire()

        assert admin.lrange(f"aiolimiter:{name}", 0, -1) == ["x"]


async def test_a_server_that_may_not_read_the_key_says_why(own, name):
    """An error of the server that is no foreign value is told as it is."""
    with engine.admin(own) as admin:
        admin.acl_setuser(
            "poor", enabled=True, nopass=True, commands=["+@all", "-get"], keys=["*"]
        )
    path = str(own.socket)
    async with Redis(unix_socket_path=path, username="poor", password="x") as client:
        with pytest.raises(BackendError, match=r"^the shared store failed: ") as error:
            await RedisLimiter(client, name, 10).acquire()

    assert "get" in str(error.value.__cause__).lower()


async def test_the_rights_that_the_guide_names_are_enough(own, name):
    """A user with five commands on the limiter's keys can do everything."""
    with engine.admin(own) as admin:
        admin.execute_command(
            *["ACL", "SETUSER", "limiter", "on", ">secret", "~aiolimiter:*"],
            *["+evalsha", "+eval", "+get", "+set", "+pttl", "+time"],
        )
    path = str(own.socket)
    async with Redis(
        unix_socket_path=path, username="limiter", password="secret"
    ) as client:
        limiter = RedisLimiter(client, name, 10, 3600)
        async with limiter.reserve(4) as reservation:
            await reservation.settle(2)
        await limiter.restrict(5)

        assert (await limiter.statistics()).level == pytest.approx(5, abs=0.01)


async def test_a_thousand_cancelled_in_their_tick_leave_no_debt(any_client, name):
    """Of 1,000 grants that nobody used all comes back but what leaked, once."""
    limiter = RedisLimiter(any_client, name, 50, 1, burst=2000)
    await cancelled_when_granted(limiter, 1000)
    await asyncio.sleep(0.1)

    assert (await limiter.statistics()).level <= 50 * 0.3


async def test_what_was_reset_stays_reset(client, valkey, name):
    """Whoever remembers a debt of before does not bring it back."""
    ours, other = (RedisLimiter(client, name, 10, 10) for _ in range(2))
    await ours.acquire(10)
    await other.statistics()
    await ours.reset()
    await ours.acquire(0.1)
    await asyncio.sleep(0.2)
    with engine.admin(valkey) as admin:
        left = admin.pttl(f"aiolimiter:{name}")

    # What was taken since has leaked, what was owed before would not have.
    assert 8_000 < left <= 10_001
    assert await other.try_acquire(10)


async def test_a_pause_beyond_the_longest_is_the_longest_for_each_key(client, name):
    """The longest pause is set once for all keys, made before or after."""
    limits = RedisKeyedLimiter(client, name, 10, 1)
    ann = limits["ann"]
    limits.max_pause = 5

    assert (ann.max_pause, limits["bob"].max_pause, limits.max_pause) == (5, 5, 5)


async def test_a_debt_is_forgiven_by_an_empty_bucket_of_now(client, valkey, name):
    """A level of nothing that is newer than what processes saw is believed."""
    limiter = RedisLimiter(client, name, 10, 3600)
    await limiter.acquire(10)
    with engine.admin(valkey) as admin:
        seconds, micros = admin.time()
        now = seconds * 1_000_000 + micros
        stored = written(f"0,{now},0,0,0,0,0", f"[[{10 / 3600e6}],[10]]")
        admin.set(f"aiolimiter:{name}", stored, px=60_000)

    assert await limiter.try_acquire(10)


async def test_of_two_configurations_the_stricter_counts(client, name):
    """While a change of the rates is rolled out, both kinds go by the stricter."""
    old = RedisLimiter(client, name, 10, 3600)
    new = RedisLimiter(client, name, [(20, 3600), (100, 86_400)])
    await old.acquire(6)

    assert (await new.try_acquire(3)).remaining == pytest.approx(1, abs=0.1)
    assert not await new.try_acquire(2)
    assert await old.try_acquire(1)
    assert repr(new).endswith(": 10 per 3600 s, 100 per 86400 s>")


async def test_several_rates_hold_at_once(any_client, name):
    """Of 20 at once and 100/s, and 30 and 30/s, each binds where it is lower."""
    limiter = RedisLimiter(any_client, name, [(20, 0.2), (30, 1)])
    start, ran = time.monotonic(), []

    async def one():
        await limiter.acquire()
        ran.append((time.monotonic() - start, 1.0))

    await asyncio.gather(*(one() for _ in range(45)))

    assert excess(ran, 100, 20) <= 1 + 100 * 0.02
    assert excess(ran, 30, 30) <= 1 + 30 * 0.02
    assert 0.5 <= ran[-1][0] < 0.7
    assert 0.05 <= ran[26][0] < 0.2


async def test_a_gather_with_room_for_all_is_a_few_trips(own, name):
    """Twenty thousand who come at once, with room for all, make at most three trips."""
    async with Redis(unix_socket_path=str(own.socket)) as client:
        limiter = RedisLimiter(client, name, 20_000, 3600)
        await asyncio.gather(*(limiter.acquire() for _ in range(20_000)))

    assert calls(own) <= 3


async def test_each_key_has_a_limit_of_its_own(client, name):
    """What one key took, another one still has."""
    limits = RedisKeyedLimiter(client, name, 5, 3600)
    await limits["ann"].acquire(5)

    assert not await limits["ann"].try_acquire()
    assert await limits[7].try_acquire()
    assert limits[7].name == f"{name}:7"
    assert repr(limits) == f"<RedisKeyedLimiter {name!r}>"


async def test_no_key_is_another_limit(client, name):
    """Whoever chooses a key chooses only of which key of that limiter it is."""
    strangers = RedisKeyedLimiter(client, name, 5, 3600)
    for key in ["global", "admin:bob", "", "\0", "\ud800", "{x}", "a" * 1_000_000]:
        await strangers[key].acquire(5)

    assert not await strangers["a" * 1_000_000].try_acquire()
    assert await strangers["a" * 999_999].try_acquire()
    for other in [
        RedisLimiter(client, f"{name}:global", 5, 3600),
        RedisKeyedLimiter(client, f"{name}:admin", 5, 3600)["bob"],
        RedisLimiter(client, name, 5, 3600),
        RedisLimiter(client, f"{name}:", 5, 3600),
    ]:
        assert await other.try_acquire(5)


async def test_a_hash_tag_keeps_the_keys_of_a_name_together(shared_server, name):
    """Keys are spread over a cluster, those of a tagged name are not."""
    async with RedisCluster(
        host="127.0.0.1", port=shared_server("cluster")[0].port
    ) as c:

        def slots(name: str) -> set[int]:
            return {c.keyslot(place(name, f"{{a}}{i}")) for i in range(20)}

        limiter = RedisKeyedLimiter(c, f"{{{name}}}:api", 5, 3600)["{a}"]
        await limiter.acquire(5)

        assert not await limiter.try_acquire()
        assert len(slots(f"{{{name}}}:api")) == 1
        assert slots(f"{{{name}}}:api") == {c.keyslot(name)}
        assert len(slots(name)) > 10


async def test_a_key_has_one_limiter_at_a_time(client, name, monkeypatch):
    """A key in use has one limiter; of the others the process keeps the latest."""
    monkeypatch.setattr(_keyed, "KEPT", 10)
    limits = RedisKeyedLimiter(client, name, 5)
    used = limits["used"]
    for key in range(1000):
        limits[key]
    gc.collect()

    assert len(limits._used) == 11
    assert limits["used"] is used
    assert limits[999] is limits[999]


@pytest.mark.parametrize("policy", ["raise", "wait", "local", "open"])
async def test_a_client_that_blocks_is_an_error_under_every_policy(
    valkey, name, policy
):
    """A client that does not await is named, and lets nobody through."""
    with engine.admin(valkey) as blocking:
        limiter = RedisLimiter(blocking, name, 10, on_error=policy)
        for _ in range(2):
            with pytest.raises(BackendError, match=r"use redis\.asyncio or valkey\.as"):
                await asyncio.wait_for(limiter.acquire(), 3)


async def test_an_address_where_nobody_is_is_named(tmp_path, name):
    """A client that tries again and again tells what it met when its time is over."""
    async with Redis(unix_socket_path=str(tmp_path / "nobody")) as client:
        limiter = RedisLimiter(client, name, 10, timeout=0.3)
        with pytest.raises(BackendError, match=r"within 1\.5 s: .*nobody.*; it is"):
            await limiter.acquire()


@pytest.mark.parametrize("client", [None, "redis://127.0.0.1"])
def test_what_is_no_client_is_found_when_the_limiter_is_made(client):
    """An address, or nothing, is not a client, and is refused at once."""
    with pytest.raises(TypeError, match=r"^client must be a client of redis.asyncio, "):
        RedisLimiter(client, "name", 10)


@pytest.mark.parametrize("make", [RedisLimiter, RedisKeyedLimiter])
def test_a_name_that_was_left_out_is_missed(make):
    """A number where the name belongs is a mistake, not the name of a limit."""
    with pytest.raises(TypeError, match=r"^name must be a string, got 100; max_rate"):
        make(Redis(), 100, 60)


async def test_a_bad_number_is_found_when_the_limits_are_made(client, name):
    """Whatever is wrong with the numbers is said before there is any key."""
    with pytest.raises(ValueError, match=r"^max_rate must be above 0"):
        RedisKeyedLimiter(client, name, -1)


def test_a_redis_limiter_says_what_it_is():
    """The representation names the limiter and its rates."""
    limiter = RedisLimiter(Redis(), "chat", [(10, 1), (100, 60)])

    assert repr(limiter) == "<RedisLimiter 'chat': 10 per 1 s, 100 per 60 s>"


def test_importing_it_imports_no_client():
    """``aiolimiter.redis`` needs no client library before it is given one."""
    code = (
        "import sys, aiolimiter.redis\n"
        "sys.exit(any(m.split('.')[0] in ('redis', 'valkey') for m in sys.modules))"
    )

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
