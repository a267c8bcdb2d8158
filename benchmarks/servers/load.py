"""A server process under load: what CPU time does a request take there?"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from ..peers import ROOT, SOURCE, directory
from .programs import PROGRAMS

CONNECTIONS = 16
REQUEST = b"GET / HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n"
# What an answer ends with: the text, the same as JSON, or a problem.
ENDS = (b"hello", b'hello"', b"]}")
PATIENCE = 20.0


@contextlib.contextmanager
def serving(name: str, valkey: str) -> Iterator[tuple[int, int]]:
    """Serve a program with uvicorn; return its process id and port."""
    peer = PROGRAMS[name][1]
    paths = [str(SOURCE), str(ROOT)]
    if peer is not None:
        # Behind ours, and the frameworks are those installed here.
        paths.append(str(directory(peer, sys.executable)))
    with socket.socket() as line:
        # uvicorn takes any descriptor for a unix socket's, and would not set this.
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        line.bind(("127.0.0.1", 0))
        line.listen(CONNECTIONS)
        fd = line.fileno()
        command = [
            *(sys.executable, "-m", "uvicorn", "benchmarks.servers.programs:made"),
            *("--factory", "--fd", str(fd), "--loop", "uvloop", "--http", "httptools"),
            *("--no-access-log", "--log-level", "error", "--lifespan", "off"),
            "--no-proxy-headers",
        ]
        env = {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "PROGRAM": name}
        env["VALKEY"] = valkey
        process = subprocess.Popen(command, pass_fds=[fd], env=env)
        try:
            yield process.pid, line.getsockname()[1]
        finally:
            process.terminate()
            process.wait(PATIENCE)


class Client(asyncio.Protocol):
    """Asks again as soon as it is answered."""

    def __init__(self, left: Iterator[int], done: asyncio.Event) -> None:
        self.left, self.done, self.heard = left, done, b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        transport.write(REQUEST)

    def data_received(self, data: bytes) -> None:
        self.heard += data
        if self.heard.endswith(ENDS):
            self.heard = b""
            if next(self.left, None) is None:
                self.done.set()
            else:
                self.transport.write(REQUEST)


async def ask(port: int, count: int) -> None:
    """Ask *count* times, on all connections at once."""
    left, done = iter(range(count)), asyncio.Event()
    loop = asyncio.get_running_loop()
    made = [
        await loop.create_connection(lambda: Client(left, done), "127.0.0.1", port)
        for _ in range(CONNECTIONS)
    ]
    async with asyncio.timeout(60):
        await done.wait()
    for transport, _ in made:
        transport.close()


def cpu(pid: int) -> float:
    """Microseconds that a process has run."""
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e3


def measure(pid: int, port: int, count: int) -> tuple[float, float]:
    """Return microseconds of a request: CPU time in the server's process, and all."""
    before, began = cpu(pid), time.perf_counter()
    asyncio.run(ask(port, count))
    took = time.perf_counter() - began
    return (cpu(pid) - before) / count, took / count * 1e6
