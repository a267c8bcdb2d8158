"""httpx and httpx2: the transport, on virtual time."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import importlib
import itertools
import logging
from pathlib import Path

import httpx
import httpx2
import pytest

import aiolimiter.httpx
import aiolimiter.httpx2
from aiolimiter import (
    AdaptiveLimiter,
    AsyncLimiter,
    CombinedLimiter,
    KeyedLimiter,
    RateLimitExceeded,
    SlidingWindowLimiter,
    headers,
)

from .scene import Server, Shared, now, refusing, until

SOURCE = Path(aiolimiter.httpx.__file__).parent
PAGE = "https://api.example.com/page"


@pytest.fixture(params=["httpx2", "httpx"])
def lib(request):
    """The library."""
    return importlib.import_module(request.param)


@pytest.fixture
def edge(lib):
    """The module of ours that binds it."""
    return importlib.import_module(f"aiolimiter.{lib.__name__}")


def client_of(lib, edge, limit, answer, **settings):
    """A client of a server that is a function, of this program."""
    sent = []

    async def handle(request):
        sent.append((now(), request))
        result = answer()
        status, fields = await result if asyncio.iscoroutine(result) else result
        return lib.Response(status, headers=fields)

    transport = edge.RateLimitTransport(limit, lib.MockTransport(handle), **settings)
    client = lib.AsyncClient(transport=transport)
    client.sent, client.gate = sent, transport._gate
    return client


def hooked(lib, edge, limit, answer, **settings):
    """The same with hooks."""
    hooks = edge.event_hooks(limit, **settings)
    gate = hooks["request"][0].__self__._gate

    async def handle(request):
        result = answer()
        status, fields = await result if asyncio.iscoroutine(result) else result
        return lib.Response(status, headers=fields)

    client = lib.AsyncClient(transport=lib.MockTransport(handle), event_hooks=hooks)
    client.gate = gate
    return client


def ok():
    """What a server that is pleased answers."""
    return 200, {}


def times(client):
    """When the requests of *client* were sent."""
    return [at for at, _ in client.sent]


def test_both_modules_are_the_same_but_for_the_library():
    """The module of httpx is that of httpx2, word for word."""
    texts = [(SOURCE / f"{name}.py").read_text("utf-8") for name in ("httpx", "httpx2")]
    one, two = (text.replace("httpx2", "httpx") for text in texts)

    assert one == two


async def test_requests_are_sent_at_the_rate(lib, edge):
    """A client with the transport sends no faster than its limiter admits."""
    async with client_of(lib, edge, AsyncLimiter(1, 2), ok) as client:
        await asyncio.gather(*(client.get(PAGE) for _ in range(4)))

    assert times(client) == [0, 2, 4, 6]


async def test_hooks_do_the_same(lib, edge):
    """A client with the hooks sends no faster than its limiter admits."""
    async with hooked(lib, edge, AsyncLimiter(1, 2), ok) as client:
        await asyncio.gather(*(client.get(PAGE) for _ in range(4)))

        assert now() == 6


async def test_a_refusal_pauses_everybody(lib, edge):
    """After a 429 nobody sends until its Retry-After is over, and at the rate."""
    limiter = AsyncLimiter(10, 10, burst=1)
    answer = refusing((429, 30), *[(200, None)] * 3)
    async with client_of(lib, edge, limiter, answer) as client:
        await asyncio.gather(*(client.get(PAGE) for _ in range(3)))

    assert times(client) == [0, 31, 32, 33]


async def test_traffic_after_a_pause_starts_at_the_rate(lib, edge):
    """A pause ends without a burst."""
    limiter = AsyncLimiter(10, 10)
    async with client_of(
        lib, edge, limiter, refusing((429, 30), *[(200, None)] * 4)
    ) as client:
        await client.get(PAGE)
        await asyncio.gather(*(client.get(PAGE) for _ in range(3)))

    assert times(client) == [0, 31, 32, 33, 34]


async def test_nothing_is_sent_while_paused(lib, edge):
    """Of a hundred tasks none sends between a 429's arrival and the pause's end."""
    server = Server(rate=10, burst=10, trip=0.3, told=False)
    limiter = AsyncLimiter(40, 1, burst=20)
    ends = []
    async with client_of(lib, edge, limiter, server.answer) as client:

        async def send():
            response = await client.send(client.build_request("GET", PAGE))
            if response.status_code == 429:
                ends.append((now(), now() + int(response.headers["retry-after"])))

        client._transport._resending._resends = 0
        await until(20, send, 100)

    assert ends
    assert [at for at in times(client) for begin, end in ends if begin < at < end] == []


async def test_a_grant_of_the_breath_in_which_a_pause_begins_waits(lib, edge):
    """Who was admitted just before a 429 came, and not sent yet, waits as well."""
    limiter = AsyncLimiter(1, 1)
    gate = client_of(lib, edge, limiter, ok).gate
    request = lib.Request("GET", PAGE)
    first = await gate.enter(request)
    second = asyncio.create_task(gate.enter(request))
    third = asyncio.create_task(gate.enter(request, 5.0))
    await asyncio.sleep(0)
    # Both grants, as a late timer makes them.
    limiter.reset()
    limiter.burst = 3
    await first.land(request, 429, {"Retry-After": "30"})

    with pytest.raises(RateLimitExceeded):
        await third
    (await second).end()

    assert now() >= 30
    assert gate._hearings[limiter].flights == 0


async def test_a_pause_is_not_released_by_whoever_finishes_first(lib, edge):
    """Of the pauses that are heard of the longest counts; a success ends none."""
    limiter = AsyncLimiter(100, 1)
    gate = client_of(lib, edge, limiter, ok).gate
    request = lib.Request("GET", PAGE)
    flights = [await gate.enter(request) for _ in range(3)]
    waiting = asyncio.create_task(gate.enter(request))
    await flights[0].land(request, 429, {"Retry-After": "30"})
    await flights[1].land(request, 429, {"Retry-After": "10"})
    await asyncio.sleep(15)
    await flights[2].land(request, 200, {"RateLimit": '"x";r=50'})
    (await waiting).end()

    assert now() >= 30


@pytest.mark.parametrize("wait", [None, "7"])
async def test_a_429_with_remaining_left_pauses(lib, edge, wait):
    """A refusal counts more than what it says is left: another limit refused."""
    fields = {"RateLimit-Limit": "600", "RateLimit-Remaining": "595"}
    if wait is not None:
        fields["Retry-After"] = wait
    answers = [(429, fields), (200, {})]
    limiter = AsyncLimiter(1000, 1)
    async with client_of(lib, edge, limiter, lambda: answers.pop(0)) as client:
        await client.get(PAGE)

    assert times(client)[1] >= float(wait or 1)


@pytest.mark.parametrize("make", [client_of, hooked])
async def test_remaining_is_believed_minus_what_is_in_flight(make):
    """Too fast by a fifth, whole seconds: 0.97 is used, and 3 a minute refused."""
    server = Server()
    limiter = AsyncLimiter(120, 1, burst=20)
    edge = aiolimiter.httpx2
    async with make(httpx2, edge, limiter, server.answer) as client:
        await until(60, lambda: client.get(PAGE))

    # These were on their way before the first answer came.
    assert server.refusals <= 3
    assert server.taken >= 0.97 * 60 * 100


async def test_believing_nothing_hears_nothing(lib, edge):
    """With believe=None a refusal is returned, and pauses nobody."""
    limiter = AsyncLimiter(10, 1)
    async with client_of(
        lib, edge, limiter, refusing((429, 30)), believe=None
    ) as client:
        response = await client.get(PAGE)

    assert response.status_code == 429
    assert limiter.has_capacity()


async def test_a_late_answer_with_an_old_remaining_never_frees_anything(lib, edge):
    """Of what servers say the least counts, in whichever order it comes."""
    limiter = AsyncLimiter(100, 3600)
    answers = [3, 90]
    async with client_of(
        lib, edge, limiter, lambda: (200, {"RateLimit": f'"x";r={answers.pop(0)}'})
    ) as client:
        await client.get(PAGE)
        await client.get(PAGE)

    assert limiter.statistics().available == pytest.approx(2)


async def test_remaining_zero_again_and_again_starves_nobody(lib, edge):
    """A server that always says that nothing is left is asked all the same."""
    limiter = AsyncLimiter(1, 1)
    answer = lambda: (200, {"RateLimit": '"x";r=0'})  # noqa: E731
    async with client_of(lib, edge, limiter, answer) as client:
        await asyncio.gather(*(client.get(PAGE) for _ in range(5)))

    assert times(client) == [0, 1, 2, 3, 4]


async def test_nothing_left_until_then_is_a_pause(lib, edge):
    """A success with r=0 and a t pauses for t."""
    limiter = AsyncLimiter(10, 1)
    answers = [{"RateLimit": '"x";r=0;t=7'}, {}]
    async with client_of(lib, edge, limiter, lambda: (200, answers.pop(0))) as client:
        await client.get(PAGE)
        await client.get(PAGE)

    assert times(client) == [0, 7.1]


async def test_the_last_refusal_is_returned_not_raised(lib, edge):
    """When it was sent as often as allowed, the caller has the server's answer."""
    limiter = AsyncLimiter(10, 1)
    async with client_of(lib, edge, limiter, refusing(*[(429, 1)] * 3)) as client:
        response = await client.get(PAGE)

    assert response.status_code == 429
    assert len(client.sent) == 3


