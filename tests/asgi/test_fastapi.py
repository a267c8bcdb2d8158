"""The dependency of FastAPI limits what it is put on, and nothing else."""

from __future__ import annotations

import asyncio
from inspect import isawaitable
from typing import Any

import httpx2
import pytest
from fastapi import APIRouter, Depends, FastAPI, Request, Response, WebSocket
from fastapi.responses import JSONResponse, PlainTextResponse
from starlette.exceptions import HTTPException
from starlette.testclient import TestClient

from aiolimiter import AsyncLimiter, CombinedLimiter, KeyedLimiter
from aiolimiter.asgi import RateLimitMiddleware
from aiolimiter.fastapi import RateLimit

from ..fleet.memory import Memory, process
from .asking import ask, now


def serving(*limits, path="/", router=None, returned=None, **settings):
    """An application with one route behind *limits*."""
    app = router or FastAPI()

    @app.get(path, dependencies=[Depends(limit) for limit in limits], **settings)
    async def endpoint():
        return {"hello": "world"} if returned is None else returned

    return app


async def statuses(app, *paths, **details):
    return [(await ask(app, path, **details)).status for path in paths]


async def test_a_dict_endpoint_with_fields_is_not_a_500():
    """An endpoint returns what it likes, and the response says what is left."""
    app = serving(RateLimit(KeyedLimiter(2, 60), name="client"))
    first, second, third = [await ask(app) for _ in range(3)]

    assert (first.status, first.body) == (200, b'{"hello":"world"}')
    assert first.read("ratelimit-policy") == [("client", {"q": 2, "w": 60})]
    assert second.read("ratelimit") == [("client", {"r": 0})]
    assert third.status == 429
    assert third["retry-after"] == "31"
    assert third.read("ratelimit") == [("client", {"r": 0, "t": 31})]
    assert b"Too many requests" in third.body


async def test_one_client_does_not_use_up_anothers_limit():
    """Each client has a limit of its own, also where a route is limited."""
    app = serving(RateLimit("1/60"))

    assert await statuses(app, "/", "/", client="192.0.2.1") == [200, 429]
    assert await statuses(app, "/", "/", client="192.0.2.2") == [200, 429]


async def test_path_parameters_are_one_limit():
    """A route is one limit, whatever stands in its path."""
    app = serving(RateLimit("2/60"), path="/i/{n}")

    assert await statuses(app, "/i/1", "/i/2", "/i/3") == [200, 200, 429]


async def test_included_routers_and_mounted_apps_are_limited():
    """Where a router is included or an application mounted does not matter."""
    limited = RateLimit("2/60")
    app = FastAPI()
    router = APIRouter(dependencies=[Depends(limited)])
    app.include_router(serving(path="/x", router=router), prefix="/v1")
    app.mount("/in", serving(limited))

    assert await statuses(app, "/v1/x", "/in/", "/v1/x", "/in/") == [200, 200, 429, 429]


async def test_two_limits_on_one_route_are_two():
    """A route behind two limits takes from both, and says both."""
    both = [RateLimit("5/60", name="a"), RateLimit("3/60", name="b")]
    app = serving(*both)
    first = await ask(app)
    rest = await statuses(app, *["/"] * 3)

    assert first.all("ratelimit") == ['"a";r=4', '"b";r=2']
    assert rest == [200, 200, 429]


async def test_sync_endpoints_are_limited():
    """A plain function is limited too, before it gets a thread."""
    app = FastAPI()

    @app.get("/", dependencies=[Depends(RateLimit("1/60"))])
    def endpoint():
        return 1

    assert await statuses(app, "/", "/") == [200, 429]


@pytest.mark.parametrize("limit", [None, "9/60"])
async def test_an_endpoint_that_returns_a_response_has_fields(limit):
    """A middleware in front adds what the dependency left, and only once."""
    own = PlainTextResponse("x")
    for returned in (own, None):
        app = serving(RateLimit("5/60", name="a"), returned=returned)
        answer = await ask(RateLimitMiddleware(app, limit, name="b"))
        others = [] if limit is None else ['"b";r=8']

        assert sorted(answer.all("ratelimit")) == ['"a";r=4', *others]


