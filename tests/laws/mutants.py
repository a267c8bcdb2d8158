"""
Deliberate breaks: does a law notice?

Each break changes one line of a copy of the sources; then the laws are run on
the copy until one fails.  Run as a program, it prints which one that was:

    python -m tests.laws.mutants
    python -m tests.laws.mutants window

It ends with status 1 if a break goes unnoticed.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from .breaks import ALL_LAWS, BREAKS, FLEET, SCRIPT, Break

ROOT = Path(__file__).parents[2]
SOURCE = Path(os.environ.get("LAWS_SOURCE", ROOT / "src"))
UNBROKEN = [
    Break("nothing", "__init__.py", "", "", laws) for laws in (ALL_LAWS, FLEET, SCRIPT)
]
# A break may make the laws run for ever; that is noticed as well.
PATIENCE = 120


class Outcome(NamedTuple):
    """Which law noticed, if any; and how long it took."""

    law: str
    seconds: float


def broken_copy(directory, broken):
    """Copy the sources to *directory* and break one line there."""
    source = Path(directory) / "src"
    shutil.copytree(SOURCE, source, ignore=shutil.ignore_patterns("__pycache__"))
    path = source / "aiolimiter" / broken.file
    text = path.read_text()
    if broken.line not in text:
        msg = f"there is no such line any more in {broken.file}: {broken.line!r}"
        raise LookupError(msg)
    path.write_text(text.replace(broken.line, broken.instead, 1))
    return source


def _law(name):
    # Those of the fleet stand with its tests.
    return f"tests/{name}" if "/" in name else f"tests/laws/{name}"


def try_out(broken):
    """Run the laws on a broken copy until one fails."""
    start = time.monotonic()
    with tempfile.TemporaryDirectory() as directory:
        source = broken_copy(directory, broken)
        environment = os.environ | {
            "PYTHONPATH": str(source),
            "PYTHONDONTWRITEBYTECODE": "1",
            "HYPOTHESIS_STORAGE_DIRECTORY": f"{directory}/hypothesis",
            "LAWS_WHETHER": "1",
        }
        laws = [_law(name) for name in broken.laws.split()]
        command = [sys.executable, "-m", "pytest", "-x", "-q", "--no-header"]
        command += ["-p", "no:randomly", "-p", "no:cacheprovider", "--tb=no", *laws]
        try:
            run = subprocess.run(
                command,
                cwd=ROOT,
                env=environment,
                capture_output=True,
                text=True,
                timeout=PATIENCE,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return Outcome("(runs for ever)", time.monotonic() - start)
    found = re.search(
        r"^(?:FAILED|ERROR) tests/(?:laws/)?(\S+)", run.stdout, re.MULTILINE
    )
    return Outcome(found[1] if found else "", time.monotonic() - start)


def main(arguments):
    """Try out all breaks, or those that have a word in their description."""
    wanted = [
        broken
        for broken in BREAKS
        if not arguments or any(word in " ".join(broken) for word in arguments)
    ]
    unnoticed = 0
    for unbroken in UNBROKEN:
        if law := try_out(unbroken).law:
            print(f"not even the unbroken sources keep {law}")
            return 2
    print("| file | break | noticed by |\n| --- | --- | --- |", flush=True)
    for broken in wanted:
        outcome = try_out(broken)
        unnoticed += not outcome.law
        law = f"`{outcome.law}`" if outcome.law else "**nobody**"
        print(f"| `{broken.file}` | {broken.meaning} | {law} |", flush=True)
    print(f"\n{len(wanted)} breaks, {unnoticed} unnoticed")
    return 1 if unnoticed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
