"""Fixtures: a terminal to draw on."""

import io

import pytest


class Terminal(io.StringIO):
    """A terminal that remembers everything it was sent."""

    def isatty(self):
        """Say that it is one."""
        return True


@pytest.fixture
def terminal():
    """A terminal of 80 columns."""
    return Terminal()
