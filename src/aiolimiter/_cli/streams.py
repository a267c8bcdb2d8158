"""Standard output and error, whatever they were started with."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def fit() -> Generator[None]:
    """Have both streams take any text meanwhile."""
    before = sys.stdout, sys.stderr
    with Path(os.devnull).open("w", encoding="utf-8") as nowhere:
        # Python has None for a stream that was closed before it began.
        sys.stdout, sys.stderr = (one or nowhere for one in before)
        for one in before:
            # An encoding that lacks a letter would end the program; stderr has
            # a way of its own.
            if isinstance(one, io.TextIOWrapper) and one.errors == "strict":
                one.reconfigure(errors="replace")
        try:
            yield
        finally:
            sys.stdout, sys.stderr = before


def give_up() -> None:
    """Forget what standard output would not take, or Python tries again at its end."""
    out = sys.__stdout__
    if out is not None and out is sys.stdout:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, out.fileno())
        os.close(nowhere)
