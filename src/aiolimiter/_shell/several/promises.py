"""
From then on I need so much: what requests of several limits leave behind.

A request that waits in one line can't wait in the others too.  It leaves them
a promise, which lets all others through as long as there is room left for it
by then.  A promise is no water: it takes nothing, and it binds only those whose
keys are later, so promises can't wait for each other in a circle.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from math import ceil, inf
from typing import TYPE_CHECKING, Protocol

from ..clock import RESOLUTION

if TYPE_CHECKING:
    from ..._core.meter import Meter

# How many promises are looked at one by one; and into how many parts all of them
# are cut, where it does not matter whose they are.
FEW = 16
PARTS = 64


class Holder(Protocol):
    """To whom something is promised."""

    @property
    def key(self) -> float:
        """It binds only those whose keys are later."""

    def due(self, now: float) -> float:
        """Return when it will come, at the soonest."""


class Promise:
    """From the instant *at* on, its *holder* needs *amount*."""

    __slots__ = ("amount", "at", "holder", "key", "ticket")

    def __init__(self, at: float, amount: float, holder: Holder, ticket: int) -> None:
        self.at = at
        self.amount = amount
        self.holder = holder
        self.key = holder.key
        # Keeps those apart that are equal otherwise.
        self.ticket = ticket


class Promises:
    """What was promised in one line."""

    __slots__ = (
        "_amounts",
        "_by_key",
        "_by_time",
        "_largest",
        "_promised",
        "_ticket",
        "amount",
    )

    def __init__(self) -> None:
        self._promised: dict[Holder, Promise] = {}
        self._by_key: list[tuple[float, int, Promise]] = []
        # Those that fall due first; and how much each is.
        self._by_time: list[tuple[float, int, Promise]] = []
        self._amounts: list[float] = []
        self._ticket = 0
        self._largest = 0.0
        self.amount = 0.0

    def __bool__(self) -> bool:
        return bool(self._promised)

    def make(self, holder: Holder, at: float, amount: float) -> None:
        """Promise *amount* to *holder* from *at* on, instead of before."""
        self.drop(holder)
        self._ticket += 1
        promise = Promise(at, amount, holder, self._ticket)
        self._promised[holder] = promise
        insort(self._by_key, (promise.key, promise.ticket, promise))
        self._put(promise)
        self._largest = max(self._largest, amount)
        self.amount += amount

    def drop(self, holder: Holder) -> bool:
        """Forget what was promised to *holder*; return whether anything was."""
        promise = self._promised.pop(holder, None)
        if promise is None:
            return False
        del self._by_key[bisect_left(self._by_key, (promise.key, promise.ticket))]
        self._pull(promise)
        self.amount = self.amount - promise.amount if self._promised else 0.0
        return True

    def order(self, holder: Holder) -> None:
        """Look again at the key of *holder*, which may have changed."""
        promise = self._promised.get(holder)
        if promise is not None:
            self.make(holder, promise.at, promise.amount)

    def hold_back(self, meter: Meter, amount: float, key: float) -> float:
        """
        Seconds for which one with this *key* may not take *amount*.

        0.0 if it may.  Next to nothing if it depends on somebody who is about to
        come.
        """
        if meter.spares(amount, self.amount, meter.at):
            return 0.0
        early = bisect_left(self._by_key, (key,))
        if early > FEW and self._largest <= meter.burst:
            # What leaves room for all promises, leaves room for some.
            broken = self._first_broken(meter, amount)
            if broken is None or early == len(self._by_key):
                return 0.0 if broken is None else _until(broken, meter)
        promised = 0.0
        for promise in self.before(key, meter):
            promised += promise.amount
            if not meter.spares(amount, promised, max(promise.at, meter.at)):
                return _until(promise, meter)
        return 0.0

    def before(self, key: float, meter: Meter) -> list[Promise]:
        """Return those to smaller keys that can still be kept, the next first."""
        promises = [
            promise
            for _, _, promise in self._by_key[: bisect_left(self._by_key, (key,))]
            if promise.amount <= meter.burst
        ]
        for promise in promises:
            self._renew(promise, meter.at)
        return sorted(promises, key=_at)

    def amounts(self, meter: Meter) -> list[float]:
        """Return what is promised in all, in the order of time; many as a few parts."""
        if len(self._promised) <= PARTS:
            return [promise.amount for promise in self.before(inf, meter)]
        parts = max(PARTS, ceil(self.amount / meter.burst))
        return [self.amount / parts] * parts

    def _renew(self, promise: Promise, now: float) -> None:
        # Whoever was to come by now, and could not, says anew when: until then
        # the room is others'.
        if promise.at <= now:
            self._pull(promise)
            promise.at = promise.holder.due(now)
            self._put(promise)

    def _first_broken(self, meter: Meter, amount: float) -> Promise | None:
        # Of all promises the next that can't be kept if *amount* is taken now.
        now = meter.at
        overdue = bisect_left(self._by_time, (now, inf))
        for _, _, promise in self._by_time[:overdue]:
            self._renew(promise, now)

        def search(start: int, end: int, before: float) -> int | None:
            # If there is room for the last by the time of the first, there is for
            # all between them.
            promised = before + sum(self._amounts[start:end])
            if meter.spares(amount, promised, max(self._by_time[start][0], now)):
                return None
            if end - start == 1:
                return start
            middle = (start + end) // 2
            found = search(start, middle, before)
            if found is not None:
                return found
            return search(middle, end, before + sum(self._amounts[start:middle]))

        found = search(0, len(self._by_time), 0.0)
        return None if found is None else self._by_time[found][2]

    def _put(self, promise: Promise) -> None:
        entry = (promise.at, promise.ticket, promise)
        place = bisect_left(self._by_time, entry)
        self._by_time.insert(place, entry)
        self._amounts.insert(place, promise.amount)

    def _pull(self, promise: Promise) -> None:
        place = bisect_left(self._by_time, (promise.at, promise.ticket))
        del self._by_time[place], self._amounts[place]


def _until(promise: Promise, meter: Meter) -> float:
    return max(promise.at - meter.at, RESOLUTION)


def _at(promise: Promise) -> float:
    return promise.at
