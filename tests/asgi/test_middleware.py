"""The middleware lets through what the limit admits, and says what it does."""

from __future__ import annotations

import asyncio
import json
import re
from math import ceil, inf

import pytest
from hypothesis import example, given, strategies as st

from aiolimiter import (
    AsyncLimiter,
    CombinedLimiter,
    KeyedLimiter,
    KeyedSlidingWindowLimiter,
    Observer,
    SlidingWindowLimiter,
)
from aiolimiter.asgi import RateLimitMiddleware
from aiolimiter.asgi._fields import Fields
from aiolimiter.headers import told

from .asking import ask, connection, hello, now

FIVE = AsyncLimiter(5, 60)


async def statuses(app, times, **details):
    return [(await ask(app, **details)).status for _ in range(times)]


async def test_one_client_does_not_use_up_anothers_limit():
    """Each client has a limit of its own."""
    app = RateLimitMiddleware(hello, KeyedLimiter(3, 60))

    assert await statuses(app, 4, client="192.0.2.1") == [200, 200, 200, 429]
    assert await statuses(app, 4, client="192.0.2.2") == [200, 200, 200, 429]


async def test_a_unix_socket_is_limited():
    """Without an address all are one client, and none is without a limit."""
    app = RateLimitMiddleware(hello, KeyedLimiter(2, 60))

    assert await statuses(app, 3, client=None) == [200, 200, 429]


async def test_a_key_may_be_the_name_of_another_limiter():
    """Limits of their own do not meet, whatever their keys are called."""
    one, other = KeyedLimiter(1, 60), KeyedLimiter(1, 60)
    inner = RateLimitMiddleware(hello, one, name="inner", key=lambda scope: "outer")
    outer = RateLimitMiddleware(inner, other, name="outer", key=lambda scope: "outer")

    assert await statuses(outer, 2) == [200, 429]
    assert list(one) == list(other) == ["outer"]


async def test_the_shortest_way_in():
    """A text makes a limit for each client, which forgets before memory ends."""
    app = RateLimitMiddleware(hello, "2/60")

    assert await statuses(app, 3) == [200, 200, 429]
    assert app._gate.limit._keys._most == 100_000


@pytest.mark.parametrize("max_keys", [None, 2])
@pytest.mark.parametrize("observer", [None, Observer()])
@pytest.mark.parametrize("kind", [KeyedLimiter, KeyedSlidingWindowLimiter])
async def test_the_quick_way_decides_as_the_other(kind, observer, max_keys):
    """Whether what is skipped, waited for or counted is plain changes no answer."""
    ways = []
    for settings in [{}, {"skip": "/health"}]:
        limit = kind(3, 60, max_keys=max_keys)
        limit.observer = observer
        ways.append(RateLimitMiddleware(hello, limit, **settings))
    for n in range(60):
        await asyncio.sleep(n % 7)
        client = f"192.0.2.{n % 5 if n % 3 else 1}"
        one, other = [await ask(app, client=client) for app in ways]
        assert one == other
    for app in ways:
        app._gate.limit.observer = None


@pytest.mark.parametrize(
    "limit",
    [
        AsyncLimiter(2, 60),
        SlidingWindowLimiter(2, 60),
        KeyedLimiter(2, 60),
        KeyedSlidingWindowLimiter(2, 60),
        CombinedLimiter(AsyncLimiter(2, 60), AsyncLimiter(9, 60)),
    ],
    ids=lambda limit: type(limit).__name__,
)
async def test_every_kind_of_limit(limit):
    """Whatever limits, the third of two is refused."""
    assert await statuses(RateLimitMiddleware(hello, limit), 3) == [200, 200, 429]


async def test_a_function_finds_the_limit():
    """A function may give each request another limit, or none."""
    strict = AsyncLimiter(1, 60)
    app = RateLimitMiddleware(
        hello, lambda scope: strict if scope["path"] == "/login" else None
    )

    assert await statuses(app, 2, path="/login") == [200, 429]
    assert await statuses(app, 2) == [200, 200]


