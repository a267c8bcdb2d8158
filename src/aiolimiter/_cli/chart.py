"""
Admissions as a staircase that grows while they happen.

A row is one admission: when it was, whose it was, how full the bucket is now,
how many still wait, and a step as long as the time since the row above.  On a
terminal the next row can be seen growing while the bucket leaks.
"""

from __future__ import annotations

from typing import NamedTuple, TextIO

from .._core.decision import LimiterStatistics

_BAR = 12
_LEFT = 8 + 6 + 2 + (_BAR + 2) + 9 + 2
_LEAST = 12
_HUNDREDTH = 0.01


class Marks(NamedTuple):
    """What a chart is drawn with; *parts* are the steps of a cell being filled."""

    parts: str
    full: str
    corner: str
    tread: str
    drip: str


BLOCKS = Marks(" ▏▎▍▌▋▊▉", "█", "└", "─", "●")
ASCII = Marks(" ", "#", "`", "-", "o")


class Chart:
    """
    A chart of what a bucket admits.

    Args:
        out: Where to write.
        burst: What the bucket holds.
        horizon: How many seconds the staircase has room for.
        leak: Seconds in which 1 leaks, which is the rhythm of the steps.
        width: Columns of the terminal.
    """

    def __init__(
        self,
        out: TextIO,
        *,
        burst: float,
        horizon: float,
        leak: float,
        width: int,
    ) -> None:
        self.moving = out.isatty()
        self._out = out
        self._marks = _marks_for(out)
        self._burst = burst
        self._horizon = horizon
        self._digits = 2 if leak >= _HUNDREDTH else 3
        self._width = width - 1  # a full line would wrap on some terminals
        self._last = _last_column(max(_LEAST, self._width - _LEFT), horizon / leak)
        self._step = 0
        self._growing = 0
        self._heading()

    def drip(self, who: int, at: float, now: LimiterStatistics) -> None:
        """Add the row of *who*, admitted *at* seconds from the start."""
        column = self._column(at)
        stairs = self._stairs(column) + self._marks.drip
        self._step = column
        self._print(self._row(at, str(who), now) + stairs, "\n")
        self._growing = 0

    def grow(self, at: float, now: LimiterStatistics) -> None:
        """Show how far the next row has come, in place."""
        stairs = self._stairs(self._column(at))
        row = (self._row(at, "", now) + stairs)[: self._width]
        self._print(row, "")
        self._growing = len(row)

    def close(self) -> None:
        """Leave the cursor on a line of its own."""
        if self._growing:
            self._out.write("\n")
            self._out.flush()

    def _heading(self) -> None:
        end = f"{self._horizon:.4g} s"
        self._print(
            f"{'time':>8}{'task':>6}  {'bucket':<{_BAR + 2}}{'waiting':>9}  "
            f"0 s{end:>{self._last - 2}}",
            "\n",
        )

    def _row(self, at: float, who: str, now: LimiterStatistics) -> str:
        bar = filled(now.level / self._burst, _BAR, self._marks)
        return f"{at:8.{self._digits}f}{who:>6}  [{bar}]{now.waiting:>9}  "

    def _column(self, at: float) -> int:
        return min(self._last, round(self._last * at / self._horizon))

    def _stairs(self, column: int) -> str:
        marks = self._marks
        step = marks.corner + marks.tread * (column - self._step)
        return " " * self._step + step[: column - self._step]

    def _print(self, row: str, end: str) -> None:
        # Blanks cover what grew here: they work on every terminal.
        back = "\r" if self._growing else ""
        self._out.write(back + row.ljust(self._growing) + end)
        self._out.flush()


def filled(part: float, width: int, marks: Marks) -> str:
    """Draw a bar of *width* cells, of which *part* (0 to 1) is filled."""
    fine = len(marks.parts)
    cells, rest = divmod(round(min(1.0, max(0.0, part)) * width * fine), fine)
    return (marks.full * cells + marks.parts[rest])[:width].ljust(width)


def _last_column(columns: int, steps: float) -> int:
    # Steps of equal time are only seen to be equal when they are as many
    # columns wide.
    last = columns - 1
    return int(last // steps * steps) if steps <= last else last


def _marks_for(out: TextIO) -> Marks:
    try:
        "".join(BLOCKS).encode(out.encoding or "utf-8")
    except UnicodeEncodeError:
        return ASCII
    return BLOCKS
