"""A limit in front of a server, as users write it; type checkers read this."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, assert_type

from aiolimiter import AsyncLimiter, CombinedLimiter, Decision, KeyedLimiter
from aiolimiter.asgi import Forwarded, RateLimitMiddleware, client_address

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    await send(await receive())


def other(scope: Scope) -> AsyncLimiter | None:
    return AsyncLimiter(1) if scope["path"] == "/login" else None


def another(scope: Scope, decision: Decision) -> None:
    return None


def limited() -> None:
    inner = RateLimitMiddleware(app, "100/60")
    outer = RateLimitMiddleware(inner, KeyedLimiter(100, 60), key=client_address)
    RateLimitMiddleware(outer, AsyncLimiter(100), skip="/health", max_wait=0.5)
    RateLimitMiddleware(app, other, cost=lambda scope: len(scope["path"]))
    RateLimitMiddleware(app, CombinedLimiter(AsyncLimiter(1)), cost={"requests": 1})
    RateLimitMiddleware(app, AsyncLimiter(1), refuse=another, on_outage="open")
    RateLimitMiddleware(app, AsyncLimiter(90), cost=50, settle=True)
    RateLimitMiddleware(app, AsyncLimiter(1), on_outage="close")  # type: ignore[arg-type]
    RateLimitMiddleware(app, 100)  # type: ignore[arg-type]  # in which time?


def known(scope: Scope) -> None:
    assert_type(client_address(scope), str)
    assert_type(Forwarded(["10.0.0.0/8", "unix"], ipv6_prefix=56)(scope), str)
    Forwarded("10.0.0.1", header="x-real-ip")  # type: ignore[arg-type]
