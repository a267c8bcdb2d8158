"""Run the workers: in rounds, every contender once in each.

What a ratio compares was measured seconds apart, so that a machine that is
busy for a while is busy for both.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from .contenders import CONTENDERS
from .peers import ROOT, PeerMissingError, environment
from .questions import QUESTIONS
from .questions.face import Measured, Question

#: No worker takes half of this; one that hangs must not hang the rest.
LIMIT = 180

#: question -> contender -> metrics of each round
Results = dict[str, dict[str, list[Measured]]]


def note(text: str) -> None:
    """Tell whoever watches what goes on, off the table's own stream."""
    print(text, file=sys.stderr, flush=True)


def run_worker(question: Question, name: str, python: str) -> Measured:
    """Return the metrics of one contender, measured once.

    Raises:
        PeerMissingError: the peer is not installed, or its worker failed.
    """
    contender = CONTENDERS[name]
    env = environment(contender.package, python)
    command = [python, "-m", "benchmarks.worker", question.name, name]
    if question.timed is not None:
        return run_pyperf(command, contender.loops, env)
    return json.loads(launch(command, env))


def run_pyperf(command: list[str], loops: int, env: dict[str, str]) -> Measured:
    """Let pyperf time it in a process of its own, and return the medians."""
    with tempfile.TemporaryDirectory() as scratch:
        path, beside = Path(scratch) / "out.json", Path(scratch) / "of_lock"
        size = ["-p", "1", "-n", "5", "-w", "1", "-l", str(loops)]
        rest = ["--quiet", "--inherit-environ", "PYTHONPATH", "-o", str(path)]
        launch([*command, str(beside), *size, *rest], env)
        import pyperf

        # The first one is the warm-up.
        of_lock = [float(line) for line in beside.read_text().split()[1:]]
        seconds = pyperf.Benchmark.load(str(path)).median()
        return {"seconds": seconds, "of_lock": statistics.median(of_lock)}


def launch(command: list[str], env: dict[str, str]) -> str:
    """Run `command` and return what it printed.

    Raises:
        PeerMissingError: it failed, or took too long.
    """
    try:
        done = subprocess.run(
            command,
            env=env,
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
            timeout=LIMIT,
        )
    except subprocess.TimeoutExpired as late:
        msg = f"no answer in {LIMIT} s"
        raise PeerMissingError(msg) from late
    if done.returncode:
        lines = done.stderr.strip().splitlines() or ["no word of why"]
        raise PeerMissingError(
            next((x for x in lines[::-1] if "rror: " in x), lines[-1])
        )
    return done.stdout


def ask(question: Question, names: Iterable[str], python: str) -> Iterator[tuple]:
    """Yield (contender, metrics or what went wrong), everyone once."""

    def one(name: str) -> tuple[str, Measured | PeerMissingError]:
        try:
            return name, run_worker(question, name, python)
        except PeerMissingError as missing:
            return name, missing

    # Sleepers do not disturb each other; whoever computes runs alone.
    with ThreadPoolExecutor(8 if question.idle else 1) as pool:
        yield from pool.map(one, names)


def run(
    questions: Iterable[str], contenders: Iterable[str], python: str, more: int
) -> tuple[Results, list[str]]:
    """Ask every question in its rounds, times `more`.

    Returns:
        What was measured, and a line for every contender that was left out.
    """
    results: Results = {}
    missing: dict[str, str] = {}
    wanted = list(contenders)
    for key in questions:
        began = time.monotonic()
        question = QUESTIONS[key]
        able = [n for n in wanted if CONTENDERS[n].can(question.verb)]
        able = [n for n in able if question.only is None or n in question.only]
        found: dict[str, list[Measured]] = defaultdict(list)
        for _ in range(question.rounds * more):
            for name, outcome in ask(question, list(able), python):
                if isinstance(outcome, PeerMissingError):
                    missing[f"{key}/{name}"] = str(outcome)
                    able.remove(name)
                else:
                    found[name].append(outcome)
        results[key] = dict(found)
        note(f"  {key}: {time.monotonic() - began:.0f} s")
    return results, [f"{who}: {why}" for who, why in missing.items()]