@pytest.mark.parametrize(
    ("status", "method", "fields", "sent"),
    [
        (429, "POST", {}, 2),
        (503, "GET", {}, 2),
        (503, "POST", {}, 1),
        (503, "POST", {"Idempotency-Key": "7"}, 2),
        (529, "PUT", {}, 2),
        (403, "POST", {}, 2),
        (418, "POST", {}, 2),
        (500, "GET", {}, 1),
        (429, "GET", {"X-Stainless-Retry-Count": "0"}, 1),
        (429, "GET", {"Upgrade": "WebSocket"}, 1),
        (429, "GET", {"Upgrade": "h2c"}, 2),
    ],
)
async def test_what_is_sent_again(lib, edge, *, status, method, fields, sent):
    """A refusal is sent again where the server can't have begun, and once."""
    limiter = AsyncLimiter(10, 1)
    answer = refusing((status, 1), (200, None))
    async with client_of(lib, edge, limiter, answer) as client:
        await client.request(method, PAGE, headers=fields)

    assert len(client.sent) == sent


async def test_a_403_without_evidence_is_not_a_limit(lib, edge):
    """A plain 403 pauses nobody."""
    limiter = AsyncLimiter(10, 1)
    async with client_of(lib, edge, limiter, refusing((403, None))) as client:
        assert (await client.get(PAGE)).status_code == 403

    assert limiter.has_capacity()