@pytest.mark.parametrize("limit", [5, None, "AsyncLimiter", AsyncLimiter, {}])
def test_what_is_no_limit_is_refused(limit):
    """Anything else is an error when the middleware is made, with a way out."""
    from aiolimiter._shell.which import finder

    message = rf"^limit can't be {re.escape(repr(limit))}: give a limiter, one with"
    with pytest.raises(TypeError, match=message):
        finder(limit, str)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"limit": "100"}, r"^limit must be 'amount/seconds', such as '100/60', got"),
        ({"limit": "100/minute"}, r"^limit must be 'amount/seconds'"),
        ({"limit": "0/60"}, r"^max_rate must be above 0"),
        ({"max_wait": -1}, r"^max_wait must"),
        ({"max_waiting": -1}, r"^max_waiting must"),
        ({"cost": -1}, r"^.*-1"),
        ({"name": "naïve"}, r"^name must be printable ASCII"),
        ({"on_outage": "close"}, r"^on_outage must be None or 'open', got 'close'"),
    ],
)
def test_bad_settings_are_refused(settings, message):
    """A setting that can't be is an error when the middleware is made."""
    with pytest.raises(ValueError, match=message):
        RateLimitMiddleware(hello, **({"limit": "1/1"} | settings))


async def test_the_fields_parse_with_http_sf():
    """A response says what is admitted, and what is left, as the draft has it."""
    app = RateLimitMiddleware(hello, KeyedLimiter(3, 60), name='per "client" 100%')
    answers = [await ask(app) for _ in range(4)]

    policy = [('per "client" 100%', {"q": 3, "w": 60})]
    assert [a.read("ratelimit-policy") for a in answers] == [policy] * 4
    assert [a.read("ratelimit") for a in answers[:3]] == [
        [('per "client" 100%', {"r": left})] for left in (2, 1, 0)
    ]
    assert answers[3].read("ratelimit") == [('per "client" 100%', {"r": 0, "t": 21})]


NAMES = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E))


@given(name=NAMES, remaining=st.floats(0, 1e300), seconds=st.integers(1, 10**9))
@example(name='100 % "a"', remaining=1e18, seconds=1)
@example(name="default", remaining=0.0, seconds=1)
def test_numbers_are_never_negative(name, remaining, seconds):
    """What is left is a whole number, 0 or more, as `told` writes it."""
    fields = Fields(name, None)

    assert fields.admitted(remaining) == [
        (b"ratelimit", told(name, remaining).encode())
    ]
    assert fields.refused(seconds) == [(b"ratelimit", told(name, 0, seconds).encode())]


async def test_a_changed_limit_is_told():
    """The policy follows a limit that is changed while it is in use."""
    limit = AsyncLimiter(100, 60)
    app = RateLimitMiddleware(hello, limit)
    before = await ask(app)
    limit.max_rate, limit.time_period = 50, 1

    assert before["ratelimit-policy"] == '"default";q=100;w=60'
    assert (await ask(app))["ratelimit-policy"] == '"default";q=50;w=1'


@pytest.mark.parametrize(
    "limit",
    [
        KeyedLimiter(lambda key: 5, 60),
        CombinedLimiter(AsyncLimiter(5, 60), AsyncLimiter(9, 60)),
        lambda _: FIVE,
    ],
)
async def test_a_limit_without_a_single_number_has_no_policy(limit):
    """Where no one number is the policy, only what is left is told."""
    answer = await ask(RateLimitMiddleware(hello, limit))

    assert (answer["ratelimit-policy"], answer["ratelimit"]) == (None, '"default";r=4')


async def test_no_limit_tells_nothing():
    """An infinite limit leaves both fields out."""
    answer = await ask(RateLimitMiddleware(hello, AsyncLimiter(inf)))

    assert answer.headers == []


async def test_fields_can_be_left_out():
    """With `fields=False` only Retry-After is said."""
    app = RateLimitMiddleware(hello, AsyncLimiter(1, 60), fields=False)
    admitted, refused = await ask(app), await ask(app)

    assert admitted.headers == []
    assert (refused["ratelimit-policy"], refused["ratelimit"]) == (None, None)
    assert refused["retry-after"] == "61"


