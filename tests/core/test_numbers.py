"""Which numbers are accepted, and what is said about all others."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from math import inf, nan

import pytest

from aiolimiter._core import numbers

KINDS = [numbers.positive, numbers.rate, numbers.not_negative, numbers.finite]


@pytest.mark.parametrize("check", KINDS)
@pytest.mark.parametrize(
    "value", [1, 1.0, True, Fraction(1), Decimal(1)], ids=lambda v: type(v).__name__
)
def test_what_is_a_number(check, value):
    """What converts to a float is a number, and becomes one."""
    found = check("it", value)

    assert found == 1.0
    assert type(found) is float


@pytest.mark.parametrize("check", KINDS)
@pytest.mark.parametrize("value", ["1", b"1", bytearray(b"1"), None, 1j, [1], object])
def test_what_is_no_number(check, value):
    """Text is no number, and what does not convert is none either."""
    with pytest.raises(TypeError, match=r"^it must be a number, got "):
        check("it", value)


@pytest.mark.parametrize(
    ("check", "accepted", "refused"),
    [
        (numbers.positive, [1e-300, 1e300], [0, -0.0, -1, inf, -inf, nan]),
        (numbers.rate, [1e-300, inf], [0, -0.0, -1, -inf, nan]),
        (numbers.not_negative, [0, 1e300, inf], [-1e-300, -inf, nan]),
        (numbers.finite, [0, 1e300], [-1e-300, inf, -inf, nan]),
    ],
)
def test_the_range_of_each(check, accepted, refused):
    """Each check has its range, and names what is outside of it."""
    assert [check("it", value) for value in accepted] == accepted
    for value in refused:
        with pytest.raises(ValueError, match=rf"^it must be .+, got {value}$"):
            check("it", value)


@pytest.mark.parametrize("value", [0, 0.5, 10])
def test_an_amount_that_fits(value):
    """An amount may be all that the limiter holds."""
    assert numbers.amount(value, 10.0) == value


def test_an_amount_that_never_fits():
    """An amount that is more than that never fits."""
    with pytest.raises(ValueError, match=r"^can't acquire 10\.5: .* at most 10; "):
        numbers.amount(10.5, 10.0)


@pytest.mark.parametrize(
    ("max_rate", "period", "rate"), [(10, 4, 2.5), (inf, 60, inf), (1e-300, 1, 1e-300)]
)
def test_a_rate_per_second(max_rate, period, rate):
    """Two numbers make a rate per second, which may be infinite."""
    assert numbers.per_second(max_rate, period) == rate


@pytest.mark.parametrize(("max_rate", "period"), [(1e-200, 1e200), (1e200, 1e-200)])
def test_two_numbers_that_make_no_rate(max_rate, period):
    """Two numbers whose rate is none that a float can hold are refused."""
    with pytest.raises(ValueError, match=r"^max_rate / time_period must be .*, got "):
        numbers.per_second(max_rate, period)
