"""What the command line needs beyond the standard library."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Any


def need(name: str) -> Any:
    """
    Return the module *name*.

    Raises:
        SystemExit: Status 2, after a line that says what to install.
    """
    try:
        return import_module(name)
    except ImportError:
        package = name.partition(".")[0]
        sys.stderr.write(
            f"this needs {package}: pip install 'aiolimiter[cli]'\n",
        )
        raise SystemExit(2) from None