async def test_a_generator_body_is_never_sent_twice(lib, edge):
    """A body that comes from a generator is not sent again."""

    async def body():
        yield b"once"

    async with client_of(lib, edge, AsyncLimiter(10, 1), refusing((429, 1))) as client:
        response = await client.post(PAGE, content=body())

    assert response.status_code == 429


async def test_a_day_of_retry_after_is_returned_not_slept(lib, edge):
    """A pause above max_delay is the caller's to know."""
    limiter = AsyncLimiter(10, 1)
    async with client_of(lib, edge, limiter, refusing((429, 86_400))) as client:
        response = await client.get(PAGE)

        assert (response.status_code, now()) == (429, 0)


async def test_an_absurd_retry_after_pauses_no_longer_than_max_pause(lib, edge, caplog):
    """A pause is cut to max_pause, and that is said once an hour."""
    limiter = AsyncLimiter(10, 1)
    settings = {"max_pause": 60, "resends": 0}
    answer = refusing(*[(429, 1e9)] * 2, (429, 1e9))
    async with client_of(lib, edge, limiter, answer, **settings) as client:
        await client.get(PAGE)
        await client.get(PAGE)
        assert now() == 60.1
        warnings = [r for r in caplog.records if r.levelno == logging.WARNING]
        assert [r.getMessage() for r in warnings] == [
            "api.example.com asks for a pause of 1e+09 s, gets 60 s"
        ]
        await asyncio.sleep(3600)
        await client.get(PAGE)

    assert len([r for r in caplog.records if r.levelno == logging.WARNING]) == 2


