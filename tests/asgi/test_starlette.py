"""In front of Starlette: nothing goes round, and browsers understand."""

from __future__ import annotations

import httpx2
import pytest
from starlette.applications import Starlette
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route

from aiolimiter import KeyedLimiter
from aiolimiter.asgi import RateLimitMiddleware


async def hello(request):
    return PlainTextResponse("hello")


@pytest.fixture
def app():
    """An application with a route, one with a parameter, and a mounted one."""
    inner = Starlette(routes=[Route("/x", hello)])
    return Starlette(
        routes=[Route("/", hello), Route("/item/{n}", hello), Mount("/in", inner)]
    )


def client_of(app):
    transport = httpx2.ASGITransport(app, client=("192.0.2.7", 50123))
    return httpx2.AsyncClient(transport=transport, base_url="http://test")


@pytest.mark.parametrize(
    ("paths", "expected"),
    [
        (["/nowhere", "/in/x", "/in/nowhere", "/"], [404, 200, 404, 429]),
        (["/item/1", "/item/2", "/item/3", "/item/4"], [200, 200, 200, 429]),
        (["/", "/?x", "/%00%ff", "/"], [200, 200, 404, 429]),
    ],
)
async def test_unknown_paths_and_mounted_apps_are_limited(app, paths, expected):
    """What no route knows counts, as does what another application serves."""
    app.add_middleware(RateLimitMiddleware, limit=KeyedLimiter(3, 60))
    async with client_of(app) as client:
        answers = [await client.get(path) for path in paths]

    assert [answer.status_code for answer in answers] == expected
    assert [answer.headers["ratelimit"][-1] for answer in answers[:3]] == [
        "2",
        "1",
        "0",
    ]


async def test_path_parameters_are_one_limit(app):
    """Two values of a path's parameter share the client's limit."""
    app.add_middleware(RateLimitMiddleware, limit=KeyedLimiter(1, 60))
    async with client_of(app) as client:
        first, second = await client.get("/item/1"), await client.get("/item/2")

    assert (first.status_code, second.status_code) == (200, 429)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/%68ealth", [200, 200]),
        ("/health?x=/", [200, 200]),
        ("/health%2fx", [404, 429]),
        ("/health%00", [404, 429]),
        ("/health%E2%80%8B", [404, 429]),
        ("/%EF%BD%88ealth", [404, 429]),
        ("/health;x", [404, 429]),
        ("/%2e/health", [404, 429]),
    ],
)
async def test_tricks_in_paths_are_no_way_round(path, expected):
    """What is skipped is what the route serves; what only looks like it is limited."""
    app = Starlette(routes=[Route("/health", hello)])
    app.add_middleware(RateLimitMiddleware, limit=KeyedLimiter(1, 60), skip="/health")
    async with client_of(app) as client:
        answers = [await client.get(path) for _ in range(2)]

    assert [answer.status_code for answer in answers] == expected


async def test_preflights_and_cors_headers(app):
    """With CORS outside preflights take nothing, and a browser can read the 429."""
    app.add_middleware(RateLimitMiddleware, limit=KeyedLimiter(1, 60))
    app.add_middleware(
        CORSMiddleware,
        allow_origins=["https://app.example"],
        expose_headers=["RateLimit", "Retry-After"],
    )
    origin = {"origin": "https://app.example"}
    preflight = {**origin, "access-control-request-method": "GET"}
    async with client_of(app) as client:
        asked = [await client.options("/", headers=preflight) for _ in range(3)]
        first, second = [await client.get("/", headers=origin) for _ in range(2)]

    assert {answer.status_code for answer in asked} == {200}
    assert (first.status_code, second.status_code) == (200, 429)
    assert second.headers["access-control-allow-origin"] == origin["origin"]
    assert "Retry-After" in second.headers["access-control-expose-headers"]
