"""Several processes that always want more of one limit than there is."""

from __future__ import annotations

import time
from contextlib import ExitStack
from typing import Any, NamedTuple

from redis import Redis

from .crew import server, worker

TASKS = 25
# Counting starts anew when the first burst is over.
BURST_OVER = 0.5


class Work(NamedTuple):
    """How many processes, at how much a second, for how long."""

    processes: int
    rate: float
    seconds: float

    def __str__(self) -> str:
        return f"{self.processes} processes, {self.rate:g}/s"


class Found(NamedTuple):
    """What one run showed.

    Attributes:
        calls: Script calls for each admission.
        later_calls: The same without the first burst.
        cpu: Microseconds of the workers' processors for each admission.
        throughput: Admitted, of what the limit allows.
        jain: Jain's index of the shares, after the first burst.
        least: The smallest share, of the mean one.
    """

    calls: float
    later_calls: float
    cpu: float
    throughput: float
    jain: float
    least: float


def run(contender: str, work: Work) -> Found:
    """Let a contender do the work once, on a server of its own.

    Raises:
        FailedError: It did not.
    """
    with server() as running, ExitStack() as stack:
        socket = str(running.socket)
        client = stack.enter_context(Redis(unix_socket_path=socket))
        spec = {"socket": socket, "name": "bench", "rate": work.rate, "tasks": TASKS}
        workers = [
            stack.enter_context(worker(contender, seconds=work.seconds, **spec))
            for _ in range(work.processes)
        ]
        for one in workers:
            one.wait_until_ready()
        before = scripts(client)
        for one in workers:
            one.go()
        time.sleep(BURST_OVER)
        between = scripts(client)
        told = [one.report() for one in workers]
        after = scripts(client)
    return _found(work, told, (after - before, after - between))


def scripts(client: Redis) -> int:
    """How many script calls the server has served."""
    stats: dict[str, Any] = client.info("commandstats")
    named = (stats.get(f"cmdstat_{verb}", {}) for verb in ("evalsha", "eval"))
    return sum(int(stat.get("calls", 0)) for stat in named)


def _found(work: Work, told: list[dict[str, Any]], calls: tuple[int, int]) -> Found:
    start = min(at for one in told for at in one["admitted"])
    late = [sum(at > start + BURST_OVER for at in one["admitted"]) for one in told]
    total = sum(len(one["admitted"]) for one in told)
    return Found(
        calls=calls[0] / total,
        later_calls=calls[1] / max(1, sum(late)),
        cpu=sum(one["cpu"] for one in told) / total * 1e6,
        throughput=total / (work.rate + work.rate * work.seconds),
        jain=sum(late) ** 2 / max(1, len(late) * sum(n * n for n in late)),
        least=min(late) * len(late) / max(1, sum(late)),
    )
