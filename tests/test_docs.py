"""
Every example in the documentation runs, top to bottom, on virtual time.

A page shares one namespace and one loop.  Its blocks may `await` at the top
level, or call `asyncio.run`.  A block in the language ``output`` is what the
block before it prints, ``...`` standing for anything.  In docstrings an
example is a ``>>>`` or what follows ``::``.
"""

from __future__ import annotations

import ast
import asyncio
import contextlib
import doctest
import inspect
import io
import re
import textwrap
import traceback
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING
from unittest import SkipTest

import pytest
from sybil import Document, Example, Region
from sybil.document import PythonDocStringDocument
from sybil.parsers.abstract.doctest import DocTestStringParser
from sybil.parsers.markdown import CodeBlockParser, SkipParser

import aiolimiter

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("README.md"), *ROOT.glob("docs/**/*.md")])
MODULES = sorted(ROOT.glob("src/**/*.py"))

# Not run: what a person types, or reads.  Python is not among them.
OTHER_LANGUAGES = {"console", "ini", "json", "lua", "makefile", "sh", "text", "toml"}
FENCE = re.compile(r"^ *(?:```+|~~~+)(?P<language>[^`\n]*)$", re.MULTILINE)
LITERAL = re.compile(
    r"^(?P<indent> *)(?:\S.*)?::\n\n(?P<body>(?:(?P=indent) +.*\n|\n)+)", re.MULTILINE
)
CHECKER = doctest.OutputChecker()


class Stage:
    """A page being performed: its names, its loop, what it printed last."""

    def __init__(self, names: dict[str, object], runner: asyncio.Runner) -> None:
        self.names = names
        self.printed = ""
        self._runner = runner

    def block(self, example: Example) -> None:
        """Run a block of code."""
        with contextlib.redirect_stdout(io.StringIO()) as out:
            line = example.line + example.parsed.line_offset
            self._run("\n" * line + example.parsed, example.path, "exec")
        self.printed = out.getvalue()

    def output(self, example: Example) -> str:
        """Compare what the last block printed with what the page says."""
        return difference(doctest.Example("", example.parsed), self.printed)

    def prompt(self, example: Example) -> str:
        """Run one ``>>>`` and compare what it prints, or raises."""
        wanted: doctest.Example = example.parsed
        with contextlib.redirect_stdout(io.StringIO()) as out:
            try:
                self._run(wanted.source, example.path, "single")
            except Exception as error:
                if wanted.exc_msg is None:
                    raise
                raised = "".join(traceback.format_exception_only(error))
                return difference(doctest.Example("", wanted.exc_msg), raised)
        return difference(wanted, out.getvalue())

    def _run(self, source: str, path: str, mode: str) -> None:
        flags = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
        code = compile(source, path, mode, flags=flags, dont_inherit=True)
        if code.co_flags & inspect.CO_COROUTINE:
            self._runner.run(eval(code, self.names))
        else:
            exec(code, self.names)


def difference(wanted: doctest.Example, got: str) -> str:
    """Say how *got* differs from what was wanted; nothing if it does not."""
    if CHECKER.check_output(wanted.want, got, doctest.ELLIPSIS):
        return ""
    return CHECKER.output_difference(wanted, got, doctest.ELLIPSIS)


@pytest.fixture
def stage(new_virtual_loop, monkeypatch) -> Iterator[Stage]:
    """An empty stage; `asyncio.run` on it costs no time either."""
    monkeypatch.setattr(asyncio.events, "new_event_loop", new_virtual_loop)
    with asyncio.Runner(loop_factory=new_virtual_loop) as runner:
        yield Stage({"__name__": "__main__"}, runner)


def read_page(path: Path, stage: Stage) -> Document:
    """Parse a page of Markdown."""
    return Document.parse(
        str(path),
        CodeBlockParser("python", stage.block),
        CodeBlockParser("output", stage.output),
        SkipParser(),
    )


def read_docstrings(path: Path, stage: Stage) -> Document:
    """Parse the docstrings of a module."""
    prompts = DocTestStringParser(stage.prompt)

    def literal(document: Document) -> Iterator[Region]:
        for match in LITERAL.finditer(document.text + "\n"):
            source = SourceText(textwrap.dedent(match["body"]))
            yield Region(match.start("body"), match.end() - 1, source, stage.block)

    return PythonDocStringDocument.parse(
        str(path), lambda page: prompts(page.text, page.path), literal
    )


class SourceText(str):
    """Text of a block that begins where its region does."""

    __slots__ = ()
    line_offset = -1


def perform(document: Document) -> list[str]:
    """Run all examples of a document; return why any were left out."""
    left_out = []
    for example in document.examples():
        try:
            example.evaluate()
        except SkipTest as skip:
            left_out.append(str(skip))
    return left_out


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_a_page_runs(path, stage):
    """The blocks of a page run in their order, and print what it says."""
    for reason in perform(read_page(path, stage)):
        assert reason.startswith("needs "), "say what a block that is left out needs"


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
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


@pytest.mark.parametrize("path", MODULES, ids=lambda p: "/".join(p.parts[-2:]))
def test_docstrings_run(path, stage):
    """The examples in the docstrings of a module run."""
    stage.names |= scenery()

    assert perform(read_docstrings(path, stage)) == []


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


def scenery() -> dict[str, object]:
    """What an example in a docstring need not explain."""

    async def ask_the_model() -> SimpleNamespace:
        return SimpleNamespace(tokens_used=700)

    names = {name: getattr(aiolimiter, name) for name in aiolimiter.__all__}
    limiter = aiolimiter.AsyncLimiter(1000)
    return names | {
        "asyncio": asyncio,
        "limiter": limiter,
        "ask_the_model": ask_the_model,
    }
