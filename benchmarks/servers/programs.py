"""What is served: an application, bare and with each limit in front of it."""

from __future__ import annotations

import itertools
import os
from importlib import import_module
from typing import Any

#: By name: the function that makes it, the peer it needs, what it is over.
PROGRAMS: dict[str, tuple[str, str | None, str | None]] = {
    "ASGI": ("bare", None, None),
    "ASGI + ours": ("bare_ours", None, "ASGI"),
    "ASGI + ours without fields": ("bare_silent", None, "ASGI"),
    "ASGI + ours refusing all": ("bare_refused", None, "ASGI"),
    "ASGI + asgi-ratelimit": ("bare_ratelimit", "asgi-ratelimit", "ASGI"),
    "ASGI + ours on Valkey": ("bare_shared", None, "ASGI"),
    "ASGI + asgi-ratelimit on Valkey": (
        "bare_ratelimit_shared",
        "asgi-ratelimit",
        "ASGI",
    ),
    "ASGI + ours on Valkey for 10k": ("bare_shared_by_many", None, "ASGI"),
    "ASGI + asgi-ratelimit on Valkey for 10k": (
        "bare_ratelimit_shared_by_many",
        "asgi-ratelimit",
        "ASGI",
    ),
    "Starlette": ("starlette", None, None),
    "Starlette + ours": ("starlette_ours", None, "Starlette"),
    "Starlette + slowapi's ASGI": ("starlette_slowapi", "slowapi", "Starlette"),
    "Starlette + slowapi": ("starlette_slowapi_base", "slowapi", "Starlette"),
    "FastAPI": ("fastapi", None, None),
    "FastAPI + ours": ("fastapi_ours", None, "FastAPI"),
    "FastAPI + ours refusing all": ("fastapi_refused", None, "FastAPI"),
    "FastAPI + our dependency": ("fastapi_dependency", None, "FastAPI"),
    "FastAPI + fastapi-limiter": ("fastapi_limiter", "fastapi-limiter", "FastAPI"),
    "FastAPI + slowapi decorator": ("fastapi_slowapi", "slowapi", "FastAPI"),
    "FastAPI + throttled-py": ("fastapi_throttled", "throttled-py", "FastAPI"),
    "Litestar": ("litestar", None, None),
    "Litestar + ours": ("litestar_ours", None, "Litestar"),
    "Litestar + its own": ("litestar_own", None, "Litestar"),
}

# Never reached.
MUCH = 1_000_000_000
# Who come by turns, where a server keeps the limits.
MANY = 10_000


async def hello(scope: Any, _receive: Any, send: Any) -> None:
    if scope["type"] == "http":
        head = [(b"content-type", b"text/plain"), (b"content-length", b"5")]
        await send({"type": "http.response.start", "status": 200, "headers": head})
        await send({"type": "http.response.body", "body": b"hello"})


def ours(app: Any, rate: float = MUCH, period: float = 60, **settings: Any) -> Any:
    limits = import_module("aiolimiter").KeyedLimiter(rate, period, max_keys=100_000)
    return import_module("aiolimiter.asgi").RateLimitMiddleware(app, limits, **settings)


def bare() -> Any:
    return hello


def bare_ours() -> Any:
    return ours(hello)


def bare_silent() -> Any:
    return ours(hello, fields=False)


def bare_refused() -> Any:
    return ours(hello, 1, 1e9)


def bare_ratelimit() -> Any:
    peer = import_module("ratelimit")
    memory = import_module("ratelimit.backends.simple").MemoryBackend

    async def who(scope: Any) -> tuple[str, str]:
        return scope["client"][0], "default"

    config = {r"^/": [peer.Rule(minute=MUCH)]}
    return peer.RateLimitMiddleware(
        hello, authenticate=who, backend=memory(), config=config
    )


def valkey() -> Any:
    path = os.environ["VALKEY"]
    return import_module("redis.asyncio").Redis(unix_socket_path=path)


def bare_shared(clients: int = 1) -> Any:
    limits = import_module("aiolimiter.redis").RedisKeyedLimiter(valkey(), "b", MUCH)
    turns = itertools.cycle(map(str, range(clients)))
    middleware = import_module("aiolimiter.asgi").RateLimitMiddleware
    return middleware(hello, limits, key=lambda _: next(turns))


def bare_shared_by_many() -> Any:
    return bare_shared(MANY)


