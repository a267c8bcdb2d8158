"""The deliberate breaks of `mutants` go with the sources they break."""

from __future__ import annotations

from pathlib import Path

import pytest

from .breaks import BREAKS

PACKAGE = Path(__file__).parents[2] / "src" / "aiolimiter"


@pytest.mark.parametrize("broken", BREAKS, ids=lambda broken: broken.meaning)
def test_a_break_finds_its_line(broken):
    """Each deliberate break still finds the line that it breaks."""
    text = (PACKAGE / broken.file).read_text()

    assert broken.line in text
    assert broken.line != broken.instead