async def test_refusals_that_say_nothing_back_off(lib, edge):
    """Without a word the pauses are 1, 2, 4 … 60 s, until the server takes one."""
    limiter = AsyncLimiter(1000, 1)
    answers = [*[(429, None)] * 8, (200, None), (429, None), (200, None)]
    async with client_of(lib, edge, limiter, refusing(*answers), resends=0) as client:
        for _ in answers:
            await client.get(PAGE)
    sent = times(client)
    gaps = [round(b - a, 2) for a, b in itertools.pairwise(sent)]

    assert gaps == [1, 2, 4, 8, 16, 32, 60, 60, 0, 1]


async def test_those_refused_together_back_off_once(lib, edge):
    """Ten refusals of requests that were in flight together are one."""
    limiter = AsyncLimiter(100, 1)

    async def answer():
        await asyncio.sleep(0.5)
        return 429, {}

    async with client_of(lib, edge, limiter, answer, resends=0) as client:
        await asyncio.gather(*(client.get(PAGE) for _ in range(10)))
        assert limiter.try_acquire().retry_after == pytest.approx(1, abs=0.02)


async def test_a_429_on_one_host_does_not_slow_another(lib, edge):
    """With a limit for each host a pause is of one."""
    limits = KeyedLimiter(10, 1)
    answer = refusing((429, 30), (200, None))
    async with client_of(lib, edge, limits, answer, resends=0) as client:
        await client.get("https://one.example.com/")
        await client.get("https://two.example.com/")

        assert now() == 0
        assert not limits["one.example.com"].has_capacity()


async def test_the_port_is_part_of_the_host(lib, edge):
    """An unusual port is a host of its own; case and the usual port are not."""
    hosts = [
        edge.host(lib.Request("GET", url))
        for url in ("http://A.example:80/", "http://a.example:8080", "https://[::1]:9/")
    ]

    assert hosts == ["a.example", "a.example:8080", "[::1]:9"]


async def test_a_key_of_none_is_not_limited(lib, edge):
    """Whoever has no key passes, and is not heard."""
    limits = KeyedLimiter(1, 60)
    answer = refusing(*[(429, 30)] * 3)
    async with client_of(lib, edge, limits, answer, key=lambda _: None) as client:
        for _ in range(3):
            await client.get(PAGE)

    assert len(limits) == 0


async def test_hooks_let_the_unlimited_pass(lib, edge):
    """With hooks, likewise."""
    async with hooked(lib, edge, lambda _: None, refusing((429, 30))) as client:
        assert (await client.get(PAGE)).status_code == 429


async def test_a_function_chooses_the_limiter(lib, edge):
    """A function from the request says which limiter."""
    limiter = SlidingWindowLimiter(1, 5)

    def choose(request):
        return limiter if request.method == "POST" else None

    async with client_of(lib, edge, choose, ok) as client:
        for method in ("GET", "POST", "GET", "POST"):
            await client.request(method, PAGE)

    assert times(client) == [0, 0, 0, pytest.approx(5)]


async def test_a_cost_is_taken(lib, edge):
    """A cost may be a number, or a function from the request."""
    limiter = AsyncLimiter(10, 10, burst=4)
    cost = lambda request: 4 if request.method == "POST" else 0  # noqa: E731
    async with client_of(lib, edge, limiter, ok, cost=cost) as client:
        for method in ("POST", "GET", "POST"):
            await client.request(method, PAGE)

    assert times(client) == [0, 0, 4]


async def test_a_cost_above_the_burst_is_the_limiters_error(lib, edge):
    """A request that never fits is the limiter's ValueError."""
    async with client_of(lib, edge, AsyncLimiter(2), ok, cost=3) as client:
        with pytest.raises(ValueError, match="can't acquire 3"):
            await client.get(PAGE)


