"""Real servers that serve `served.py`, and the plainest clients there are."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import time
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).parent
PATIENCE = 30.0

# By name: the module that is run, and what it is told.
SERVERS = {
    "uvicorn": "uvicorn served:app --port {port} --log-level warning",
    "uvicorn, websockets": "uvicorn served:app --port {port} --ws websockets",
    "uvicorn, sansio": "uvicorn served:app --port {port} --ws websockets-sansio",
    "uvicorn, wsproto": "uvicorn served:app --port {port} --ws wsproto --http h11",
    "hypercorn": "hypercorn served:app --bind 127.0.0.1:{port}",
    "granian": "granian served:app --interface asgi --port {port}",
}


@contextlib.contextmanager
def serving(command: str, place: int | Path, **environment: str) -> Iterator[None]:
    """A server that answers at a port or a socket's path, gone with the block."""
    process = subprocess.Popen(
        [sys.executable, "-m", *command.format(port=place, path=place).split()],
        cwd=HERE,
        env={**os.environ, **environment},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        deadline = time.monotonic() + PATIENCE
        while not answers(place):
            assert process.poll() is None, f"{command} has ended"
            assert time.monotonic() < deadline, f"{command} does not answer"
            time.sleep(0.02)
        yield
    finally:
        process.terminate()
        process.wait(PATIENCE)


def connect(place: int | Path, source: str = "127.0.0.1") -> socket.socket:
    """A connection to a port on 127.0.0.1 from an address, or to a socket's path."""
    if isinstance(place, int):
        return socket.create_connection(("127.0.0.1", place), PATIENCE, (source, 0))
    line = socket.socket(socket.AF_UNIX)
    line.settimeout(PATIENCE)
    try:
        line.connect(str(place))
    except OSError:
        line.close()
        raise
    return line


def answers(place: int | Path) -> bool:
    """Whether somebody listens there."""
    try:
        connect(place).close()
    except OSError:
        return False
    return True


def request(
    place: int | Path,
    method: str = "GET",
    *,
    source: str = "127.0.0.1",
    **headers: str | list[str],
) -> HTTPResponse:
    """Ask once, on a connection of its own; the body is read."""
    client = HTTPConnection("127.0.0.1")
    client.sock = connect(place, source)
    client.putrequest(method, "/")
    for name, lines in {"connection": "close", **headers}.items():
        for line in [lines] if isinstance(lines, str) else lines:
            client.putheader(name.replace("_", "-"), line)
    client.endheaders()
    response = client.getresponse()
    response.text = response.read()  # type: ignore[attr-defined]
    client.close()
    return response


def handshake(place: int | Path, source: str = "127.0.0.1") -> HTTPResponse:
    """Ask for a websocket, and leave."""
    return request(
        place,
        source=source,
        connection="upgrade",
        upgrade="websocket",
        sec_websocket_version="13",
        sec_websocket_key="dGhlIHNhbXBsZSBub25jZQ==",
    )
