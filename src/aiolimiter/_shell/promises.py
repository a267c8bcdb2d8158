"""
From then on I need so much: what requests of several limits leave behind.

A request that waits in one line can't wait in the others too.  It leaves them
a promise, which lets all others through as long as there is room left for it
by then.  A promise is no water: it takes nothing, and it binds only those whose
keys are later, so promises can't wait for each other in a circle.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .clock import RESOLUTION

if TYPE_CHECKING:
    from .._core.meter import Meter
    from .request import Request


class Promise:
    """From the instant *at* on, a request needs *amount*."""

    __slots__ = ("amount", "at", "request")

    def __init__(self, at: float, amount: float, request: Request) -> None:
        self.at = at
        self.amount = amount
        self.request = request


class Promises:
    """What was promised in one line."""

    __slots__ = ("_promised", "amount")

    def __init__(self) -> None:
        self._promised: dict[Request, Promise] = {}
        self.amount = 0.0

    def __bool__(self) -> bool:
        return bool(self._promised)

    def make(self, request: Request, at: float, amount: float) -> None:
        """Promise *amount* to *request* from *at* on, instead of before."""
        self.drop(request)
        self._promised[request] = Promise(at, amount, request)
        self.amount += amount

    def drop(self, request: Request) -> bool:
        """Forget what was promised to *request*; return whether anything was."""
        promise = self._promised.pop(request, None)
        if promise is None:
            return False
        self.amount = self.amount - promise.amount if self._promised else 0.0
        return True

    def hold_back(self, meter: Meter, amount: float, key: float) -> float:
        """
        Seconds for which one with this *key* may not take *amount*.

        0.0 if it may.  Next to nothing if it depends on somebody who is about to
        come.
        """
        if meter.spares(amount, self.amount, meter.at):
            return 0.0
        promised = 0.0
        for promise in self.before(key, meter):
            promised += promise.amount
            if not meter.spares(amount, promised, max(promise.at, meter.at)):
                return max(promise.at - meter.at, RESOLUTION)
        return 0.0

    def before(self, key: float, meter: Meter) -> list[Promise]:
        """Return those to smaller keys that can still be kept, the next first."""
        promises = [
            promise
            for promise in self._promised.values()
            if promise.request.key < key and promise.amount <= meter.burst
        ]
        # Whoever was to come by now, and could not, says anew when: until then
        # the room is others'.
        for promise in promises:
            if promise.at <= meter.at:
                promise.at = promise.request.due(meter.at)
        return sorted(promises, key=_at)


def _at(promise: Promise) -> float:
    return promise.at
