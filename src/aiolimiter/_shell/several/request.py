"""
A request of several limits at once that has to wait: for all, or nothing.

It never holds one while it waits for another.  It waits in the line that
predicts the longest wait, as anybody there.  When it is due and another one
does not admit it by then, it goes to wait in the one that now predicts longest,
and leaves a promise in all others.  One key counts in all lines: its arrival,
plus the shortest of its own leaking times.

Everybody waits for time or for somebody with a smaller key, so nobody waits in
a circle.  docs/design.md has the bound.
"""

from __future__ import annotations

import asyncio
from math import inf
from typing import TYPE_CHECKING

from ..._core import numbers
from ..._core.errors import refusal
from ..queue import Turn
from . import lines

if TYPE_CHECKING:
    from ..._core.meter import Meter
    from ..line import Line
    from .lines import Amounts


class Request(Turn):
    """
    One who waits for several lines: a turn in one of them at a time.

    Its result are the marks of the admission, one for each line, which whoever
    waited for it releases.
    """

    __slots__ = ("amounts",)

    amounts: Amounts

    def key_in(self, meter: Meter) -> float:  # noqa: ARG002 -- one key for all
        """Return the key, found anew: a rate may have changed."""
        self.key = lines.key(self.amounts, self.arrival)
        for line in self.amounts:
            if line.promises is not None:
                line.promises.order(self)
        return self.key

    def wait_in(self, line: Line) -> None:
        """Wait in *line*, and in no other one."""
        line.unpromise(self)
        self.amount, self.line = self.amounts[line], line
        line.join(self)

    def due(self, now: float) -> float:
        """Return when it comes from where it waits, at the soonest."""
        return self.line.comes_at(self, now)

    def come(self, line: Line) -> bool:
        """Be granted, now that it is due in *line*; or wait in another one."""
        now = line.meter.at
        for other, amount in self.amounts.items():
            other.meter.advance(now)
            if amount > other.meter.burst:
                self.set_exception(numbers.never_fits(amount, other.meter.burst))
                return False
        slowest = lines.slowest(self.amounts, self.key, due_in=line)
        if slowest is not None:
            self.wait_in(slowest)
            self._promise(self.due(now))
            return False
        lines.take(self.amounts)
        self.set_result(lines.mark(self.amounts))
        self._withdraw()
        return False

    def set_exception(self, error: type | BaseException) -> None:
        """Give up: one of the lines has refused it."""
        super().set_exception(error)
        self._withdraw()

    def lost(self) -> None:
        """Leave the queue; or give back what was granted and can't be used."""
        if self.get_loop().is_closed():
            return
        self.cancel()
        if self.cancelled():
            self._withdraw()
            self.line.look()
        elif self.exception() is None:
            marks = self.result()
            for line, mark in marks.items():
                line.settle(mark, self.amounts[line], 0.0)
            lines.release(marks)

    def _promise(self, due: float) -> None:
        for other, amount in self.amounts.items():
            if other is not self.line:
                other.promise(self, due, amount)

    def _withdraw(self) -> None:
        for line in self.amounts:
            line.needed -= 1
            if line.unpromise(self):
                line.look_soon()


def ask(amounts: Amounts, max_wait: float | None) -> Request | None:
    """
    Take all amounts, or wait for them.

    Returns:
        None when they were taken.  Whoever stops waiting for what is returned
        calls its `lost`; else the result is to be released.

    Raises:
        RateLimitExceeded: The wait would be longer than *max_wait* seconds.
        RuntimeError: Somebody waits in another event loop, which is open.
    """
    loop = asyncio.get_running_loop()
    now = loop.time()
    for line in amounts:
        line.enter(loop)
        line.meter.advance(now)
    arrival = lines.arrival(amounts)
    key = lines.key(amounts, arrival)
    slowest = lines.slowest(amounts, key)
    if slowest is None:
        lines.take(amounts)
        return None
    deadline = inf
    if max_wait is not None:
        amount = amounts[slowest]
        if slowest.delay(amount, key, max_wait) > max_wait:
            refused = lines.refused(amounts, key)
            raise refusal(amount, max_wait, refused)
        deadline = arrival + max_wait
    request = Request(loop=loop)
    request.amounts = amounts
    request.arrival, request.key, request.deadline = arrival, key, deadline
    for line in amounts:
        line.needed += 1
    request.wait_in(slowest)
    return request
