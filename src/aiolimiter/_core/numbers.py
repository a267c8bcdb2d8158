"""The numbers a limiter accepts; what it says about all others."""

from __future__ import annotations

from math import inf, isfinite

# What sums of floats may be off by, as a part of the burst.  Without it ten
# times 0.1 would not fit into a bucket of 1.
ROUNDING = 2.0**-40


def positive(name: str, value: float) -> float:
    """Return *value* as a float if it is finite and above 0."""
    number = _number(name, value)
    if not (isfinite(number) and number > 0.0):
        msg = f"{name} must be a finite number above 0, got {value!r}"
        raise ValueError(msg)
    return number


def rate(name: str, value: float) -> float:
    """Return *value* as a float if it is above 0; infinite means no limit."""
    number = _number(name, value)
    if not number > 0.0:
        msg = f"{name} must be above 0 (math.inf for no limit), got {value!r}"
        raise ValueError(msg)
    return number


def per_second(max_rate: float, time_period: float) -> float:
    """Return *max_rate* in *time_period* as a rate per second."""
    result = max_rate / time_period
    if result == 0.0 or (result == inf and max_rate < inf):
        msg = (
            f"max_rate / time_period must be a number above 0, got "
            f"{max_rate:.15g} / {time_period:.15g}; use a time_period nearer to it"
        )
        raise ValueError(msg)
    return result


def not_negative(name: str, value: float) -> float:
    """Return *value* as a float if it is 0 or more."""
    number = _number(name, value)
    if not number >= 0.0:
        msg = f"{name} must be 0 or more, got {value!r}"
        raise ValueError(msg)
    return number


def finite(name: str, value: float) -> float:
    """Return *value* as a float if it is finite and 0 or more."""
    number = not_negative(name, value)
    if number == inf:
        msg = f"{name} must be finite, got {value!r}"
        raise ValueError(msg)
    return number


def amount(value: float, most: float) -> float:
    """
    Return *value* as a float if a limiter that holds *most* can admit it.

    What is above it by rounding, as 0.1 + 0.2 is above 0.3, is all it holds.
    """
    if value.__class__ is float and 0.0 <= value <= most and value < inf:
        return value
    number = finite("amount", value)
    if number > most * (1.0 + ROUNDING):
        raise never_fits(number, most)
    return min(number, most)


def never_fits(amount: float, most: float) -> ValueError:
    """Say that *amount* can't be had from a limiter that holds *most*."""
    way_out = "ask for less at a time, or raise the limit"
    if most == 0.0:
        way_out = "max_rate=0 admits nothing, and math.inf is no limit"
    holds = f"this limiter holds at most {most:.15g}"
    msg = f"can't acquire {amount:.15g}: {holds}; {way_out}"
    return ValueError(msg)


def _number(name: str, value: float) -> float:
    # Strings would convert, and "10" from a configuration file is a mistake
    # better found here than in the first comparison.
    if isinstance(value, str | bytes | bytearray):
        msg = f"{name} must be a number, got {value!r}"
        raise TypeError(msg)
    try:
        return float(value)
    except OverflowError:
        msg = f"{name} must be finite, got a number too large for a float"
        raise ValueError(msg) from None
    except TypeError:
        msg = f"{name} must be a number, got {value!r}"
        raise TypeError(msg) from None
