"""What was admitted when, held against the limit."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


def excess(admitted: Iterable[tuple[float, float]], rate: float, burst: float) -> float:
    """
    By how much the worst stretch of time goes beyond ``burst + rate * t``.

    *admitted* are instants and amounts.  Poured into a bucket of their own they
    stand highest where the worst stretch ends.
    """
    level = worst = 0.0
    last = None
    for at, amount in sorted(admitted):
        if last is not None:
            level = max(0.0, level - (at - last) * rate)
        level += amount
        last = at
        worst = max(worst, level)
    return worst - burst


def fairness(shares: Iterable[float]) -> float:
    """Jain's index: 1.0 when all have the same, 1/n when one has everything."""
    shares = list(shares)
    return sum(shares) ** 2 / (len(shares) * sum(x * x for x in shares))
