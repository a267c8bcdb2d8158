"""The table: one line a row of a question, one column a contender."""

from __future__ import annotations

import operator
import statistics
from collections.abc import Iterable, Sequence
from math import isinf

from .contenders import CONTENDERS
from .questions import QUESTIONS
from .questions.face import Row
from .rounds import Results

COMPARE = {
    "<": operator.lt,
    "<=": operator.le,
    ">=": operator.ge,
}


def value(results: Results, key: str, row: Row, name: str) -> float | None:
    """Return what `row` shows for a contender: the median over the rounds.

    A ratio is taken within each round before the median is.
    """
    found = results.get(key, {})
    mine = [metrics.get(row.metric) for metrics in found.get(name, ())]
    if row.against is not None:
        theirs = [metrics[row.metric] for metrics in found.get(row.against, ())]
        mine = [a and b and a / b for a, b in zip(mine, theirs, strict=False)]
    known = [number for number in mine if number is not None]
    return statistics.median(known) if known else None


def quantity(number: float, unit: str) -> str:
    """Write a number the way its unit is read."""
    if isinf(number):
        return "never"
    if unit == "s":
        scales = {"s": 1, "ms": 1e-3, "us": 1e-6, "ns": 1e-9}
        name = next((name for name, size in scales.items() if number >= size), "ns")
        return f"{number / scales[name]:.3g} {name}"
    return {"B": "{:.0f} B", "x": "{:.2f}x", "n": "{:.0f}"}.get(unit, "{:.3f}").format(
        number
    )


def cell(results: Results, key: str, row: Row, name: str) -> str:
    """Write one contender's cell; a dash where it cannot do the work."""
    number = value(results, key, row, name)
    if number is None:
        return "-"
    return quantity(number, "x" if row.against else row.unit)


def yardstick(results: Results, key: str, row: Row) -> str:
    """Say what 1x is, in absolute numbers."""
    if row.against is None:
        return ""
    plain = Row(row.work, row.size or row.metric, "s" if row.size else row.unit)
    size = cell(results, key, plain, row.against)
    return f"{CONTENDERS[row.against].title} {size}"


def reached(results: Results, key: str, row: Row) -> str:
    """Say whether ours (or every peer) is where it should be, in a word."""
    if row.reach is None:
        return ""
    names = [name for name in CONTENDERS if (name == "ours") is not row.peers]
    numbers = [value(results, key, row, name) for name in names]
    known = [number for number in numbers if number is not None]
    if not known:
        return ""
    sign, bound = row.reach.split()
    # As it is shown: 2.2004 s reads as 2.2 s, and is within 2.2 s of timers.
    shown = [float(f"{number:.3g}") for number in known]
    return "yes" if all(COMPARE[sign](n, float(bound)) for n in shown) else "NO"


def rows_of(questions: Iterable[str]) -> list[tuple[str, Row]]:
    """List the rows with the question each belongs to."""
    return [(key, row) for key in questions for row in QUESTIONS[key].rows]


def build(
    questions: Sequence[str],
    results: Results,
    others: dict[str, Results],
    here: str,
) -> list[list[str]]:
    """Lay out the table: our columns first, one an interpreter, then the peers."""
    peers = [n for n in CONTENDERS if n not in {"ours", "floor"}]
    peers = [n for n in peers if any(n in r for r in results.values())]
    head = ["#", "work", "1x is", f"ours, {here}", *others, "reach", "reached"]
    table = [head + [CONTENDERS[name].title for name in peers]]
    for key, row in rows_of(questions):
        line = [key, row.work, yardstick(results, key, row)]
        line.append(cell(results, key, row, "ours"))
        line += [cell(other, key, row, "ours") for other in others.values()]
        bound = f"peers {row.reach}" if row.peers else row.reach or ""
        line += [bound, reached(results, key, row)]
        table.append(line + [cell(results, key, row, name) for name in peers])
    return table


def markdown(table: Sequence[Sequence[str]]) -> str:
    """Write a table that reads well both as text and as Markdown."""
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]

    def line(cells: Iterable[str]) -> str:
        padded = (c.ljust(w) for c, w in zip(cells, widths, strict=True))
        return f"| {' | '.join(padded)} |"

    rule = line("-" * w for w in widths)
    return "\n".join([line(table[0]), rule, *map(line, table[1:])])
