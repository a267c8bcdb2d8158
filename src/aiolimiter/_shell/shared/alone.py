"""
What a process admits by itself while the shared store is away.

A second line, before a bucket in this process's memory that is held to a part of
each rate: so amounts are taken whole or not at all, by the same arithmetic, and
who waits there can be sent back to the first line when the store has returned.
"""

from __future__ import annotations

import asyncio
from math import inf
from typing import TYPE_CHECKING

from ..._core.shared.slots import serve
from ..._core.shared.trip import Change, Terms
from .line import SharedLine
from .rate import MICRO

if TYPE_CHECKING:
    from ..._core.shared.trip import Reply, Request, State


class Alone(SharedLine):
    """
    The line before a part of each of the rates, for this process only.

    A turn there whose booking is ``None`` is over without it: the store is back.

    Args:
        terms: What the fleet is held to.
        share: The part, above 0 and at most 1.
    """

    def __init__(self, terms: Terms, share: float) -> None:
        # Nothing is booked ahead beside the first: a trip costs next to nothing.
        own = _part(terms, share)
        self._memory = _Memory()
        super().__init__(self._memory, own, quantum=0, timeout=None, on_error="raise")
        self._share = share

    @property
    def is_wanted(self) -> bool:
        """Whether anybody waits."""
        # Not who is counted: those cancelled in this tick are still among them.
        if self._asking.head() is not None:
            return True
        return any(not waiter.done() for waiter in self._booked)

    def hold_to(self, terms: Terms) -> None:
        """Go on with a part of other rates, from the next trip on."""
        part = _part(terms, self._share)
        self._memory.change = Change(part, (1.0,) * len(part.rates))

    def release(self) -> None:
        """Send back all who wait."""
        if self.waiting():
            self._asking.back(self._booked.void(inf))
            self._let_all_go(None)
            self.look()


def _part(terms: Terms, share: float) -> Terms:
    return Terms(
        tuple(rate * share for rate in terms.rates),
        tuple(cap * share for cap in terms.caps),
    )


class _Memory:
    """Keeps a bucket in this process."""

    __slots__ = ("_state", "change")

    def __init__(self) -> None:
        self._state: State | None = None
        self.change: Change | None = None

    async def trip(self, request: Request) -> Reply:
        now = int(asyncio.get_running_loop().time() / MICRO)
        request, self.change = request._replace(change=self.change), None
        changed, reply = serve(self._state, now, request)
        self._state = changed or self._state
        return reply