async def test_existing_fields_stay():
    """Two limits make two fields; what the application says stays as it is."""
    start = {
        "type": "http.response.start",
        "status": 200,
        "headers": ((b"ratelimit", b'"app";r=9'),),
    }

    async def app(scope, receive, send):
        await send(start)
        await send({"type": "http.response.body"})

    inner = RateLimitMiddleware(app, AsyncLimiter(5, 60), name="inner")
    outer = RateLimitMiddleware(inner, AsyncLimiter(7, 60), name="outer")
    answers = [await ask(outer), await ask(outer)]

    assert [a.all("ratelimit") for a in answers] == [
        ['"app";r=9', '"inner";r=4', '"outer";r=6'],
        ['"app";r=9', '"inner";r=3', '"outer";r=5'],
    ]
    assert start["headers"] == ((b"ratelimit", b'"app";r=9'),)


async def test_every_refusal_has_retry_after():
    """A refusal is a 429 that can't be cached, with a time and a problem."""
    app = RateLimitMiddleware(hello, AsyncLimiter(1, 90), name="all")
    await ask(app)
    refused = await ask(app)

    assert refused.status == 429
    assert refused["retry-after"] == "91"
    assert refused["cache-control"] == "no-store"
    assert refused["content-type"] == "application/problem+json"
    assert refused["content-length"] == str(len(refused.body))
    assert refused.read("ratelimit") == [("all", {"r": 0, "t": 91})]
    assert json.loads(refused.body) == {
        "type": "https://iana.org/assignments/http-problem-types#quota-exceeded",
        "title": "Too many requests: the quota is used up for now",
        "status": 429,
        "violated-policies": ["all"],
    }


@pytest.mark.parametrize("rate", [(0.3, 1), (7, 1), (1000, 60), (1, 1), (1, 3600)])
@pytest.mark.parametrize("kind", [AsyncLimiter, SlidingWindowLimiter])
async def test_retrying_after_exactly_retry_after_is_admitted(kind, rate):
    """Who comes again after exactly that many seconds passes, again and again."""
    limiter = kind(max(rate[0], 1), rate[1] * max(1, 1 / rate[0]))
    app = RateLimitMiddleware(hello, limiter)
    for _ in range(5):
        while (answer := await ask(app)).status == 200:
            pass
        await asyncio.sleep(int(answer["retry-after"]))
        assert (await ask(app)).status == 200


async def test_head_has_no_body():
    """To HEAD a refusal has the head that GET would get, and no body."""
    app = RateLimitMiddleware(hello, AsyncLimiter(1, 60))
    await ask(app)
    get, head = await ask(app), await ask(app, method="HEAD")

    assert (head.status, head.body) == (429, b"")
    assert head.headers == get.headers


async def test_a_refused_body_is_not_read():
    """Who is refused is answered before the body comes."""
    app = RateLimitMiddleware(hello, AsyncLimiter(1, 60))
    await ask(app)
    sent = []

    async def receive():
        raise AssertionError

    async def send(message):
        sent.append(message)

    await app(connection(method="POST"), receive, send)

    assert sent[0]["status"] == 429


async def test_a_refusal_takes_nothing():
    """Those who are refused again and again are not refused for longer."""
    limiter = AsyncLimiter(1, 10)
    app = RateLimitMiddleware(hello, limiter)
    await ask(app)
    again = {(await ask(app))["retry-after"] for _ in range(100)}

    assert again == {"11"}
    assert limiter.statistics().level == 1


@pytest.mark.parametrize("skip", ["/health", ["/health", "/live"], {"/health"}])
async def test_skipped_paths_are_not_limited(skip):
    """A path that is skipped takes nothing and is never refused."""
    limiter = AsyncLimiter(1, 60)
    app = RateLimitMiddleware(hello, limiter, skip=skip)

    assert await statuses(app, 3, path="/health") == [200, 200, 200]
    assert await statuses(app, 2, path="/") == [200, 429]


