"""What the servers of `test_servers.py` serve; the environment says the limit."""

from __future__ import annotations

import os

from redis.asyncio import Redis

from aiolimiter import KeyedLimiter
from aiolimiter.asgi import Forwarded, RateLimitMiddleware, client_address
from aiolimiter.local import FileLimiter
from aiolimiter.redis import RedisKeyedLimiter


async def hello(scope, receive, send) -> None:
    if scope["type"] == "lifespan":
        for step in ("startup", "shutdown"):
            await receive()
            await send({"type": f"lifespan.{step}.complete"})
    elif scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.accept"})
        await send({"type": "websocket.close", "code": 1000})
    else:
        length = [(b"content-length", b"5")]
        await send({"type": "http.response.start", "status": 200, "headers": length})
        await send({"type": "http.response.body", "body": b"hello"})


def limit():
    kind, _, where = os.environ["LIMIT"].partition(":")
    if kind == "redis":
        return RedisKeyedLimiter(Redis(unix_socket_path=where), "served", 20, 3600)
    if kind == "file":
        return FileLimiter(where, 20, 3600)
    return KeyedLimiter(int(kind), 3600)


trusted = os.environ.get("TRUSTED")
header = os.environ.get("HEADER", "x-forwarded-for")
key = Forwarded([trusted], header) if trusted else client_address
app = RateLimitMiddleware(hello, limit(), key=key)
