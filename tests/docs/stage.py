"""
Where examples are performed.

A page shares one namespace and one loop.  Its blocks may `await` at the top
level, or call `asyncio.run`.  A block in the language ``output`` is what the
block before it prints, ``...`` standing for anything.  In docstrings an
example is a ``>>>`` or what follows ``::``.
"""

from __future__ import annotations

import ast
import contextlib
import doctest
import inspect
import io
import re
import textwrap
import traceback
from typing import TYPE_CHECKING
from unittest import SkipTest

from sybil import Document, Example, Region
from sybil.document import PythonDocStringDocument
from sybil.parsers.abstract.doctest import DocTestStringParser
from sybil.parsers.markdown import CodeBlockParser, SkipParser

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Iterator
    from pathlib import Path
    from types import CodeType

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
        elif "asyncio.run(" in source:
            exec(code, self.names)
        else:
            # In the loop, or a limiter would read the clock on the wall.
            self._runner.run(self._inside(code))

    async def _inside(self, code: CodeType) -> None:
        exec(code, self.names)


def difference(wanted: doctest.Example, got: str) -> str:
    """Say how *got* differs from what was wanted; nothing if it does not."""
    if CHECKER.check_output(wanted.want, got, doctest.ELLIPSIS):
        return ""
    return CHECKER.output_difference(wanted, got, doctest.ELLIPSIS)


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