@pytest.mark.parametrize("path", ["//health", "/health/", "/HEALTH", "/healthé", "/he"])
async def test_only_the_exact_path_is_skipped(path):
    """What only looks like a skipped path is limited."""
    app = RateLimitMiddleware(hello, AsyncLimiter(1, 60), skip="/health")

    assert await statuses(app, 2, path=path) == [200, 429]


async def test_a_function_says_what_is_skipped():
    """`skip` may look at the whole scope."""
    app = RateLimitMiddleware(
        hello, AsyncLimiter(1, 60), skip=lambda scope: scope["method"] == "OPTIONS"
    )

    assert await statuses(app, 3, method="OPTIONS") == [200, 200, 200]
    assert await statuses(app, 2) == [200, 429]


async def test_a_key_of_none_is_not_limited():
    """A key function says with None that a request is not limited."""
    app = RateLimitMiddleware(
        hello,
        KeyedLimiter(1, 60),
        key=lambda scope: dict(scope["headers"]).get(b"x-api-key"),
    )

    assert await statuses(app, 3) == [200, 200, 200]
    assert await statuses(app, 2, headers=[("x-api-key", "naïve")]) == [200, 429]


async def test_the_cost_of_a_request():
    """A cost is a number or a function; 0 passes when nothing is left."""
    limiter = AsyncLimiter(10, 60)
    costs = {"/": 1, "/search": 7, "/health": 0}
    app = RateLimitMiddleware(hello, limiter, cost=lambda scope: costs[scope["path"]])

    assert [await statuses(app, 2, path=path) for path in costs] == [
        [200, 200],
        [200, 429],
        [200, 200],
    ]
    assert (await ask(RateLimitMiddleware(hello, limiter, cost=4))).status == 429
    assert limiter.statistics().level == 9


async def test_costs_by_name():
    """For several limits the cost may be a dict of amounts."""
    limit = CombinedLimiter(requests=AsyncLimiter(9), tokens=AsyncLimiter(100))
    app = RateLimitMiddleware(
        hello, limit, cost={"requests": 1, "tokens": 60}, max_wait=60
    )
    fixed = RateLimitMiddleware(hello, limit, cost=lambda scope: {"tokens": 60})

    assert (await ask(app)).status == 200
    assert (await ask(fixed)).status == 429
    assert (await ask(app)).status == 200
    assert now() == pytest.approx(12)


@pytest.mark.parametrize("settings", [{}, {"settle": True}, {"max_wait": 5}])
@pytest.mark.parametrize("place", ["key", "cost", "skip", "limit"])
async def test_an_error_in_a_function_does_not_open_the_gate(place, settings):
    """What a function of the caller raises is the caller's; nothing was taken."""
    limiter = KeyedLimiter(1, 60)

    def broken(scope):
        raise KeyError(place)

    app = RateLimitMiddleware(hello, **(settings | {"limit": limiter, place: broken}))
    with pytest.raises(KeyError, match=place):
        await ask(app)

    assert len(limiter) == 0


async def test_a_cost_that_never_fits_is_an_error():
    """A cost above the burst is no refusal, for it would never pass."""
    with pytest.raises(ValueError, match=r"^can't acquire 5: "):
        await ask(RateLimitMiddleware(hello, AsyncLimiter(4), cost=5))


@pytest.mark.parametrize("kind", ["lifespan", "something new"])
async def test_lifespan_passes(kind):
    """What is neither http nor websocket passes as it is, without a look."""
    seen = []

    async def app(*connection):
        seen.append(connection)

    scope, receive, send = {"type": kind}, object(), object()
    await RateLimitMiddleware(app, AsyncLimiter(1))(scope, receive, send)

    assert seen == [(scope, receive, send)]
    assert scope == {"type": kind}


async def test_pathsend_and_trailers_pass():
    """Of what the application sends, only the head is touched."""
    others = [
        {"type": "http.response.push", "path": "/style.css", "headers": []},
        {"type": "http.response.pathsend", "path": "/tmp/x"},
        {"type": "http.response.trailers", "headers": [(b"a", b"b")]},
    ]

    async def app(scope, receive, send):
        for message in others:
            await send(message)

    answer = await ask(RateLimitMiddleware(app, AsyncLimiter(1)))

    assert [a is b for a, b in zip(answer.messages, others, strict=True)] == [True] * 3