async def test_a_constant_cost_counts_for_what_is_left(lib, edge):
    """If a request takes 5, a server's 10 requests are 50."""
    limiter = AsyncLimiter(1000, 3600)
    async with client_of(
        lib, edge, limiter, lambda: (200, {"RateLimit": '"x";r=10'}), cost=5
    ) as client:
        await client.get(PAGE)

    assert limiter.statistics().available == 50


async def test_a_cost_that_differs_counts_no_requests(lib, edge):
    """A limiter of something else does not hear how many requests are left."""
    limiter = AsyncLimiter(1000, 3600)
    answer = lambda: (200, {"RateLimit": '"x";r=10'})  # noqa: E731
    async with client_of(lib, edge, limiter, answer, cost=lambda _: 5) as client:
        await client.get(PAGE)

    assert limiter.statistics().available == 995


async def test_members_hear_of_their_own_unit(lib, edge):
    """Of several limits each hears what is left of its own."""
    requests, tokens = AsyncLimiter(500, 60), AsyncLimiter(30_000, 60)
    limit = CombinedLimiter(requests=requests, tokens=tokens)
    fields = {
        "x-ratelimit-remaining-requests": "50",
        "x-ratelimit-remaining-tokens": "7000",
    }
    async with client_of(
        lib,
        edge,
        limit,
        lambda: (200, fields),
        cost=lambda _: {"tokens": 900},
        tell="requests",
    ) as client:
        await client.get(PAGE)

    assert requests.statistics().available == 50
    assert tokens.statistics().available == 7000


async def test_a_pause_is_of_the_member_that_is_told(lib, edge):
    """Of several limits the one that tell names is paused, and hears of requests."""
    everyone, chat = AsyncLimiter(30, 1), AsyncLimiter(20, 60)
    limit = CombinedLimiter(everyone=everyone, chat=chat)
    answers = [(200, {"RateLimit": '"x";r=5'}), (429, {"Retry-After": "30"})]
    async with client_of(
        lib, edge, limit, lambda: answers.pop(0), tell="chat", resends=0
    ) as client:
        await client.get(PAGE)
        assert chat.statistics().available == 5
        await client.get(PAGE)

    assert everyone.has_capacity()
    assert not chat.has_capacity()


async def test_tell_may_be_a_function(lib, edge):
    """A function of the request and the advice says who is paused, or nobody."""
    everyone, chat = AsyncLimiter(30, 1), AsyncLimiter(20, 60)

    def tell(request, advice):
        if advice.pause in {None, 7}:
            return None
        return everyone if advice.scope == "global" else chat

    answers = [
        (200, {"RateLimit": '"x";r=0;t=7'}),
        (429, {}),
        (429, {"Retry-After": "7"}),
        (429, {"Retry-After": "9", "X-RateLimit-Global": "true"}),
    ]
    limit = lambda _: CombinedLimiter(everyone, chat)  # noqa: E731
    async with client_of(
        lib, edge, limit, lambda: answers.pop(0), tell=tell, resends=0
    ) as client:
        for _ in range(3):
            await client.get(PAGE)
            assert everyone.has_capacity()
            assert chat.has_capacity()
        await client.get(PAGE)

    assert not everyone.has_capacity()
    assert chat.has_capacity()


def test_a_combined_limiter_needs_tell(lib, edge):
    """Without tell, nobody knows which member a server speaks of."""
    limit = CombinedLimiter(chat=AsyncLimiter(1))

    edge.RateLimitTransport(limit, tell=lambda request, advice: None)
    with pytest.raises(TypeError, match="say which, as in tell="):
        edge.RateLimitTransport(limit)
    with pytest.raises(ValueError, match="no member of the CombinedLimiter: there is"):
        edge.event_hooks(limit, tell="chats")
    with pytest.raises(ValueError, match="there is none with a name"):
        edge.event_hooks(CombinedLimiter(AsyncLimiter(1)), tell="chats")


@pytest.mark.parametrize("limit", [7, None, {}, [AsyncLimiter(1)], AsyncLimiter])
def test_what_is_no_limiter_is_said_at_once(lib, edge, limit):
    """Whatever is no limiter is a TypeError that lists what is."""
    if limit is AsyncLimiter:
        limit = object()
    with pytest.raises(TypeError, match=r"limit must be a limiter, .* got "):
        edge.RateLimitTransport(limit)


