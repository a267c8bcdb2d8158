"""How a request is answered that is not let through."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ._protocol import Field, Message, Receive, Scope, Send

# Of draft-ietf-httpapi-ratelimit-headers, section 5.
_QUOTA_EXCEEDED = "https://iana.org/assignments/http-problem-types#quota-exceeded"
_TRY_AGAIN_LATER = 1013


@final
class Refusal:
    """
    An ASGI application that answers always the same, over HTTP or a handshake.

    The body of the request is not read.

    Args:
        status: The status of the response.
        fields: Its fields, beside those of its body.
        body: A problem of RFC 9457.
    """

    __slots__ = ("_body", "_fields", "_status")

    def __init__(self, status: int, fields: Sequence[Field], body: bytes) -> None:
        self._status = status
        self._fields = fields
        self._body = body

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            body = b"" if scope["method"] == "HEAD" else self._body
            await self._respond("http.response", body, send)
            return
        if (await receive())["type"] != "websocket.connect":
            return
        if "websocket.http.response" in (scope.get("extensions") or ()):
            await self._respond("websocket.http.response", self._body, send)
            return
        await send({"type": "websocket.close", "code": _TRY_AGAIN_LATER})

    async def _respond(self, kind: str, body: bytes, send: Send) -> None:
        head: Message = {
            "type": f"{kind}.start",
            "status": self._status,
            "headers": [
                (b"content-type", b"application/problem+json"),
                (b"content-length", b"%d" % len(self._body)),
                (b"cache-control", b"no-store"),
                *self._fields,
            ],
        }
        await send(head)
        await send({"type": f"{kind}.body", "body": body})


def quota_exceeded(name: str) -> bytes:
    """Write the problem of who has used up the limit called *name*."""
    problem = {
        "type": _QUOTA_EXCEEDED,
        "title": "Too many requests: the quota is used up for now",
        "status": 429,
        "violated-policies": [name],
    }
    return json.dumps(problem).encode()


def unavailable() -> bytes:
    """Write the problem of a server that can't tell who may pass."""
    title = "The service can't tell right now how much it may do"
    return json.dumps({"title": title, "status": 503}).encode()
