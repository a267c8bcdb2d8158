"""Trips of many keys of one client share a few pipelines."""

from __future__ import annotations

import asyncio
import contextlib
import gc
from typing import Any

import pytest
from redis.asyncio import Redis, RedisCluster

from aiolimiter import BackendError
from aiolimiter._shell.shared.store import Overdue
from aiolimiter.redis import RedisKeyedLimiter, RedisLimiter
from aiolimiter.redis._courier import LANES, MOST, Courier, couriers

from . import engine


class NoScriptError(Exception):
    """What a client raises when the server does not know the script."""


class ResponseError(Exception):
    """What a client raises when the server says that something is wrong."""


class Client:
    """
    A client whose server answers each key with its name.

    Attributes:
        way: Seconds until it answers.
        error: What goes wrong on the way, if anything.
        odd: Answers for some keys, each given once.
        sent: The keys of all that was sent, together or alone.
    """

    def __init__(self, way: float = 0.1) -> None:
        self.way = way
        self.error: BaseException | None = None
        self.odd: dict[str, Exception] = {}
        self.sent: list[list[str]] = []
        self.evals: list[str] = []
        self.most = self.now = 0
        self.couriers: Any = None

    async def _send(self, keys: list[str]) -> list[Any]:
        self.sent.append(keys)
        self.now += 1
        self.most = max(self.most, self.now)
        try:
            await asyncio.sleep(self.way)
            if self.error is not None:
                raise self.error
            return [self.odd.pop(key, key) for key in keys]
        finally:
            self.now -= 1

    async def evalsha(self, _sha, _number, key, _argument):
        """Send one call alone."""
        (answer,) = await self._send([key])
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def eval(self, _script, _number, key, _argument):
        """Send the script itself."""
        self.evals.append(key)
        return key

    def pipeline(self, *, transaction):
        """Begin a pipeline."""
        assert not transaction
        return Pipeline(self)