async def test_a_function_that_returns_no_limiter_is_told(lib, edge):
    """What a function returns is looked at, too."""
    async with client_of(lib, edge, lambda _: 7, ok) as client:
        with pytest.raises(TypeError, match="must return a limiter or None, got 7"):
            await client.get(PAGE)
    combined = lambda _: CombinedLimiter(AsyncLimiter(1))  # noqa: E731
    async with client_of(lib, edge, combined, ok) as client:
        with pytest.raises(TypeError, match="say which"):
            await client.get(PAGE)


@pytest.mark.parametrize(
    "wrong",
    [
        {"resends": -1},
        {"resends": 1.5},
        {"max_delay": -1},
        {"max_pause": 0},
        {"fallback": 0},
    ],
)
def test_numbers_out_of_range_are_said_at_once(lib, edge, wrong):
    """A number out of its range is a ValueError when the transport is made."""
    with pytest.raises(ValueError, match=f"{next(iter(wrong))} must be"):
        edge.RateLimitTransport(AsyncLimiter(1), **wrong)


async def test_a_wait_that_is_too_long_is_refused(lib, edge):
    """max_wait is a number, a function, or the request's own; the plain error."""
    limiter = AsyncLimiter(1, 10)
    async with client_of(lib, edge, limiter, ok, max_wait=1) as client:
        await client.get(PAGE)
        with pytest.raises(RateLimitExceeded):
            await client.get(PAGE)
        await client.get(PAGE, extensions={"max_wait": 11})
        assert now() == 10
    async with client_of(lib, edge, limiter, ok, max_wait=lambda _: 1) as client:
        with pytest.raises(RateLimitExceeded):
            await client.get(PAGE)
    assert client.gate.flying() == 0


@pytest.mark.parametrize("make", [client_of, hooked])
async def test_flights_are_counted_out_on_every_exception(lib, edge, make):
    """A thousand requests that fail leave nothing in flight."""

    def fail():
        raise lib.ConnectError(PAGE)

    async with make(lib, edge, AsyncLimiter(1e6), fail) as client:
        for _ in range(1000):
            with pytest.raises(lib.ConnectError):
                await client.get(PAGE)
        gc.collect()

        assert client.gate.flying() == 0
        assert [known.flights for known in client.gate._hearings.values()] == [0]


@pytest.mark.parametrize("make", [client_of, hooked])
async def test_a_cancelled_request_is_counted_out(lib, edge, make):
    """Who is cancelled in flight is no longer in flight."""

    async def answer():
        await asyncio.sleep(10)

    async with make(lib, edge, AsyncLimiter(10), answer) as client:
        # Whoever keeps the error keeps its frames, and the request in them.
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(client.get(PAGE), 1)
        # So does the loop, for as long as it is at it.
        await asyncio.sleep(0)
        gc.collect()

        assert now() == 1
        assert client.gate.flying() == 0


async def test_who_is_cancelled_in_the_queue_leaves_nothing(lib, edge):
    """Who is cancelled while it waits takes nothing, and is not in flight."""
    limiter = AsyncLimiter(1, 10)
    async with client_of(lib, edge, limiter, ok) as client:
        await client.get(PAGE)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(client.get(PAGE), 1)

        assert limiter.statistics().waiting == 0
        assert client.gate.flying() == 0


async def test_keys_without_flights_are_forgotten(lib, edge):
    """What is known of a key goes with its last flight, or is bounded."""
    limits = KeyedLimiter(10, 1)
    async with client_of(
        lib, edge, limits, ok, key=lambda request: request.url.path
    ) as client:
        for n in range(100):
            await client.get(f"https://api.example.com/{n}")

    assert client.gate._hearings == {}


async def test_strangers_who_refuse_are_bounded(lib, edge):
    """Of hosts that refuse without end, no more than some thousand are known."""
    limits = KeyedLimiter(10, 1)
    gate = client_of(lib, edge, limits, ok).gate
    request = lib.Request("GET", PAGE)
    there = await gate.enter(request)
    for n in range(5000):
        gate.hearing(limits[n]).fall_back(1, 0, 0)

    assert len(gate._hearings) <= 4096
    assert gate.flying() == 1
    there.end()
    there.end()
    assert gate.flying() == 0


