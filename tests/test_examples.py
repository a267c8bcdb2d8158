"""Every example runs, alone, and prints what its last lines say."""

from __future__ import annotations

import doctest
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
EXAMPLES = sorted((ROOT / "examples").glob("*.py"))

# The comment that ends an example: what it prints, `...` standing for anything.
OUTPUT = re.compile(r"\n\n((?:#.*\n)+)\Z")


def promised(source: str) -> str:
    """The output that an example's last lines promise."""
    match = OUTPUT.search(source)
    assert match is not None, "end an example with a comment: what it prints"
    return re.sub(r"^# ?", "", match[1], flags=re.MULTILINE)


@pytest.mark.real_time
@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_prints_what_it_says(path):
    """An example runs from start to end in seconds, in silence but for its output."""
    command = [sys.executable, "-W", "error", str(path)]
    done = subprocess.run(
        command, cwd=ROOT, check=False, capture_output=True, text=True, timeout=30
    )
    wanted = promised(path.read_text("utf-8"))

    assert (done.returncode, done.stderr) == (0, "")
    assert doctest.OutputChecker().check_output(wanted, done.stdout, doctest.ELLIPSIS)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_is_short(path):
    """An example fits on a page and begins with what there is to see."""
    source = path.read_text("utf-8")

    assert len(source.splitlines()) <= 80
    assert source.startswith(('"""', 'r"""'))
