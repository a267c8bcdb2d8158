"""
A request of several limits at once: all of them, or nothing.

It never holds one while it waits for another.  When not all admit it, it waits
in the line that predicts the longest wait, as anybody there.  When it is due
and another one does not admit it by then, it goes to wait in the one that now
predicts longest, and leaves a promise in all others.  One key counts in all
lines: its arrival, plus the shortest of its own leaking times.

Everybody waits for time or for somebody with a smaller key, so nobody waits in
a circle.  docs/design.md has the bound.
"""

from __future__ import annotations

import asyncio
from math import inf
from typing import TYPE_CHECKING, TypeAlias

from .._core import numbers
from .._core.decision import Decision, decided
from .queue import Turn

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .._core.meter import Mark
    from .line import Line

    Marks: TypeAlias = dict[Line, Mark]


class Visitor:
    """What stands in a line's queue for a request; elsewhere others count too."""

    __slots__ = ("amount", "arrival", "deadline", "key", "request")

    def __init__(self, request: Request, amount: float) -> None:
        self.request = request
        self.amount = amount
        self.arrival = request.arrival
        self.deadline = request.deadline
        self.key = request.key

    def done(self) -> bool:
        """Whether nobody waits here any more."""
        return self.request.turn.done() or not self.request.is_here(self)

    def set_exception(self, error: Exception) -> None:
        """Give up: the line has refused it."""
        self.request.give_up(error)


class Request:
    """
    One who wants something from each of several lines.

    Args:
        amounts: What it wants from which line.
    """

    __slots__ = (
        "_visitor",
        "_where",
        "amounts",
        "arrival",
        "deadline",
        "key",
        "turn",
    )

    _visitor: Visitor
    _where: Line
    turn: Turn

    def __init__(self, amounts: Mapping[Line, float]) -> None:
        self.amounts = amounts
        self.arrival = max(line.advance() for line in amounts)
        self.deadline = inf
        self.key = self.rekey()

    def ask(self, max_wait: float | None) -> asyncio.Future[Marks] | None:
        """
        Take all amounts, or wait for them.

        Returns:
            None when they were taken, else a future whose result are the marks
            of the admission.  Whoever stops waiting for it calls `lost`.

        Raises:
            RateLimitExceeded: The wait would be longer than *max_wait* seconds.
            RuntimeError: Somebody waits in another event loop, which is open.
        """
        loop = asyncio.get_running_loop()
        for line in self.amounts:
            line.enter(loop)
        slowest = self._slowest()
        if slowest is None:
            self._take()
            return None
        if max_wait is not None:
            amount = self.amounts[slowest]
            if slowest.delay(amount, self.key) > max_wait:
                raise slowest.refusal(amount, max_wait, self._refused())
            self.deadline = self.arrival + max_wait
        self.turn = Turn(loop=loop)
        for line in self.amounts:
            line.needed += 1
        self._wait_in(slowest)
        return self.turn

    def lost(self) -> None:
        """Leave the queue; or give back what was granted and can't be used."""
        turn = self.turn
        if turn.get_loop().is_closed():
            return
        turn.cancel()
        if turn.cancelled():
            self._withdraw()
            self._where.look()
        elif turn.exception() is None:
            for line, mark in turn.result().items():
                line.settle(mark, self.amounts[line], 0.0)

    def decide(self) -> Decision:
        """Take all amounts if all lines admit them; say when if they don't."""
        if self._slowest() is not None:
            return self._refused()
        self._take()
        return decided(Decision, (True, 0.0, self._available()))

    def mark(self) -> Marks:
        """Start to remember what was just taken."""
        return {line: line.meter.mark() for line in self.amounts}

    def give_up(self, error: Exception) -> None:
        """Raise *error* to whoever waits, and no longer stands in any queue."""
        self.turn.set_exception(error)
        self._withdraw()

    def rekey(self) -> float:
        """Return the key, found anew: a rate may have changed."""
        leads = (line.meter.lead(amount) for line, amount in self.amounts.items())
        self.key = self.arrival + min(leads)
        return self.key

    def is_here(self, visitor: Visitor) -> bool:
        """Whether it waits where *visitor* stands, and not elsewhere by now."""
        return visitor is self._visitor

    def due(self, now: float) -> float:
        """Return when it comes from where it waits, at the soonest."""
        return self._where.comes_at(self._visitor, now)

    def come(self, line: Line) -> None:
        """Be granted, now that it is due in *line*; or wait in another one."""
        now = line.meter.at
        for other, amount in self.amounts.items():
            other.meter.advance(now)
            if amount > other.meter.burst:
                self.give_up(numbers.never_fits(amount, other.meter.burst))
                return
        slowest = self._slowest(due_in=line)
        if slowest is not None:
            self._wait_in(slowest, leaving=line)
            return
        self._take()
        marks = self.mark()
        self.turn.set_result(marks)
        self.turn.get_loop().call_soon(_release, marks)
        self._withdraw()

    def _slowest(self, due_in: Line | None = None) -> Line | None:
        # The line that makes it wait longest, if any does not admit it now.
        waits = {
            line: line.delay(amount, self.key)
            for line, amount in self.amounts.items()
            if line is not due_in and not line.admits(amount, self.key)
        }
        return max(waits, key=waits.__getitem__, default=None)

    def _take(self) -> None:
        for line, amount in self.amounts.items():
            line.meter.take(amount)

    def _refused(self) -> Decision:
        # A later time may be behind more of those who wait, so it is asked for
        # until it stands.
        wait, longer = 0.0, self._retry_after(0.0)
        while longer > wait:
            wait, longer = longer, self._retry_after(longer)
        return decided(Decision, (False, wait, self._available()))

    def _wait_in(self, line: Line, leaving: Line | None = None) -> None:
        amount = self.amounts[line]
        line.unpromise(self)
        self._where = line
        # Cancelled, it leaves the queue in which it is by then.
        self.turn.queue, self.turn.amount = line.queue, amount
        self._visitor = Visitor(self, amount)
        line.join(self._visitor)
        if leaving is not None:
            due = self.due(line.meter.at)
            for other, reserved in self.amounts.items():
                if other is not line:
                    other.promise(self, due, reserved)

    def _withdraw(self) -> None:
        for line in self.amounts:
            line.needed -= 1
            if line.unpromise(self):
                line.look_soon()

    def _available(self) -> float:
        return min(line.meter.available for line in self.amounts)

    def _retry_after(self, at_least: float) -> float:
        return max(
            line.retry_after(amount, self.key, at_least)
            for line, amount in self.amounts.items()
        )


def _release(marks: Marks) -> None:
    for line, mark in marks.items():
        line.meter.release(mark)