async def test_a_response_is_closed_if_its_reading_fails(lib, edge):
    """When `believe` raises, the connection is given back, and the error raised."""

    def believe(status, fields, *, now):
        assert fields["Retry-After"] == "1"
        raise LookupError

    closed = []

    class Stream(lib.AsyncByteStream):
        async def __aiter__(self):
            yield b""

        async def aclose(self):
            closed.append(True)

    transport = edge.RateLimitTransport(
        AsyncLimiter(10),
        lib.MockTransport(
            lambda _: lib.Response(429, headers={"Retry-After": "1"}, stream=Stream())
        ),
        believe=believe,
    )
    async with lib.AsyncClient(transport=transport) as client:
        with pytest.raises(LookupError):
            await client.get(PAGE)

    assert closed == [True]


async def test_a_reading_of_ones_own(lib, edge):
    """A dialect of one's own is believed as all others are."""
    limiter = AsyncLimiter(10, 1)
    read = headers.reading({"X-Again": "pause"})
    answers = [(429, {"X-Again": "5"}), (200, {})]
    async with client_of(
        lib, edge, limiter, lambda: answers.pop(0), believe=read
    ) as client:
        await client.get(PAGE)

    assert times(client) == [0, 5.1]


@pytest.mark.parametrize(
    ("chunks", "read"), [([b"x" * 100] * 3, 3), ([b"x" * 10_000] * 1000, 7)]
)
async def test_an_endless_refused_body_is_cut_off(lib, edge, chunks, read):
    """Of a refused body at most 64 kB is read, and its response closed."""
    seen = []

    class Stream(lib.AsyncByteStream):
        async def __aiter__(self):
            for chunk in chunks:
                seen.append("read")
                yield chunk

        async def aclose(self):
            seen.append("closed")

    answers = [
        lib.Response(429, headers={"Retry-After": "1"}, stream=Stream()),
        lib.Response(200),
    ]
    transport = edge.RateLimitTransport(
        AsyncLimiter(10, 1), lib.MockTransport(lambda _: answers.pop(0))
    )
    async with lib.AsyncClient(transport=transport) as client:
        assert (await client.get(PAGE)).status_code == 200

    assert seen == ["read"] * read + ["closed"]


def test_a_transport_of_the_other_library_is_refused(lib, edge):
    """A transport of the other library is a TypeError that says which module."""
    other = httpx if lib is httpx2 else httpx2
    name = other.__name__

    with pytest.raises(TypeError, match=f"use aiolimiter.{name} for {name}$"):
        edge.RateLimitTransport(AsyncLimiter(1), other.MockTransport(None))
    with pytest.raises(TypeError, match=r"AsyncBaseTransport, got 7$"):
        edge.RateLimitTransport(AsyncLimiter(1), 7)


def test_a_synchronous_client_is_refused(lib, edge):
    """A client that does not wait in the event loop hears that it must."""
    transport = edge.RateLimitTransport(AsyncLimiter(1))
    with (
        pytest.raises(TypeError, match=f"use {lib.__name__}.AsyncClient"),
        lib.Client(transport=transport) as client,
    ):
        client.get(PAGE)
    with pytest.raises(TypeError, match=f"use {lib.__name__}.AsyncClient"):
        lib.Client(transport=transport).get(PAGE)
    hooks = edge.event_hooks(AsyncLimiter(1))
    with pytest.raises(TypeError, match=f"use {lib.__name__}.AsyncClient"):
        lib.Client(event_hooks=hooks).get(PAGE)


async def test_the_transport_is_entered_and_closed_with_ours(lib, edge):
    """What is wrapped is entered and left with the client, or closed by itself."""
    seen = []

    class Inner(lib.AsyncBaseTransport):
        async def __aenter__(self):
            seen.append("entered")

        async def __aexit__(self, *_):
            seen.append("left")

        async def aclose(self):
            seen.append("closed")

    transport = edge.RateLimitTransport(AsyncLimiter(1), Inner())
    async with transport:
        pass
    await transport.aclose()

    assert seen == ["entered", "left", "closed"]


