"""The pictures of the documentation are what our own code draws."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PICTURES = ROOT / "docs" / "pictures"
PAGES = [ROOT / "README.md", *ROOT.glob("docs/*.md")]
# What GitHub and the site both understand.
PICTURE = re.compile(
    r"<picture>\n"
    r'  <source media="\(prefers-color-scheme: dark\)" srcset="(\S+)-dark\.svg">\n'
    r'  <img src="\1-light\.svg" alt="[^"]{20,}" width="480">\n'
    r"</picture>"
)


@pytest.mark.real_time
def test_the_pictures_are_as_drawn():
    """Each committed picture is what the limiters of today would draw."""
    command = [sys.executable, "-W", "error", str(PICTURES / "draw.py"), "--check"]
    done = subprocess.run(command, check=False, capture_output=True, text=True)

    assert (done.returncode, done.stderr) == (0, "")


def test_each_picture_is_shown_light_and_dark():
    """No page shows another picture than ours, and each of ours is on a page."""
    shown = set()
    for page in PAGES:
        text = page.read_text("utf-8")
        found = [(page.parent / name).resolve() for name in PICTURE.findall(text)]

        assert len(found) == text.count("<img") + text.count("![")
        shown.update(found)
    pairs = {f"{path}-{tone}.svg" for path in shown for tone in ("light", "dark")}

    assert pairs == {str(path) for path in PICTURES.glob("*.svg")}