async def test_the_applications_own_handlers_see_a_refusal():
    """A refusal is an HTTPException, which an application may answer itself."""
    app = serving(RateLimit("1/60", detail={"code": "slow down"}))

    @app.exception_handler(HTTPException)
    async def handler(request: Request, error: HTTPException) -> Response:
        return JSONResponse(error.detail, 420, error.headers)

    await ask(app)
    answer = await ask(app)

    assert (answer.status, answer.body) == (420, b'{"code":"slow down"}')
    assert answer["retry-after"] == "61"


async def test_the_openapi_document_shows_429():
    """With `responses` the document has the 429 and its headers."""
    limited = RateLimit("1/60")
    document = serving(limited, responses=limited.responses).openapi()

    responses = document["paths"]["/"]["get"]["responses"]
    assert sorted(responses["429"]["headers"]) == [
        "RateLimit",
        "RateLimit-Policy",
        "Retry-After",
    ]
    # It has no arguments that a client could send.
    assert "parameters" not in document["paths"]["/"]["get"]


async def test_functions_are_given_the_connection():
    """Keys, costs and limits may look at the connection as Starlette shows it."""
    costs = AsyncLimiter(10, 60)
    app = serving(
        RateLimit(
            lambda connection: None if connection.url.path == "/free" else costs,
            cost=lambda connection: int(connection.query_params.get("n", 4)),
        ),
        path="/{where}",
    )
    keyed = serving(
        RateLimit("1/60", key=lambda connection: connection.headers.get("x-api-key"))
    )

    assert await statuses(app, "/a", "/b", "/c", "/free") == [200, 200, 429, 200]
    assert await statuses(keyed, "/", "/") == [200, 200]
    assert await statuses(keyed, "/", "/", headers=[("x-api-key", "a")]) == [200, 429]


@pytest.mark.parametrize("place", ["key", "cost", "limit"])
async def test_an_error_in_a_function_does_not_open_the_gate(place):
    """What a function of the caller raises is its own; no endpoint runs."""
    limiter = KeyedLimiter(1, 60)

    def broken(connection):
        raise KeyError(place)

    app = serving(RateLimit(**({"limit": limiter} | {place: broken})))
    with pytest.raises(KeyError, match=place):
        await ask(app)

    assert len(limiter) == 0


async def test_a_request_may_wait():
    """With `max_wait` a request waits for its turn."""
    app = serving(RateLimit(AsyncLimiter(1, 10), max_wait=10))

    assert await statuses(app, "/", "/") == [200, 200]
    assert now() == pytest.approx(10)


async def test_a_limit_of_several():
    """Several limits at once have no policy, and say what is left of the least."""
    both = CombinedLimiter(AsyncLimiter(2, 60), AsyncLimiter(9, 60))
    answer = await ask(serving(RateLimit(both)))

    assert (answer["ratelimit-policy"], answer["ratelimit"]) == (None, '"default";r=1')


async def test_a_store_outage_is_503_and_logged_once(caplog):
    """While the store is away requests get a 503; each outage is logged once."""
    store = Memory()
    app = serving(RateLimit(process(store, 5, 60)))
    seen = []
    for error in [None, ConnectionError("away"), None, ConnectionError("again")]:
        store.error = error
        await asyncio.sleep(10)
        seen += await statuses(app, "/", "/")
    answer = await ask(app)

    assert seen == [200, 200, 503, 503, 200, 200, 503, 503]
    assert answer["retry-after"] == "1"
    names = [record.name for record in caplog.records]
    assert names.count("aiolimiter.fastapi") == 2


def test_a_websocket_handshake_is_refused_with_429():
    """The dependency works on websocket routes; a handshake too many is a 429."""
    # Frameworks of before 2024 can't refuse a handshake so, and have no name for it.
    from starlette.testclient import WebSocketDenialResponse

    app = FastAPI()

    @app.websocket("/", dependencies=[Depends(RateLimit("1/60"))])
    async def endpoint(websocket: WebSocket):
        await websocket.accept()
        await websocket.send_text("hello")
        await websocket.close()

    client = TestClient(app)
    with client.websocket_connect("/") as websocket:
        assert websocket.receive_text() == "hello"
    with (
        pytest.raises(WebSocketDenialResponse) as refusal,
        client.websocket_connect("/"),
    ):
        pass

    assert refusal.value.status_code == 429
    assert refusal.value.headers["retry-after"] in {"60", "61"}


