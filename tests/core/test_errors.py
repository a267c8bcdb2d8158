"""How an error says how long."""

from __future__ import annotations

from math import inf

import pytest

from aiolimiter._core.decision import Decision
from aiolimiter._core.errors import refusal, seconds


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0 s"),
        (0.0012345, "0.00123 s"),
        (59.96, "60 s"),
        (999.4, "999 s"),
        (999.6, "1000 s"),
        (3600.000001, "3600 s"),
        (86400.0, "86400 s"),
        (inf, "inf s"),
    ],
)
def test_seconds_are_written_as_one_reads_them(value, text):
    """Three digits will do, and whole seconds where there are more of them."""
    assert seconds(value) == text


def test_a_refusal_says_both_numbers_and_the_way_out():
    """An hour is 3600 s."""
    error = refusal(
        1.0, 1200.0, Decision(granted=False, retry_after=3600.0, remaining=0.0)
    )

    assert str(error) == (
        "can't acquire 1 within 1200 s: retry in 3600 s, or allow a longer max_wait"
    )
