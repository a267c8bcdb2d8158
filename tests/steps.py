"""What a call costs, counted and not timed: the same on every machine and day."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from pathlib import Path

import aiolimiter

OURS = str(Path(aiolimiter.__file__).parent)


class Steps:
    """How many lines of ours were run."""

    def __init__(self):
        self.count = 0

    def call(self, frame, event, arg):
        return self.line if frame.f_code.co_filename.startswith(OURS) else None

    def line(self, frame, event, arg):
        self.count += event == "line"
        return self.line


@contextmanager
def counted():
    """Count the lines of ours that the block runs."""
    steps, before = Steps(), sys.gettrace()
    sys.settrace(steps.call)
    try:
        yield steps
    finally:
        sys.settrace(before)
    assert steps.count, "nothing was counted"


def instructions(function, *args):
    """Return how many instructions of the interpreter *function* takes."""
    count = _count(function, *args)
    assert count, "nothing was counted"
    return count


def _count(function, *args):
    count = 0

    def step(frame, event, arg):
        nonlocal count
        if event == "opcode":
            count += 1
        return step

    def enter(frame, event, arg):
        # In this order: CPython 3.13 counts from then on only what is traced.
        frame.f_trace = step
        frame.f_trace_opcodes = True
        frame.f_trace_lines = False
        return step

    before = sys.gettrace()
    sys.settrace(enter)
    try:
        function(*args)
    finally:
        sys.settrace(before)
    return count


# CPython 3.12 counts nothing the first time.
_count(lambda: None)
