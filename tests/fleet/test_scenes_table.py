"""Each scene that is listed has the tests that are named beside it."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROWS = [
    line
    for line in (HERE / "scenes.md").read_text().splitlines()
    if line.startswith("| ") and "::" in line
]


@pytest.mark.parametrize("row", ROWS, ids=[row.split("|")[1].strip() for row in ROWS])
def test_a_scene_has_its_tests(row):
    """What stands in the table is in the file that it names."""
    named = re.findall(r"`([\w./]+\.py)::(\w+)`", row)
    missing = [
        (file, test)
        for file, test in named
        if test not in _functions((HERE / file).read_text())
    ]

    assert len(named) == row.count("::")
    assert missing == []


def _functions(text):
    kinds = ast.FunctionDef, ast.AsyncFunctionDef
    return {node.name for node in ast.parse(text).body if isinstance(node, kinds)}
