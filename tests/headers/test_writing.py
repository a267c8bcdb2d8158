"""Fields about limits: whatever is written, a parser of RFC 9651 reads it back."""

from __future__ import annotations

from math import ceil, floor, inf, nan

import http_sf
import pytest
from hypothesis import example, given, strategies as st

from aiolimiter.headers import policy, told, whole_seconds

NAMES = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E))
NUMBERS = st.floats(allow_nan=False) | st.integers()
MOST = 999_999_999_999_999


def within(value: float) -> float:
    return min(max(value, 0), MOST)


@given(name=NAMES, limit=NUMBERS, window=NUMBERS, unit=NAMES)
@example(name='a"b\\', limit=inf, window=0.0, unit="requests")
def test_a_policy_is_read_back(name, limit, window, unit):
    """A policy is one String with the quota, the window and the unit."""
    read = http_sf.parse(policy(name, limit, window, unit=unit).encode(), tltype="list")

    wanted = {"q": floor(within(limit)), "w": max(1, ceil(within(window)))}
    if unit != "requests":
        wanted["qu"] = unit
    assert read == [(name, wanted)]


@given(name=NAMES, remaining=NUMBERS, reset_after=st.none() | NUMBERS)
@example(name="default", remaining=-3.5, reset_after=-1e-300)
@example(name="default", remaining=1e300, reset_after=inf)
def test_what_is_left_is_read_back(name, remaining, reset_after):
    """What is left is rounded down, the time until there is more is rounded up."""
    read = http_sf.parse(told(name, remaining, reset_after).encode(), tltype="list")

    wanted = {"r": floor(within(remaining))}
    if reset_after is not None:
        wanted["t"] = ceil(within(reset_after))
    assert read == [(name, wanted)]


@given(seconds=NUMBERS)
@example(seconds=5e-324)
@example(seconds=inf)
@example(seconds=-1)
def test_retry_after_is_never_too_early(seconds):
    """Whole seconds are at least what was given, less than one more, and 1 or more."""
    whole = whole_seconds(seconds)

    assert type(whole) is int
    assert 1 <= whole <= MOST
    assert whole == 1 or whole - 1 < within(seconds) <= whole


@pytest.mark.parametrize("name", ["naïve", "two\nlines", "\x7f", "\0"])
def test_a_name_that_no_field_can_hold_is_refused(name):
    """A name is printable ASCII, so nobody can put a line of their own into a head."""
    with pytest.raises(ValueError, match=r"^name must be printable ASCII, got "):
        told(name, 1)
    with pytest.raises(ValueError, match=r"^unit must be printable ASCII, got "):
        policy("default", 1, 1, unit=name)


def test_nan_is_refused():
    """A number that is none is not told to anybody."""
    with pytest.raises(ValueError, match=r"^NaN can't be told$"):
        told("default", nan)
