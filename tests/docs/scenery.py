"""What an example in a docstring need not explain."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace

import aiolimiter
import aiolimiter.headers
import aiolimiter.local
import aiolimiter.opentelemetry
import aiolimiter.redis


def scenery(limiter: object) -> dict[str, object]:
    """The names an example may use, *limiter* among them."""

    async def ask_the_model() -> SimpleNamespace:
        return SimpleNamespace(tokens_used=700)

    async def app(scope: object, receive: object, send: object) -> None:
        return None

    return {
        "app": app,
        **{name: getattr(aiolimiter, name) for name in aiolimiter.__all__},
        "FileLimiter": aiolimiter.local.FileLimiter,
        "OpenTelemetryObserver": aiolimiter.opentelemetry.OpenTelemetryObserver,
        "RedisKeyedLimiter": aiolimiter.redis.RedisKeyedLimiter,
        "RedisLimiter": aiolimiter.redis.RedisLimiter,
        "__name__": "__main__",
        "asyncio": asyncio,
        "headers": aiolimiter.headers,
        "limiter": limiter,
        "ask_the_model": ask_the_model,
        "chat_id": 7,
        "chats": aiolimiter.KeyedLimiter(1, 1),
        "everyone": aiolimiter.AsyncLimiter(30, 1),
        "model": aiolimiter.CombinedLimiter(
            requests=aiolimiter.AsyncLimiter(500),
            tokens=aiolimiter.AsyncLimiter(30_000),
        ),
        "user_id": 7,
    }
