"""What becomes of requests while the store of a shared limiter is away."""

from __future__ import annotations

import asyncio
import json
import logging

import pytest
from redis.asyncio import Redis

from aiolimiter._shell.shared.by_key import SharedByKey
from aiolimiter._shell.shared.rate import rates
from aiolimiter.asgi import RateLimitMiddleware
from aiolimiter.redis import RedisKeyedLimiter

from ..fleet.memory import Memory, process
from .asking import ask, hello, now


async def test_a_shared_limit_is_one_limit():
    """Two processes behind one store admit what one would."""
    store = Memory(0.01)
    apps = [RateLimitMiddleware(hello, process(store, 3, 60)) for _ in range(2)]
    answers = [await ask(apps[n % 2]) for n in range(4)]

    assert [answer.status for answer in answers] == [200, 200, 200, 429]
    assert answers[0]["ratelimit-policy"] == '"default";q=3;w=60'
    assert answers[0]["ratelimit"] == '"default";r=2'
    assert answers[3]["retry-after"] in {"20", "21"}


async def test_a_request_waits_for_a_shared_limit():
    """With `max_wait` a request waits for the store's turn."""
    app = RateLimitMiddleware(hello, process(Memory(), 1, 10), max_wait=10)
    done = [(await ask(app)).status for _ in range(2)]

    assert done == [200, 200]
    assert now() == pytest.approx(10, abs=0.01)


async def test_several_rates_have_no_single_policy():
    """Where a shared limiter keeps several rates, only what is left is told."""
    limiter = process(Memory(), [(3, 1), (10, 60)], None)
    answer = await ask(RateLimitMiddleware(hello, limiter))

    assert (answer["ratelimit-policy"], answer["ratelimit"]) == (None, '"default";r=2')


async def test_a_store_outage_is_503_or_open_never_500(caplog):
    """While the store is away requests get a 503, or pass, as the server chose."""
    store = Memory()
    store.error = ConnectionError("away")
    closed = RateLimitMiddleware(hello, process(store, 3, 60))
    opened = RateLimitMiddleware(hello, process(store, 3, 60), on_outage="open")
    with caplog.at_level(logging.ERROR, "aiolimiter.asgi"):
        refused = [await ask(closed), await ask(closed), await ask(closed)]
        passed = [await ask(opened), await ask(opened)]

    assert {a.status for a in refused} == {503}
    assert {a["retry-after"] for a in refused} == {"1"}
    assert json.loads(refused[0].body)["status"] == 503
    assert {a["ratelimit"] for a in [*refused, *passed]} == {None}
    assert {a.status for a in passed} == {200}
    assert [record.getMessage().partition(":")[0] for record in caplog.records] == [
        "a limit can't be asked, so who comes gets a 503",
        "a limit can't be asked, so who comes passes",
    ]


async def test_each_outage_is_logged_once(caplog):
    """After the store has come back, its next outage is logged again."""
    store = Memory()
    app = RateLimitMiddleware(hello, process(store, 9, 1))
    for error in [ConnectionError("one"), None, ConnectionError("two")]:
        store.error = error
        await asyncio.sleep(10)
        await ask(app)
        await ask(app)

    assert [record.name for record in caplog.records].count("aiolimiter.asgi") == 2


async def test_a_handshake_during_an_outage_is_503():
    """A websocket is told the same."""
    store = Memory()
    store.error = ConnectionError("away")
    app = RateLimitMiddleware(hello, process(store, 3, 60))
    extensions = {"websocket.http.response": {}}

    answer = await ask(app, kind="websocket", extensions=extensions)
    assert answer.status == 503


async def test_no_request_waits_longer_than_the_timeout_of_the_store():
    """A store that does not answer costs a request the limiter's timeout."""
    store = Memory(1000)
    app = RateLimitMiddleware(hello, process(store, 3, 60, timeout=0.5), max_wait=5)

    assert (await ask(app)).status == 503
    assert now() == pytest.approx(0.5, abs=0.01)


async def test_what_the_application_raises_is_its_own():
    """A BackendError of the application is no outage of ours."""
    from aiolimiter import BackendError

    async def app(scope, receive, send):
        raise BackendError

    with pytest.raises(BackendError):
        await ask(RateLimitMiddleware(app, process(Memory(), 3, 60)))


async def test_the_event_loop_is_not_blocked_by_the_store():
    """While one request asks a slow store, another is served."""
    slow = RateLimitMiddleware(hello, process(Memory(0.4), 3, 60))
    asking = asyncio.create_task(ask(slow))
    await asyncio.sleep(0)
    await ask(hello)

    assert now() == 0
    assert (await asking).status == 200


class ByKey(SharedByKey):
    """A shared limiter for each key, without a server."""

    def __init__(self, max_rate, time_period) -> None:
        self._rates = rates(max_rate, time_period, None)
        self._limiters = {}

    def __getitem__(self, key):
        if key not in self._limiters:
            self._limiters[key] = process(Memory(), 2, 60)
        return self._limiters[key]


async def test_a_shared_limit_for_each_client():
    """Clients have limits of their own on a store, too, and the policy is told."""
    app = RateLimitMiddleware(hello, ByKey(2, 60))
    done = [(await ask(app, client=f"192.0.2.{n % 2}")).status for n in range(5)]

    assert done == [200, 200, 200, 200, 429]
    assert (await ask(app))["ratelimit-policy"] == '"default";q=2;w=60'


async def test_a_keyed_shared_limiter_tells_its_numbers():
    """The rate, period and burst of each key can be asked; of several the first."""
    client = Redis(unix_socket_path="no-server-is-here")
    one = RedisKeyedLimiter(client, "one", 5, 60, burst=2)
    several = RedisKeyedLimiter(client, "several", [(5, 1), (3, 60)])

    assert (one.max_rate, one.time_period, one.burst) == (5, 60, 2)
    assert (several.max_rate, several.time_period, several.burst) == (5, 1, 3)
    assert (await ask(RateLimitMiddleware(hello, several))).status == 503