class Pipeline:
    """Calls that a client will send together."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._keys: list[str] = []

    def execute_command(self, verb, _sha, _number, key, _argument):
        """Add one."""
        assert verb == "EVALSHA"
        self._keys.append(key)

    def execute(self, *, raise_on_error):
        """Send them."""
        assert not raise_on_error
        return self._client._send(self._keys)


def call(client, *keys, timeout=1.0) -> list[asyncio.Task[Any]]:
    """Call the script on each of *keys*, in one tick."""
    # They live as long as somebody uses them: a limiter, or here the client.
    client.couriers = couriers(client, timeout)
    courier = client.couriers.here()
    return [asyncio.create_task(courier.call(str(key), "")) for key in keys]


async def test_the_calls_of_one_tick_go_together():
    """Who calls in the same tick goes in one pipeline; one that is alone in none."""
    client = Client()
    here = call(client, *range(5))
    assert await asyncio.gather(*here) == list("01234")
    await asyncio.gather(*call(client, 7))

    assert client.sent == [list("01234"), ["7"]]


async def test_who_called_alone_waits_for_no_others():
    """The calls of a lone limit leave at once, but for the first."""
    client = Client()
    for steps in (2, 1, 1):
        (trip,) = call(client, "a")
        sent = len(client.sent)
        for _ in range(steps):
            assert len(client.sent) == sent
            await asyncio.sleep(0)
        assert len(client.sent) == sent + 1
        await trip


async def test_who_called_alone_goes_ahead_of_others_once():
    """Two that call in the same tick go together, all but the first time."""
    client = Client()
    await asyncio.gather(*call(client, "a"))
    for _ in range(3):
        await asyncio.gather(*call(client, "a", "b"))

    assert client.sent == [["a"], ["a"], ["b"], ["a", "b"], ["a", "b"]]


async def test_a_few_pipelines_are_under_way_at_once():
    """However many keys: no more than the lanes at once, and none is too long."""
    client = Client()
    here = call(client, *range(10_000))
    answers = await asyncio.gather(*here)

    assert answers == list(map(str, range(10_000)))
    assert client.most == LANES
    assert {len(keys) for keys in client.sent} == {MOST}


async def test_who_waits_for_a_lane_waits_as_long_as_it_takes():
    """The deadline counts from when a pipeline leaves, so a slow server is not away."""
    client = Client(way=0.9)
    here = call(client, *range(MOST * LANES * 5))
    await asyncio.gather(*here)

    assert asyncio.get_running_loop().time() == pytest.approx(4.5, abs=0.01)


async def test_a_server_that_answers_nobody_is_away_for_all():
    """At a deadline with no answer since, who waits for a lane fails too."""
    client = Client()
    await asyncio.gather(*call(client, "before"))
    client.way = 3600
    here = call(client, *range(MOST * LANES * 5))
    ends = await asyncio.gather(*here, return_exceptions=True)

    assert {type(end) for end in ends} == {Overdue}
    assert str(ends[0]) == "did not answer within 1 s"
    assert asyncio.get_running_loop().time() == pytest.approx(1.1, abs=0.01)


async def test_a_pipeline_that_breaks_is_not_the_others_fault():
    """When others were answered meanwhile, only the calls of the broken one fail."""
    client = Client()
    here = call(client, *range(MOST * (LANES + 1)))

    async def send(keys, whole=client._send):
        if keys[0] == "0":
            await asyncio.sleep(0.15)
            raise OSError(keys[0])
        return await whole(keys)

    client._send = send
    ends = await asyncio.gather(*here, return_exceptions=True)

    assert [str(end) for end in ends[:MOST]] == ["0"] * MOST
    assert ends[MOST:] == list(map(str, range(MOST, MOST * (LANES + 1))))


async def test_a_script_that_is_not_known_is_sent_once():
    """Of many that the server does not know the script for, one sends it."""
    client = Client()
    client.odd = {str(key): NoScriptError() for key in range(3)}
    client.odd["1"] = ResponseError("NOSCRIPT no matching script")
    client.odd["4"] = ResponseError("OOM")
    here = call(client, *range(5))
    client.odd["0"] = NoScriptError()
    ends = await asyncio.gather(*here, return_exceptions=True)

    assert ends[:4] == list("0123")
    assert str(ends[4]) == "OOM"
    # The first of those it was not known for asks once more, by itself.
    assert client.sent == [list("01234"), ["0"], ["1", "2"]]


async def test_an_error_alone_is_an_answer_too():
    """What the server says to one that is alone is its answer; the script is sent."""
    client = Client()
    client.odd = {"a": ResponseError("OOM"), "b": NoScriptError()}
    (alone,) = call(client, "a")
    with pytest.raises(ResponseError, match="OOM"):
        await alone

    assert await asyncio.gather(*call(client, "b")) == ["b"]
    assert client.evals == ["b"]


async def test_a_node_that_is_gone_is_asked_for_once_and_then_all():
    """What a pipeline could not bring to a node goes again, one before the others."""
    client = Client()
    client.odd = {str(key): ConnectionError() for key in range(3)}
    here = call(client, *range(4))

    assert await asyncio.gather(*here) == list("0123")
    assert client.sent == [list("0123"), ["0"], ["1", "2"]]


async def test_whoever_cancels_a_pipeline_cancels_its_calls_only():
    """A pipeline that is cancelled from outside ends its calls, and the next leaves."""
    client = Client()
    client.error = asyncio.CancelledError()
    (first,) = call(client, "a")
    with pytest.raises(asyncio.CancelledError):
        await first
    client.error = None

    assert await asyncio.gather(*call(client, "b")) == ["b"]


async def test_who_gives_up_does_not_disturb_the_others():
    """Who may be cancelled carries nobody; what it is answered is not lost."""
    client, lost = Client(), []
    await asyncio.gather(*call(client, "before"))
    courier = client.couriers.here()
    first = asyncio.create_task(courier.call("a", "", lost.append))
    (second,) = call(client, "b")
    await asyncio.sleep(0.05)
    first.cancel()

    assert await second == "b"
    assert lost == ["a"]


async def test_what_a_lost_answer_leads_to_is_not_the_others_fault():
    """Whatever fails with an answer that came too late harms no lane and no others."""
    loop, client, faults = asyncio.get_running_loop(), Client(), []
    loop.set_exception_handler(lambda _, context: faults.append(context["exception"]))
    call(client)
    courier = client.couriers.here()

    def fail(answer):
        raise ValueError(answer)

    for _ in range(LANES + 1):
        first = asyncio.create_task(courier.call("a", ""))
        lost = asyncio.create_task(courier.call("b", "", fail))
        (last,) = call(client, "c")
        await asyncio.sleep(0.05)
        lost.cancel()
        assert await asyncio.gather(first, last) == ["a", "c"]

    await asyncio.sleep(0)
    assert [str(fault) for fault in faults] == ["b"] * (LANES + 1)


async def test_who_is_carried_may_be_torn_down():
    """Who is ended while another one carries it is answered in vain."""
    client = Client()
    first, second = call(client, "a", "b")
    await asyncio.sleep(0.05)
    second.cancel()

    assert await first == "a"
    assert second.cancelled()


def test_a_loop_that_is_closed_over_trips_is_quiet():
    """Who is left behind in the middle of a trip, with its loop, makes no noise."""
    client = Client(way=3600)

    async def leave():
        for task in call(client, "a", "b"):
            task._log_destroy_pending = False
        await asyncio.sleep(0.05)

    loop = asyncio.new_event_loop()
    loop.run_until_complete(leave())
    loop.close()
    # What is raised while it is collected is a warning, and warnings are errors.
    gc.collect()

    assert client.sent == [["a", "b"]]


async def test_who_carries_the_others_may_be_torn_down_before_it_leaves():
    """Whoever ends the first of a tick before it leaves leaves the others alone."""
    client = Client()
    first, second = call(client, "a", "b")
    await asyncio.sleep(0)
    first.cancel()

    assert await second == "b"
    assert first.cancelled()


async def test_a_client_that_blocks_is_an_error_for_many_too():
    """A client that answers at once can't be used, also by many in one tick."""
    client = Client()
    client._send = list
    here = call(client, *range(3))
    with pytest.raises(BackendError, match="the client blocks the event loop"):
        await asyncio.gather(*here)
    await asyncio.gather(*here, return_exceptions=True)


