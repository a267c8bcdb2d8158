"""What a simulation found: as a table and a chart for people, or for programs."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Generator
from contextlib import contextmanager
from math import isfinite
from typing import TextIO

from .._sim.trial import Report
from . import extra

# What curves are drawn with.
_DOTS = "\u28ff"
# The rows of the table: what it is called, and how a report says it.
_ROWS: tuple[tuple[str, Callable[[Report], str]], ...] = (
    ("arrived", lambda r: f"{r.arrived:,}"),
    ("admitted", lambda r: f"{r.admitted:,}"),
    ("refused", lambda r: f"{r.refused:,}"),
    ("still waiting", lambda r: f"{r.waiting:,}"),
    ("wait, p50", lambda r: _seconds(r.p50)),
    ("p90", lambda r: _seconds(r.p90)),
    ("p99", lambda r: _seconds(r.p99)),
    ("longest", lambda r: _seconds(r.longest)),
    ("longest queue", lambda r: f"{r.queue:,}"),
    ("most in any period", lambda r: f"{r.fullest:,.6g} in {r.period:g} s"),
    ("rate used", lambda r: "-" if r.used is None else f"{r.used:.1%}"),
    ("429s", lambda r: "-" if r.rejected is None else f"{r.rejected:,}"),
)


class Out:
    """
    Where a simulation is printed.

    Args:
        out: Takes what was found.
        err: Takes what is only of interest meanwhile.
    """

    def __init__(self, out: TextIO, err: TextIO) -> None:
        self._out = out
        self._err = err

    @contextmanager
    def progress(self, until: float) -> Generator[Callable[[float], None] | None]:
        """Show on a terminal how far it is; give what is to be told the instant."""
        if not self._err.isatty():
            yield None
            return
        rich = extra.need("rich.progress")
        from_where = extra.need("rich.console").Console(file=self._err)
        total = until if isfinite(until) else None
        with rich.Progress(console=from_where, transient=True) as progress:
            task = progress.add_task("simulating", total=total)
            yield lambda instant: progress.update(task, completed=instant)

    def table(self, found: list[Report]) -> None:
        """Print the numbers that matter, a column a limit."""
        table = extra.need("rich.table").Table(box=None, pad_edge=False)
        table.add_column("")
        for report in found:
            table.add_column(report.limit, justify="right", overflow="fold")
        for name, told in _ROWS:
            table.add_row(name, *map(told, found))
        console = extra.need("rich.console").Console(file=self._out)
        # Rich would end the program in its own way where nobody reads any more.
        with console.capture() as text:
            console.print(table)
        self._out.write(text.get())

    def chart(self, report: Report) -> None:
        """Draw on a terminal what happened over time."""
        if not self._out.isatty():
            return
        try:
            _DOTS.encode(self._out.encoding or "utf-8")
        except UnicodeEncodeError:
            self.note(f"no curves: {self._out.encoding} has no dots to draw with")
            return
        rows = report.rows
        flow = {"arrived": rates(report, 1), "admitted": rates(report, 2)}
        state = {
            "waiting": [float(row.waiting) for row in rows],
            "level": [row.level for row in rows],
        }
        times = [row.start for row in rows]
        for unit, lines in (("a second", flow), ("units", state)):
            self._out.write(_curves(times, lines, unit) + "\n\n")

    def note(self, text: str) -> None:
        """Say something in a sentence."""
        self._out.write(f"{text}\n")

    def json(self, found: list[Report]) -> None:
        """Print all of it, for a program."""
        told = [
            {**report._asdict(), "rows": [row._asdict() for row in report.rows]}
            for report in found
        ]
        self._out.write(json.dumps(told, indent=2) + "\n")

    def csv(self, found: list[Report]) -> None:
        """Print a row a limit, without what happened when."""
        names = [name for name in Report._fields if name != "rows"]
        writer = csv.writer(self._out, lineterminator="\n")
        writer.writerow(names)
        writer.writerows([getattr(report, name) for name in names] for report in found)


def _curves(times: list[float], lines: dict[str, list[float]], unit: str) -> str:
    figure = extra.need("plotille").Figure()
    figure.width, figure.height = 60, 8
    figure.x_label, figure.y_label = "s", unit
    figure.set_x_limits(min_=0.0)
    figure.set_y_limits(min_=0.0)
    for (label, values), colour in zip(lines.items(), ("cyan", "yellow"), strict=True):
        figure.plot(times, values, lc=colour, label=label)
    return str(figure.show(legend=True))


def step(report: Report) -> float:
    """Return how long a row is, in seconds: as long as the distance of two."""
    return report.rows[1].start if len(report.rows) > 1 else 1.0


def rates(report: Report, field: int) -> list[float]:
    """Return a *field* of each row, in units a second."""
    seconds = step(report)
    return [row[field] / seconds for row in report.rows]


def _seconds(value: float) -> str:
    if value < 1e-6:  # noqa: PLR2004 -- a clock's rounding
        return "0 s"
    return f"{value * 1000:.3g} ms" if value < 1.0 else f"{value:,.4g} s"
