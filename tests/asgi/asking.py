"""How the tests ask an ASGI application, without a server."""

from __future__ import annotations

import asyncio
from typing import Any, NamedTuple

from http_sf import parse


class Answer(NamedTuple):
    """What came back."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes
    messages: list[dict[str, Any]]

    def all(self, name: str) -> list[str]:
        return [v.decode() for n, v in self.headers if n == name.encode()]

    def __getitem__(self, name: str) -> str | None:
        return next(iter(self.all(name)), None)

    def read(self, name: str) -> list[Any]:
        """A structured field, as a parser of RFC 9651 understands it."""
        return parse(", ".join(self.all(name)).encode(), tltype="list")


def now() -> float:
    """Seconds on the clock of the running loop; a test's clock starts at 0."""
    return asyncio.get_running_loop().time()


def connection(
    path: str = "/",
    *,
    client: str | None = "192.0.2.7",
    headers: list[tuple[str, str]] | None = None,
    method: str = "GET",
    kind: str = "http",
    extensions: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """The scope of a connection."""
    return {
        "type": kind,
        "asgi": {"version": "3.0", "spec_version": "2.5"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http" if kind == "http" else "ws",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": [(n.encode(), v.encode("latin-1")) for n, v in headers or []],
        "client": None if client is None else (client, 50123),
        "server": ("127.0.0.1", 80),
        "subprotocols": [],
        "extensions": extensions or {},
    }


async def ask(app, path: str = "/", **details: Any) -> Answer:
    """Ask once; the client sends nothing more than its connection."""
    sent: list[dict[str, Any]] = []
    kind = details.get("kind", "http")
    first = {"http": "http.request", "websocket": "websocket.connect"}[kind]

    asked, answered = iter([{"type": first}]), asyncio.Event()

    async def receive() -> dict[str, Any]:
        # After its request a client says nothing, and stays until it is answered.
        if (message := next(asked, None)) is None:
            await answered.wait()
            message = {"type": f"{kind}.disconnect"}
        return message

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)
        if message["type"] == "http.response.body" and not message.get("more_body"):
            answered.set()

    await app(connection(path, **details), receive, send)
    start = next((m for m in sent if m["type"].endswith(".start")), {})
    body = b"".join(m.get("body", b"") for m in sent)
    headers = [(bytes(n), bytes(v)) for n, v in start.get("headers", [])]
    return Answer(start.get("status", 0), headers, body, sent)


async def hello(scope, receive, send) -> None:
    """An application that says hello, whatever it is asked."""
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.accept"})
        await send({"type": "websocket.close", "code": 1000})
        return
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"hello"})