async def test_a_client_of_httpx2_reads_it_all():
    """What an HTTP client sees is what was said."""
    transport = httpx2.ASGITransport(serving(RateLimit("1/60")))
    async with httpx2.AsyncClient(transport=transport, base_url="http://x") as client:
        answers = [await client.get("/") for _ in range(2)]

    assert [answer.status_code for answer in answers] == [200, 429]
    assert answers[1].headers["ratelimit-policy"] == '"default";q=1;w=60'


def settling(limit, actual, *others):
    """An application whose endpoint knows what it has cost."""
    app, settled = FastAPI(), Depends(limit.settled)

    async def endpoint(cost: Any = settled):
        done = cost.settle(actual)
        if isawaitable(done):
            await done
        return {}

    app.get("/", dependencies=[Depends(other) for other in others])(endpoint)
    return app


@pytest.mark.parametrize("actual", [10, 40, 70])
async def test_an_endpoint_settles_what_it_has_cost(actual):
    """What an endpoint says is what a request has cost; the fields say the estimate."""
    limiter = AsyncLimiter(100, 60)
    answer = await ask(settling(RateLimit(limiter, cost=40), actual))

    assert answer.status == 200
    assert answer.read("ratelimit") == [("default", {"r": 60})]
    assert limiter.statistics().level == actual


async def test_a_debt_that_an_endpoint_made_is_waited_for():
    """Who comes after an endpoint that cost more than there was is refused, once."""
    app = settling(RateLimit(AsyncLimiter(10, 10), cost=0), 25)
    first, second = [await ask(app) for _ in range(2)]
    await asyncio.sleep(int(second["retry-after"]))

    assert (first.status, second.status) == (200, 429)
    assert second["retry-after"] in {"15", "16"}
    assert (await ask(app)).status == 200


async def test_an_endpoint_settles_in_the_fleet():
    """A shared limiter is settled, too, for all; its settling is awaited."""
    store = Memory()
    limiter = process(store, 100, 60)
    answer = await ask(settling(RateLimit(limiter, cost=40), 10))

    assert answer.status == 200
    assert (await process(store, 100, 60).statistics()).level == pytest.approx(10)


async def test_two_limits_of_a_route_are_settled_apart():
    """Each is settled by the parameter it stands at."""
    one, two = AsyncLimiter(100, 60), AsyncLimiter(100, 60)
    first, second = RateLimit(one, cost=40, name="a"), RateLimit(two, cost=40, name="b")
    app = FastAPI()
    a_settled, b_settled = Depends(first.settled), Depends(second.settled)

    async def endpoint(a: Any = a_settled, b: Any = b_settled):
        a.settle(5)
        b.settle(50)

    app.get("/")(endpoint)
    answer = await ask(app)

    assert answer.read("ratelimit") == [("a", {"r": 60}), ("b", {"r": 60})]
    assert (one.statistics().level, two.statistics().level) == (5, 50)


async def test_an_estimate_stays_where_the_endpoint_fails():
    """What was done may have cost it, so it is not given back; nor settled later."""
    limiter, kept = AsyncLimiter(100, 60), []
    app, settled = FastAPI(), Depends(RateLimit(limiter, cost=40).settled)

    async def endpoint(cost: Any = settled):
        kept.append(cost)
        raise HTTPException(418)

    app.get("/")(endpoint)

    assert (await ask(app)).status == 418
    assert limiter.statistics().level == 40
    with pytest.raises(RuntimeError):
        kept[0].settle(1)


async def test_where_nothing_is_limited_settling_changes_nothing():
    """An endpoint need not know who is limited."""
    limiter = AsyncLimiter(100, 60)
    limited = RateLimit(lambda _: None)
    answer = await ask(settling(limited, 7, RateLimit(limiter)))

    assert answer.status == 200
    assert limiter.statistics().level == 1


async def test_an_outage_before_settling_is_a_503():
    """No endpoint runs where its limit can't be asked."""
    store = Memory()
    store.error = ConnectionError("away")
    answer = await ask(settling(RateLimit(process(store, 5, 60)), 1))

    assert (answer.status, answer["retry-after"]) == (503, "1")
