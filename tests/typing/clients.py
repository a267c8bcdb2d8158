"""HTTP clients, as users write them; type checkers read this."""

from __future__ import annotations

import aiohttp
import httpx
import httpx2

import aiolimiter.httpx
from aiolimiter import AsyncLimiter, CombinedLimiter, KeyedLimiter, Limiter
from aiolimiter.aiohttp import RateLimitMiddleware
from aiolimiter.headers import Advice, reading
from aiolimiter.httpx2 import RateLimitTransport, event_hooks


def chosen(request: httpx2.Request) -> AsyncLimiter | None:
    return None if request.method == "GET" else AsyncLimiter(1)


def told(request: httpx2.Request, advice: Advice) -> Limiter | None:
    return None if advice.scope == "shared" else AsyncLimiter(1)


def made(inner: httpx2.AsyncBaseTransport) -> None:
    transport = RateLimitTransport(AsyncLimiter(5))
    httpx2.AsyncClient(transport=transport)
    RateLimitTransport(KeyedLimiter[str](5), inner, key=lambda r: r.url.host)
    RateLimitTransport(chosen, cost=lambda r: 2.5, max_wait=lambda r: None)
    model = CombinedLimiter(requests=AsyncLimiter(5), tokens=AsyncLimiter(5))
    RateLimitTransport(model, tell="requests", cost={"tokens": 900})
    RateLimitTransport(model, tell=told, believe=reading({"X-Left": "remaining"}))
    RateLimitTransport(AsyncLimiter(5), believe=None, resends=0)
    RateLimitTransport(AsyncLimiter(5), adapt=True)
    RateLimitTransport(7)  # type: ignore[arg-type]  # a limiter
    httpx2.AsyncClient(event_hooks=event_hooks(AsyncLimiter(5), max_pause=60))
    event_hooks(AsyncLimiter(5), resends=1)  # type: ignore[call-arg]  # can't resend


def the_other(inner: httpx.AsyncBaseTransport) -> None:
    httpx.AsyncClient(transport=aiolimiter.httpx.RateLimitTransport(chosen_there))
    aiolimiter.httpx.RateLimitTransport(AsyncLimiter(5), inner)
    RateLimitTransport(AsyncLimiter(5), inner)  # type: ignore[arg-type]  # httpx2's


def chosen_there(request: httpx.Request) -> AsyncLimiter | None:
    return None


def in_a_session() -> None:
    limited = RateLimitMiddleware(KeyedLimiter[str](5), key=lambda r: r.url.host)
    aiohttp.ClientSession(middlewares=(limited,))
    RateLimitMiddleware(AsyncLimiter(5), max_wait=lambda r: 2.0, resends=1)
    RateLimitMiddleware("5/s")  # type: ignore[arg-type]  # a limiter
