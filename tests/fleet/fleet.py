"""Several worker processes on one limit, and what each of them got."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple, Self

WORKER = Path(__file__).with_name("worker.py")


class Share(NamedTuple):
    """What one worker got, and how it fared."""

    admitted: list[tuple[float, float]]
    stranded: int
    lag: float
    errors: list[str]


class Fleet(contextlib.ExitStack):
    """
    *count* workers that wait for `go`.

    Args:
        where: ``{"socket": …, "name": …}`` of a server, or ``{"path": …}``.
        limit: max_rate and time_period.
        directory: Where workers note what they got.
        count: How many processes.
        tasks: How many tasks each.
        seconds: For how long they take.
        amount: How much each time.
        grace: Seconds after which who still waits is stranded.
        options: Keywords of the limiter.
    """

    def __init__(
        self,
        where: dict[str, str],
        limit: tuple[float, float],
        directory: Path,
        *,
        count: int = 4,
        tasks: int = 25,
        seconds: float = 2.0,
        amount: float = 1.0,
        grace: float = 5.0,
        **options: Any,
    ) -> None:
        super().__init__()
        self._outs = [directory / f"worker{i}" for i in range(count)]
        self._specs = [
            {
                **where,
                "limit": limit,
                "out": str(out),
                "tasks": tasks,
                "seconds": seconds,
                "amount": amount,
                "grace": grace,
                "options": options,
            }
            for out in self._outs
        ]
        self._workers: list[subprocess.Popen[str]] = []

    def __enter__(self) -> Self:
        super().__enter__()
        for spec in self._specs:
            worker = subprocess.Popen(
                [sys.executable, str(WORKER), json.dumps(spec)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            self.enter_context(worker)
            self.callback(worker.kill)
            self._workers.append(worker)
        for worker in self._workers:
            assert worker.stdout is not None
            assert worker.stdout.readline() == "ready\n"
        return self

    def go(self) -> None:
        """Let all begin."""
        for worker in self._workers:
            assert worker.stdin is not None
            worker.stdin.write("\n")
            worker.stdin.flush()

    def kill(self, index: int) -> None:
        """Kill one with -9."""
        self._workers[index].kill()
        self._workers[index].wait()

    def shares(self) -> list[Share]:
        """Wait until all are done, and tell what each got."""
        return [
            _share(worker, out)
            for worker, out in zip(self._workers, self._outs, strict=True)
        ]


def _share(worker: subprocess.Popen[str], out: Path) -> Share:
    report, _ = worker.communicate(timeout=60)
    # A worker that was killed reports nothing, and strands nobody.
    told = json.loads(report) if report else {"stranded": 0, "lag": 0.0, "errors": []}
    return Share(admitted(out), **told)


def admitted(out: Path) -> list[tuple[float, float]]:
    """What a worker noted so far; a last line cut short does not count."""
    lines = out.read_text().split("\n")[:-1] if out.exists() else []
    return [(float(at), float(amount)) for at, amount in map(str.split, lines)]
