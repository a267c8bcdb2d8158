"""From how many on those who wait are not looked at one by one."""

from __future__ import annotations

from contextlib import contextmanager

from aiolimiter._shell import outlook, queue


@contextmanager
def long_lines(many):
    """Lines are long from *many* on; if all are, they stand in short rows."""
    before = outlook.LONG, queue.WIDE, queue.SHORT
    outlook.LONG = many
    if many == 0:
        queue.WIDE, queue.SHORT = 2, 0
    try:
        yield
    finally:
        outlook.LONG, queue.WIDE, queue.SHORT = before