async def test_streaming_and_background_tasks_are_untouched():
    """A chunk is sent when it is there, and the application goes on after the last."""
    times = []

    async def app(scope, receive, send):
        await send({"type": "http.response.start", "status": 200})
        for _ in range(3):
            await asyncio.sleep(1)
            await send({"type": "http.response.body", "body": b"x", "more_body": True})
        await send({"type": "http.response.body", "body": b""})
        await asyncio.sleep(10)
        times.append(now())

    async def send(message):
        times.append(now())

    await RateLimitMiddleware(app, AsyncLimiter(1))(connection(), None, send)

    assert times == [0, 1, 2, 3, 3, 13]


async def test_nothing_is_held_while_the_refusal_is_sent():
    """Whoever reads a 429 slowly delays nobody."""
    app = RateLimitMiddleware(hello, AsyncLimiter(1, 10))
    await ask(app)

    async def slowly(message):
        await asyncio.sleep(1000)

    reader = asyncio.create_task(app(connection(), None, slowly))
    await asyncio.sleep(11)

    assert (await ask(app)).status == 200
    assert now() == 11
    reader.cancel()


async def test_another_application_may_refuse():
    """`refuse` gives an application that answers instead, or None."""

    async def teapot(scope, receive, send):
        await send({"type": "http.response.start", "status": 418})

    app = RateLimitMiddleware(
        hello,
        AsyncLimiter(1, 60),
        refuse=lambda scope, decision: (
            teapot if scope["path"] == f"/{ceil(decision.retry_after)}" else None
        ),
    )
    await ask(app)

    assert await statuses(app, 1, path="/61") == [418]
    assert await statuses(app, 1, path="/62") == [429]


async def test_without_a_limit_nothing_is_limited():
    """Without a limit the middleware only adds what it finds."""
    app = RateLimitMiddleware(hello)

    assert await statuses(app, 3) == [200, 200, 200]
    assert (await ask(app)).headers == []


async def test_what_is_found_is_added_once():
    """Fields that the application left are added, unless it has sent them."""
    sent, left = (b"ratelimit", b'"a";r=1'), (b"ratelimit", b'"b";r=2')

    async def app(scope, receive, send):
        scope["aiolimiter.fields"] += [sent, left]
        await send({"type": "http.response.start", "status": 200, "headers": [sent]})

    answer = await ask(RateLimitMiddleware(app))

    assert answer.all("ratelimit") == ['"a";r=1', '"b";r=2']


async def test_a_websocket_handshake_is_refused_with_429():
    """A handshake that is too much gets the same answer as a request."""
    app = RateLimitMiddleware(hello, AsyncLimiter(1, 60))
    extensions = {"websocket.http.response": {}}
    opened = await ask(app, kind="websocket", extensions=extensions)
    refused = await ask(app, kind="websocket", extensions=extensions)

    assert opened.messages[0] == {"type": "websocket.accept"}
    assert [m["type"] for m in refused.messages] == [
        "websocket.http.response.start",
        "websocket.http.response.body",
    ]
    assert (refused.status, refused["retry-after"]) == (429, "61")


@pytest.mark.parametrize("extensions", [{}, None])
async def test_a_websocket_handshake_is_closed_without_the_extension(extensions):
    """Where a server can't answer a handshake, it is told to try again later."""
    app = RateLimitMiddleware(hello, AsyncLimiter(1, 60))
    await ask(app)
    refused = await ask(app, kind="websocket", extensions=extensions)

    assert refused.messages == [{"type": "websocket.close", "code": 1013}]


async def test_a_handshake_that_is_gone_is_not_answered():
    """Who has left before the refusal is told nothing."""
    app = RateLimitMiddleware(hello, AsyncLimiter(1, 60))
    await ask(app)

    async def receive():
        return {"type": "websocket.disconnect", "code": 1006}

    await app(connection(kind="websocket"), receive, None)
