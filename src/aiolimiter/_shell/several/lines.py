"""Several lines at once: whether all admit, and which makes one wait longest."""

from __future__ import annotations

from math import inf, nextafter
from typing import TYPE_CHECKING, TypeAlias

from ..._core.decision import Decision, decided

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..._core.meter import Mark
    from ..line import Line

    # What is wanted from which line.
    Amounts: TypeAlias = Mapping[Line, float]
    Marks: TypeAlias = dict[Line, Mark]


def key(amounts: Amounts, arrival: float) -> float:
    """Return the one key that counts in all lines."""
    lead = inf
    for line, amount in amounts.items():
        lead = min(lead, line.meter.lead(amount))
    return arrival + lead


def arrival(amounts: Amounts) -> float:
    """Return the instant at which one comes who asks now."""
    return max([line.meter.at for line in amounts])


def slowest(amounts: Amounts, key: float, due_in: Line | None = None) -> Line | None:
    """Return the line that makes one wait longest, or None if all admit."""
    found, longest = None, -inf
    # Who is due passes those with the same key: they might send each other to and fro.
    last = key if due_in is None else nextafter(key, -inf)
    for line, amount in amounts.items():
        if line is not due_in and not line.admits(amount, last):
            wait = line.delay(amount, key)
            if wait > longest:
                found, longest = line, wait
    return found


def take(amounts: Amounts) -> None:
    """Take from all."""
    for line, amount in amounts.items():
        line.meter.take(amount)


def mark(amounts: Amounts) -> Marks:
    """Start to remember what was just taken."""
    return {line: line.meter.mark() for line in amounts}


def release(marks: Marks) -> None:
    """Stop remembering."""
    for line, mark in marks.items():
        line.meter.release(mark)


def decide(amounts: Amounts) -> Decision:
    """Take from all if all admit; say when if they don't."""
    for line in amounts:
        line.advance()
    mine = key(amounts, arrival(amounts))
    if slowest(amounts, mine) is not None:
        return refused(amounts, mine)
    take(amounts)
    return decided(Decision, (True, 0.0, _available(amounts)))


def refused(amounts: Amounts, key: float) -> Decision:
    """Say when all can be had by one who asks again then."""
    # A later time may be behind more of those who wait, so it is asked for
    # until it stands.
    wait, longer = 0.0, _retry_after(amounts, key, 0.0)
    while longer > wait:
        wait, longer = longer, _retry_after(amounts, key, longer)
    return decided(Decision, (False, wait, _available(amounts)))


def _available(amounts: Amounts) -> float:
    return min(line.meter.available for line in amounts)


def _retry_after(amounts: Amounts, key: float, at_least: float) -> float:
    return max(
        line.retry_after(amount, key, at_least) for line, amount in amounts.items()
    )
