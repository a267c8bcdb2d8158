"""
Seconds, dates and durations, as servers write them.

What is not understood is None: nothing that a server can send raises.
"""

from __future__ import annotations

import re
from calendar import timegm

DAY = 86_400.0
# A number tells by its size what it is: seconds from now, or since 1970 in
# seconds, milliseconds or microseconds.
_EPOCH, _EPOCH_MS, _EPOCH_US = 1e8, 1e11, 1e14
_MONTHS = [
    "jan",
    "feb",
    "mar",
    "apr",
    "may",
    "jun",
    "jul",
    "aug",
    "sep",
    "oct",
    "nov",
    "dec",
]
_SECONDS_IN = {
    "d": DAY, "h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9
}  # fmt: skip

_DIGITS = 18
_NUMBER = re.compile(r"(-?)([0-9]{1,18}(?:\.[0-9]{0,18})?)")
_PART = re.compile(r"([0-9]{1,12}(?:\.[0-9]{1,12})?)(ms|us|ns|[dhms])")
_DURATION = re.compile(rf"(?:{_PART.pattern})+")
_TIME = r"([0-9]{2}):([0-9]{2}):([0-9]{2})"
_NAME = r"[A-Za-z]{3,9}"
# RFC 9110, section 5.6.7: the three forms of a date.
_FIXED = re.compile(
    rf"{_NAME}, ([0-9]{{2}})[ -]({_NAME})[ -]([0-9]{{2,4}}) {_TIME} GMT"
)
_ASCTIME = re.compile(rf"{_NAME} ({_NAME}) ([ 0-9][0-9]) {_TIME} ([0-9]{{4}})")
_JAVASCRIPT = re.compile(
    rf"{_NAME} ({_NAME}) ([0-9]{{2}}) ([0-9]{{4}}) {_TIME} "
    r"GMT([+-][0-9]{4})(?: \([^()]{1,64}\))?"
)
_ISO = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})[Tt ]([0-9]{2}):([0-9]{2})"
    r"(?::([0-9]{2})(\.[0-9]{1,12})?)?([Zz]|[+-][0-9]{2}:?[0-9]{2})"
)


def number(text: str) -> float | None:
    """Return a number of at most 18 digits, and a fraction; below 0 it is 0."""
    # Nearly all are; the expression takes five times as long.
    if text.isdigit() and text.isascii() and len(text) <= _DIGITS:
        return float(text)
    found = _NUMBER.fullmatch(text)
    if found is None:
        return None
    return 0.0 if found[1] else float(found[2])


def retry_after(value: str, *, now: float, date: float | None = None) -> float | None:
    """
    Return the seconds that a ``Retry-After`` asks for, or None if it is unusable.

    Seconds, with a fraction or without, a date in any form of RFC 9110, or RFC
    3339.  A time that is past, and a number below 0, is 0.

    >>> headers.retry_after("2.5", now=0.0)
    2.5
    >>> headers.retry_after("Thu, 01 Jan 1970 00:01:00 GMT", now=10.0)
    50.0
    >>> headers.retry_after("soon", now=0.0)

    Args:
        value: What the field says.
        now: The time, in seconds since 1970.
        date: The same by the server's clock: its ``Date``, where it sent one.
    """
    if len(value) > _LONGEST:
        return None
    value = value.strip(" \t")
    seconds = number(value)
    if seconds is not None:
        return seconds
    return _until(instant(value, now), now if date is None else date)


def reset(value: str, now: float) -> tuple[float, bool] | None:
    """Return the seconds until a reset, and whether it was told as a duration."""
    seconds = number(value)
    if seconds is not None:
        return (_by_size(seconds, now), False)
    if _DURATION.fullmatch(value):
        parts = _PART.findall(value)
        return (sum(float(n) * _SECONDS_IN[unit] for n, unit in parts), True)
    left = _until(instant(value, now), now)
    return None if left is None else (left, False)


def instant(text: str, now: float) -> float | None:
    """Return a date, in seconds since 1970."""
    if found := _FIXED.fullmatch(text):
        day, month, year, *clock = found.groups()
        return _instant(_year(year, now), month, day, clock)
    if found := _ASCTIME.fullmatch(text):
        month, day, *clock, year = found.groups()
        return _instant(int(year), month, day, clock)
    if found := _ISO.fullmatch(text):
        year, month, day, hour, minute, second, fraction, zone = found.groups()
        at = _instant(int(year), month, day, [hour, minute, second or "0"])
        return None if at is None else at + float(fraction or 0.0) - _offset(zone)
    if found := _JAVASCRIPT.fullmatch(text):
        month, day, year, *clock, zone = found.groups()
        at = _instant(int(year), month, day, clock)
        return None if at is None else at - _offset(zone)
    return None


# No field that is longer is looked at.
_LONGEST = 2048


def _by_size(value: float, now: float) -> float:
    if value < _EPOCH:
        return value
    if value >= _EPOCH_US:
        value /= 1e6
    elif value >= _EPOCH_MS:
        value /= 1e3
    return max(0.0, value - now)


def _until(at: float | None, now: float) -> float | None:
    return None if at is None else max(0.0, at - now)


def _year(text: str, now: float) -> int:
    year = int(text)
    if len(text) > 2:  # noqa: PLR2004 -- of RFC 850 there are two digits
        return year
    # What seems to be more than 50 years ahead is in the past.
    present = 1970 + int(now / (365.2425 * DAY))
    year += present - present % 100
    return year - 100 if year > present + 50 else year


def _instant(year: int, month: str, day: str, clock: list[str]) -> float | None:
    name = month[:3].lower()
    if name in _MONTHS:
        place = _MONTHS.index(name) + 1
    elif month.isdigit():
        place = int(month)
    else:
        return None
    hour, minute, second = map(int, clock)
    if not (1 <= place <= 12 and 1 <= int(day) <= 31 and 1 <= year <= 9999):  # noqa: PLR2004 -- of the calendar
        return None
    if hour > 24 or minute > 59 or second > 60:  # noqa: PLR2004 -- of the clock
        return None
    return float(timegm((year, place, int(day), hour, minute, second)))


def _offset(zone: str) -> float:
    if zone in {"Z", "z"}:
        return 0.0
    seconds = int(zone[1:3]) * 3600.0 + int(zone[-2:]) * 60.0
    return -seconds if zone[0] == "-" else seconds
