"""What is to be settled in the next trip."""

from __future__ import annotations

from ..._core.shared.trip import Settlement


class Settlements:
    """
    Sums of what was due at the same time, and booked in one trip.

    A thousand who give up in the tick of their grant are then one that gives
    back, and what has leaked meanwhile is charged once.
    """

    __slots__ = ("_amounts",)

    def __init__(self) -> None:
        self._amounts: dict[tuple[bool, int, int], float] = {}

    def __bool__(self) -> bool:
        return bool(self._amounts)

    def add(self, settlement: Settlement) -> None:
        """Settle one more."""
        amount, due, booked = settlement
        # A debt is apart: it counts whole, whatever has leaked.
        key = (amount < 0.0, due, booked)
        self._amounts[key] = self._amounts.get(key, 0.0) + amount

    def take(self) -> tuple[Settlement, ...]:
        """Take all of them out."""
        if not self._amounts:
            return ()
        amounts, self._amounts = self._amounts, {}
        return tuple(
            Settlement(amount, due, booked)
            for (_, due, booked), amount in amounts.items()
        )
