"""What a question is: how it is measured, and the rows it fills."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

Measured = Mapping[str, float]
#: Seconds of the contender, and of an uncontended Lock, in turns.
Timed = tuple[float, float]


@dataclass(frozen=True)
class Row:
    """One line of the table.

    `metric` is what is shown; with `against` it is shown as a ratio to that
    contender's, in the same round. `reach` is such as ``"<= 1.2"``.
    """

    work: str
    metric: str
    unit: str = "s"
    against: str | None = None
    reach: str | None = None
    #: The metric that says how much 1x is, where `metric` is a ratio itself.
    size: str | None = None
    #: Whether `reach` speaks of every peer's cell instead of ours.
    peers: bool = False


@dataclass(frozen=True)
class Question:
    """One question, asked of every contender that has the `verb`.

    Either `timed` (given to pyperf: a function of a contender and a number of
    loops; its metrics are ``seconds`` and ``of_lock``) or `measure` (one
    process, some metrics).
    """

    name: str
    verb: str
    rows: tuple[Row, ...]
    timed: Callable[[Any, int], Timed] | None = None
    measure: Callable[[Any], Measured] | None = None
    rounds: int = 3
    #: Mostly asleep, so all contenders may run at once.
    idle: bool = False
    #: Who is asked, where having the verb is not enough.
    only: tuple[str, ...] | None = None
