"""What happened when, in as many rows as there is room for."""

from __future__ import annotations

from typing import NamedTuple

# Once there are twice as many, pairs become one: the memory stays the same,
# however long it goes on.
ROWS = 240


class Row(NamedTuple):
    """
    One stretch of time.

    Attributes:
        start: Seconds from the beginning.
        arrived: How much came.
        admitted: How much went through.
        waiting: The most that waited, in requests.
        level: The highest level seen, in units.
    """

    start: float
    arrived: float
    admitted: float
    waiting: int
    level: float


class Timeline:
    """
    Arrivals, admissions and the queue over time, from 0 on.

    Attributes:
        step: How long a row is, in seconds.
        due: The middle of the first row that nobody has looked at.
    """

    __slots__ = ("_rows", "due", "step")

    def __init__(self, step: float) -> None:
        self.step = step
        self._rows: list[list[float]] = []
        self.due = 0.0

    def arrive(self, instant: float, amount: float) -> None:
        """Count what came."""
        self._row(instant)[0] += amount

    def admit(self, instant: float, amount: float) -> None:
        """Count what went through."""
        self._row(instant)[1] += amount

    def look(self, instant: float, waiting: int, level: float) -> None:
        """Note how long the queue is, and how full the limiter."""
        row = self._row(instant)
        row[2] = max(row[2], waiting)
        row[3] = max(row[3], level)
        # The middle: rounding does not put it into another row.
        self.due = (int(instant / self.step) + 1.5) * self.step

    def rows(self) -> list[Row]:
        """Return all rows so far."""
        return [
            Row(number * self.step, arrived, admitted, int(waiting), level)
            for number, (arrived, admitted, waiting, level) in enumerate(self._rows)
        ]

    def _row(self, instant: float) -> list[float]:
        while (number := int(instant / self.step)) >= 2 * ROWS:
            self._halve()
        while len(self._rows) <= number:
            self._rows.append([0.0, 0.0, 0.0, 0.0])
        return self._rows[number]

    def _halve(self) -> None:
        rows = self._rows
        if len(rows) % 2:
            rows.append([0.0, 0.0, 0.0, 0.0])
        self._rows = [
            [
                first[0] + second[0],
                first[1] + second[1],
                max(first[2], second[2]),
                max(first[3], second[3]),
            ]
            for first, second in zip(rows[::2], rows[1::2], strict=True)
        ]
        self.step *= 2.0