def test_the_transport_is_a_subclass_of_its_librarys(lib, edge):
    """Whoever looks for the library in the bases of a transport finds the right one."""
    assert issubclass(edge.RateLimitTransport, lib.AsyncBaseTransport)


@pytest.mark.parametrize("make", [client_of, hooked])
async def test_redirects_and_auth_steps_count_each(lib, edge, make):
    """Each hop of a redirect takes one, and each step of a login."""
    digest = {"WWW-Authenticate": 'Digest realm="r", nonce="n"'}
    answers = [(302, {"Location": "/there"}), (200, {}), (401, digest), (200, {})]
    limiter = AsyncLimiter(10, 1e9)
    async with make(lib, edge, limiter, lambda: answers.pop(0)) as client:
        await client.get(PAGE, follow_redirects=True)
        assert limiter.statistics().level == pytest.approx(2)
        response = await client.get(PAGE, auth=lib.DigestAuth("user", "secret"))

        assert response.status_code == 200
        assert client.gate.flying() == 0
    assert limiter.statistics().level == pytest.approx(4)


async def test_pauses_are_in_the_log(lib, edge, caplog):
    """A pause that begins is one line, without the URL's query."""
    caplog.set_level(logging.INFO, "aiolimiter.http")
    answers = refusing((429, 30), (429, 10), (429, 40), (200, None))
    async with client_of(lib, edge, AsyncLimiter(1e3, 1), answers, resends=0) as client:
        gate = client.gate
        request = lib.Request("GET", PAGE + "?secret=7")
        flights = [await gate.enter(request) for _ in range(3)]
        for flight, wait in zip(flights, ("30", "10", "40"), strict=True):
            await flight.land(request, 429, {"Retry-After": wait})

    assert [record.getMessage() for record in caplog.records] == [
        "api.example.com is paused for 30 s: by the server's word"
    ]


async def test_a_shared_limiter_is_told_of_a_pause(lib, edge):
    """A 429 that one process hears of is a pause for the fleet."""
    limiter = Shared(10)
    answers = refusing((429, 30), (200, None))
    async with client_of(lib, edge, limiter, answers, resends=0) as client:
        await client.get(PAGE)
        await client.get(PAGE)

    assert limiter.told == [30]
    assert times(client) == [0, 36]


async def test_a_shared_limiter_is_told_seldom_of_what_is_left(lib, edge):
    """What is left is a trip for each word: one in 50 ms, and only if it is news."""
    limiter = Shared(1000, 3600)
    answers = iter([900, 700, 5000, 300, 100])
    async with client_of(
        lib, edge, limiter, lambda: (200, {"RateLimit": f'"x";r={next(answers)}'})
    ) as client:
        for wait in (0, 0, 0.1, 0.1, 0.01):
            await asyncio.sleep(wait)
            await client.get(PAGE)
        assert limiter.told == [900, 300]


async def test_a_store_that_is_away_does_not_hide_the_response(lib, edge, caplog):
    """If the fleet can't be told, the caller has its response; it is logged once."""
    limiter = Shared(1000)
    async with client_of(
        lib, edge, limiter, lambda: (429, {"Retry-After": "1"}), resends=0
    ) as client:
        for away in (False, True, True, False, True):
            limiter.away = away
            assert (await client.get(PAGE)).status_code == 429
            await asyncio.sleep(2)

    # At two outages.
    assert [record.getMessage() for record in caplog.records] == [
        "the fleet was not told of the server's word: "
    ] * 2


async def test_an_adaptive_limiter_hears_of_every_response(lib, edge):
    """A limit that nobody tells is found out by the client itself."""
    server = Server(told=False, trip=0.05)
    limiter = AdaptiveLimiter(300, 1)
    async with client_of(lib, edge, limiter, server.answer) as client:
        await until(20, lambda: client.get(PAGE), 40)

    assert server.taken >= 0.6 * 20 * 100
    assert server.refusals <= 20
    assert limiter.rate < 200