def test_each_loop_has_a_courier_of_its_own():
    """A client that is used in one loop after another is served in each."""
    client = Client()

    async def use():
        return await asyncio.gather(*call(client, "a"))

    assert asyncio.run(use()) == asyncio.run(use()) == ["a"]


@pytest.mark.real_time
@pytest.mark.parametrize("policy", ["raise", "open", "wait"])
async def test_two_hundred_keys_with_the_default_client(client, name, policy):
    """200 keys at once: nobody hears of an error, passes its limit or is refused."""
    limits = RedisKeyedLimiter(client, name, 2, 3600, on_error=policy)

    async def use(key):
        return [bool(await limits[key].try_acquire()) for _ in range(3)]

    got = await asyncio.gather(*(use(key) for key in range(200)))

    assert got == [[True, True, False]] * 200


@pytest.mark.real_time
async def test_ten_thousand_keys_on_ten_connections(own, name):
    """10,000 keys at once: no error, and at most ten connections in all."""
    async with Redis(unix_socket_path=str(own.socket), max_connections=10) as client:
        # The machine that the tests run on may be busy.
        limits = RedisKeyedLimiter(client, name, 10, 3600, timeout=20)
        await asyncio.gather(*(limits[key].acquire() for key in range(10_000)))
    with engine.admin(own) as admin:
        assert admin.info("stats")["total_connections_received"] <= 10
        assert admin.dbsize() == 10_000


@pytest.mark.real_time
async def test_many_keys_of_a_cluster(shared_server, name):
    """Keys on all nodes of a cluster that does not know the script are served."""
    nodes = shared_server("cluster")
    for node in nodes:
        with engine.admin(node) as admin:
            admin.script_flush()
    async with RedisCluster(
        host="127.0.0.1", port=nodes[0].port, max_connections=10
    ) as client:
        limits = RedisKeyedLimiter(client, name, 2, 3600)
        for _ in range(2):
            await asyncio.gather(*(limits[key].acquire() for key in range(300)))

        assert not any(
            await asyncio.gather(*(limits[key].try_acquire() for key in range(300)))
        )


@pytest.mark.real_time
async def test_many_keys_on_a_server_that_was_flushed(own, name):
    """After SCRIPT FLUSH a thousand keys cost a few calls more, and nobody an error."""
    async with Redis(unix_socket_path=str(own.socket)) as client:
        limits = [RedisLimiter(client, f"{name}{i}", 5, 3600) for i in range(1000)]
        for _ in range(3):
            await asyncio.gather(*(limiter.acquire() for limiter in limits))
            await client.script_flush()
    with engine.admin(own) as admin, contextlib.closing(admin):
        assert admin.info("commandstats")["cmdstat_eval"]["calls"] <= 3 * LANES


class Stubborn(Client):
    """A client that turns whatever ends it into an error of its own."""

    async def _send(self, keys):
        try:
            return await super()._send(keys)
        except BaseException as error:
            raise ConnectionError from error


def test_a_pipeline_that_is_torn_down_with_its_loop_tells_nobody():
    """A loop that is closed over a trip hears of no error that came after it."""
    loop = asyncio.new_event_loop()
    courier = Courier(Stubborn(), 1.0)
    caller = loop.create_task(courier.call("key", ""))
    loop.run_until_complete(asyncio.sleep(0.001))
    (trip,) = courier._under_way
    loop.close()

    for task in (trip, caller):
        task.get_coro().close()
        task._log_destroy_pending = False
