"""What holds for every file that is committed."""

from __future__ import annotations

import ast
import re
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SETTINGS = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))

# In two parts each, so that this file does not find itself.
FORBIDDEN = {
    "a path of somebody's machine": r"(?<![\w.~$})])/(?:" + "work|root|home)/",
    "the address of a package index": "py" + r"pi\.org|python" + r"hosted\.org",
    "a setting that names a package index": r"index" + "-url",
}


def committed() -> list[Path]:
    """Every file git knows."""
    command = ["git", "ls-files", "-z"]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    return [ROOT / name for name in done.stdout.split("\0") if name]


@pytest.mark.parametrize("what", FORBIDDEN)
def test_no_file_names(what):
    """No committed file depends on, or tells of, the machine it was written on."""
    pattern = re.compile(FORBIDDEN[what])
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line}"
        for path in committed()
        if path.is_file()
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
        if pattern.search(line)
    ]

    assert found == []


def test_each_test_states_a_fact():
    """A test has a docstring, and it says what holds, not what is tested."""
    tests = [
        (f"{path.relative_to(ROOT)}:{node.lineno}", ast.get_docstring(node) or "")
        for path in ROOT.glob("tests/**/test_*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        if node.name.startswith("test_")
    ]
    vague = re.compile(r"^$|^tests?\b|\bshould\b", re.IGNORECASE)

    assert [place for place, fact in tests if vague.search(fact)] == []


def test_changelog_fragments_are_named_so_that_towncrier_finds_them():
    """A fragment is called `+what-changed.kind.md`, of a kind that exists."""
    kinds = "|".join(
        kind["directory"] for kind in SETTINGS["tool"]["towncrier"]["type"]
    )
    pattern = re.compile(rf"\+[a-z0-9-]+\.({kinds})\.md")
    names = {path.name for path in ROOT.glob("changelog.d/*")} - {"README.md"}

    assert [name for name in sorted(names) if not pattern.fullmatch(name)] == []


def test_the_core_needs_nothing():
    """Installing the package installs nothing else."""
    assert SETTINGS["project"]["dependencies"] == []


@pytest.mark.parametrize("extra", ["aiohttp", "headers", "httpx", "httpx2"])
def test_what_is_tested_as_oldest_is_what_is_supported(extra):
    """`make oldest` installs the lower bound of each client's extra."""
    made = (ROOT / "Makefile").read_text("utf-8")
    for needed in SETTINGS["project"]["optional-dependencies"][extra]:
        name, _, bound = needed.partition(">=")
        pinned = re.search(rf"'{name}(?:\[\w+\])?==([\d.]+)'", made)
        parts = [int(part) for part in pinned[1].split(".")]
        wanted = [int(part) for part in bound.split(".")]

        assert parts == wanted + [0] * (len(parts) - len(wanted))
