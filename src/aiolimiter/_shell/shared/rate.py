"""A rate, as users say it: so much in so many seconds, with so large a burst."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from ..._core import numbers
from ..._core.shared.trip import Terms

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..._core.shared.trip import Force

MICRO = 1e-6

# What a shared bucket may hold, and how long it may take to leak, in microseconds.
LEAST, MOST = 1e-300, 1e300
LONGEST = 2.0**53

Pairs: TypeAlias = list[tuple[float, float]] | tuple[tuple[float, float], ...]


class Rate(NamedTuple):
    """At most ``max_rate`` in ``time_period`` seconds, ``burst`` of it at once."""

    max_rate: float
    time_period: float
    burst: float


def rates(
    max_rate: float | Pairs, time_period: float, burst: float | None
) -> tuple[Rate, ...]:
    """
    Return the rates that a limiter is made with.

    Raises:
        TypeError: One is not a number, or no pair of two.
        ValueError: One is not above 0 or not finite; there are no rates; or
            several with one burst.
    """
    if not isinstance(max_rate, list | tuple):
        return (_rate(max_rate, time_period, burst),)
    if burst is not None:
        msg = f"burst must be left out with several rates, got {burst!r}"
        raise ValueError(msg)
    if not max_rate:
        msg = "max_rate must name at least one rate, got none"
        raise ValueError(msg)
    return tuple(_rate(*_pair(pair), None) for pair in max_rate)


def terms(rates: Sequence[Rate]) -> Terms:
    """Return *rates* as a store wants them, without those that limit nothing."""
    limits = [rate for rate in rates if rate.max_rate < inf]
    return Terms(
        tuple(rate.max_rate / rate.time_period * MICRO for rate in limits),
        tuple(rate.burst for rate in limits),
    )


def in_force(
    force: Force | None, given: Sequence[Rate]
) -> tuple[Terms, tuple[Rate, ...]]:
    """Return what is in force, where a process was started with *given*."""
    own = terms(given)
    if force is None or force.terms == own:
        return own, tuple(given)
    # Where no period is told, those that it was started with are as good as any.
    periods = force.periods or tuple(rate.time_period for rate in given)
    size = len(force.terms.rates)
    periods = (periods + periods[-1:] * size)[:size]
    pairs = zip(*force.terms, periods, strict=True)
    return force.terms, tuple(_told(*numbers) for numbers in pairs)


def _told(rate: float, cap: float, period: float) -> Rate:
    # As it was said: a rate a microsecond is not, to the last bit.
    return Rate(float(f"{rate / MICRO * period:.12g}"), period, cap)


def _pair(pair: Any) -> tuple[float, float]:
    if isinstance(pair, list | tuple) and len(pair) == 2:  # noqa: PLR2004 -- a pair
        return pair[0], pair[1]
    msg = f"several rates are a list of (max_rate, time_period), got {pair!r} in it"
    raise TypeError(msg)


def _rate(max_rate: float, time_period: float, burst: float | None) -> Rate:
    much = numbers.rate("max_rate", max_rate)
    period = numbers.positive("time_period", time_period)
    rate = numbers.per_second(much, period)
    most = much if burst is None else numbers.positive("burst", burst)
    # A store counts in whole microseconds, and can't count on for longer.
    if much < inf and not (LEAST <= most <= MOST and most <= rate * MICRO * LONGEST):
        msg = (
            f"burst must be from {LEAST:.0e} to {MOST:.0e} and leak within 285 years, "
            f"got {most:.15g} at {much:.15g} / {period:.15g}; use other units"
        )
        raise ValueError(msg)
    return Rate(much, period, most)
