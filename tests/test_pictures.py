"""The pictures of the documentation are what our own code draws."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

PICTURES = Path(__file__).parents[1] / "docs" / "pictures"


@pytest.mark.real_time
def test_the_pictures_are_as_drawn():
    """Each committed picture is what the limiters of today would draw."""
    command = [sys.executable, "-W", "error", str(PICTURES / "draw.py"), "--check"]
    done = subprocess.run(command, check=False, capture_output=True, text=True)

    assert (done.returncode, done.stderr) == (0, "")