def bare_ratelimit_shared(clients: int = 1) -> Any:
    backend = import_module("ratelimit.backends.redis").RedisBackend(valkey())
    turns = itertools.cycle(map(str, range(clients)))

    async def who(_scope: Any) -> tuple[str, str]:
        return next(turns), "default"

    peer = import_module("ratelimit")
    config = {r"^/": [peer.Rule(minute=MUCH)]}
    return peer.RateLimitMiddleware(
        hello, authenticate=who, backend=backend, config=config
    )


def bare_ratelimit_shared_by_many() -> Any:
    return bare_ratelimit_shared(MANY)


def starlette(limiter: Any = None) -> Any:
    responses = import_module("starlette.responses")
    routing = import_module("starlette.routing")

    async def endpoint(_request: Any) -> Any:
        return responses.PlainTextResponse("hello")

    app = import_module("starlette.applications").Starlette(
        routes=[routing.Route("/", endpoint)]
    )
    app.state.limiter = limiter
    return app


def starlette_ours() -> Any:
    return ours(starlette())


def slowapi(**settings: Any) -> Any:
    peer = import_module("slowapi")
    address = import_module("slowapi.util").get_remote_address
    return peer.Limiter(key_func=address, **settings)


def starlette_slowapi(kind: str = "SlowAPIASGIMiddleware") -> Any:
    app = starlette(slowapi(default_limits=[f"{MUCH}/minute"], headers_enabled=True))
    app.add_middleware(getattr(import_module("slowapi.middleware"), kind))
    return app


def starlette_slowapi_base() -> Any:
    return starlette_slowapi("SlowAPIMiddleware")


def fastapi(*dependencies: Any) -> Any:
    module = import_module("fastapi")
    app = module.FastAPI()

    @app.get("/", dependencies=[module.Depends(one) for one in dependencies])
    async def endpoint() -> str:
        return "hello"

    return app


def fastapi_ours() -> Any:
    return ours(fastapi())


def fastapi_refused() -> Any:
    return ours(fastapi(), 1, 1e9)


def fastapi_dependency() -> Any:
    limits = import_module("aiolimiter").KeyedLimiter(MUCH, 60, max_keys=100_000)
    return fastapi(import_module("aiolimiter.fastapi").RateLimit(limits))


def fastapi_limiter() -> Any:
    peer = import_module("fastapi_limiter.depends")
    rates = import_module("pyrate_limiter")
    limiter = rates.Limiter(rates.Rate(MUCH, rates.Duration.MINUTE))
    return fastapi(peer.RateLimiter(limiter=limiter))


def fastapi_slowapi() -> Any:
    module = import_module("fastapi")
    limiter = slowapi(headers_enabled=True)
    app = module.FastAPI()
    app.state.limiter = limiter

    # ARG001: slowapi finds its arguments by these names.
    async def endpoint(request: Any, response: Any) -> str:  # noqa: ARG001
        return "hello"

    endpoint.__annotations__ = {
        "request": module.Request,
        "response": module.Response,
        "return": str,
    }
    app.get("/")(limiter.limit(f"{MUCH}/minute")(endpoint))
    return app


def fastapi_throttled() -> Any:
    module = import_module("fastapi")
    peer = import_module("throttled.asyncio.contrib.fastapi")
    limiter = peer.Limiter(f"{MUCH}/m", key_func=peer.get_remote_address)
    app = module.FastAPI()
    app.add_middleware(peer.RateLimitMiddleware)

    # It too finds its argument by the annotation.
    async def endpoint(request: Any) -> str:  # noqa: ARG001
        return "hello"

    endpoint.__annotations__ = {"request": module.Request, "return": str}
    app.get("/")(limiter.limit()(endpoint))
    return app


def litestar(*middleware: Any) -> Any:
    module = import_module("litestar")

    async def endpoint() -> str:
        return "hello"

    return module.Litestar([module.get("/")(endpoint)], middleware=middleware)


def litestar_ours() -> Any:
    return ours(litestar())


def litestar_own() -> Any:
    peer = import_module("litestar.middleware.rate_limit")
    return litestar(peer.RateLimitConfig(rate_limit=("minute", MUCH)).middleware)


def made() -> Any:
    """Make what the environment names; uvicorn calls this."""
    return globals()[PROGRAMS[os.environ["PROGRAM"]][0]]()
