"""The tests that `docs/testing.md` shows are tests that pass."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs/testing.md"


def test_the_tests_on_the_page_pass(tmp_path):
    """Copied into a file, they run under pytest with the two plugins named there."""
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    # What awaits outside of a function is for the prompt.
    copied = [b for b in blocks if not re.search("^(await|for) ", b, re.MULTILINE)]
    (tmp_path / "test_page.py").write_text("\n\n".join(copied), "utf-8")
    (tmp_path / "pytest.ini").touch()
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:randomly", "-p", "no:valkey"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )

    assert "6 passed" in done.stdout, done.stdout
