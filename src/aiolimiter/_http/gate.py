"""
What all clients do around a request: wait before it, listen after it.

Waiting and counting are here; what is done with the server's word is in
`hearing`, and whether a request is sent again in `resending`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from math import inf
from time import time
from typing import TYPE_CHECKING, Any, Generic, TypeAlias

from .._core import numbers
from .._core.headers.advice import Advice, Quota
from .._shell.several.combined import CombinedLimiter
from .adapting import Adapting
from .choice import R, amount_of, finder, is_one, scale, told, unit_of
from .hearing import Hearing

if TYPE_CHECKING:
    from .choice import Cost, Key, Limit, Tell, Whole

MaxWait: TypeAlias = float | Callable[[R], float | None] | None
Believe: TypeAlias = Callable[..., Advice] | None

# Who hears: what it is, how much of it flies, the unit it counts, and how much
# of it there is to a unit of the server's.
_Share: TypeAlias = tuple[Hearing, float, str, float]

# Of limiters that nobody uses, no more are remembered than this.
_MOST = 4096


class Gate(Generic[R]):
    """
    Where requests wait, and where the server's word arrives.

    Args:
        limit: Which limiter: see `choice.finder`.
        key: From a request to its key.
        cost: How much a request takes.
        max_wait: The longest wait, in seconds.
        max_pause: The longest pause that is believed, in seconds.
        fallback: How long to pause after a refusal without a word, in seconds.
        tell: Which member of a `CombinedLimiter` the server speaks of.
        believe: Reads what a response says; None believes nothing.
        name: From a request to what the log calls its server.
        adapt: Whether a rate below the limit is found out.

    Raises:
        TypeError: *limit* is no limiter, or needs *tell*, or can't adapt.
        ValueError: A number is not above 0, or not finite.
    """

    def __init__(  # noqa: PLR0913 -- the contract's
        self,
        limit: Limit[R],
        *,
        key: Key[R],
        cost: Cost[R],
        max_wait: MaxWait[R],
        max_pause: float,
        fallback: float,
        tell: Tell[R],
        believe: Believe,
        name: Callable[[R], str],
        adapt: bool = False,
    ) -> None:
        self._find = finder(limit, key, tell)
        self.adapting = Adapting(limit, cost) if adapt else None
        self._cost: Any = float(cost) if isinstance(cost, int | float) else cost
        self._max_wait = max_wait
        self._scale = scale(cost)
        self.max_pause = numbers.positive("max_pause", max_pause)
        self.fallback = numbers.positive("fallback", fallback)
        self.tell = tell
        self.believe = believe
        self.name = name
        self._hearings: dict[object, Hearing] = {}
        # Who hears, where that is the same for all requests.
        self._all: list[_Share] | None = None
        if is_one(limit) and not callable(cost):
            one: Any = self.adapting.both if self.adapting else limit
            self._all = self._shares(one, self._cost)
            for hearing, _, _, _ in self._all:
                hearing.stays = True

    async def enter(self, request: R, max_wait: float | None = None) -> Flight | None:
        """
        Wait until *request* may be sent, and count it as in flight.

        Returns:
            The flight, or None: nothing limits this request.

        Raises:
            RateLimitExceeded: The wait would be longer than allowed.
            ValueError: The cost is more than the limiter holds.
        """
        limiter = self._find(request)
        if limiter is None:
            return None
        if self.adapting is not None:
            limiter = self.adapting.both
        cost: Any = self._cost
        if callable(cost):
            cost = cost(request)
        if max_wait is None:
            usual = self._max_wait
            max_wait = usual(request) if callable(usual) else usual
        if cost.__class__ is not float and isinstance(cost, Mapping):
            await limiter.acquire(max_wait=max_wait, **cost)
        elif cost:
            await limiter.acquire(float(cost), max_wait=max_wait)
        shares = self._all
        if shares is None:
            shares = self._shares(limiter, cost)
        flight = Flight(self, limiter, shares)
        flight.began = asyncio.get_running_loop().time()
        if cost and flight.paused_until() > flight.began:
            try:
                await flight.stand(max_wait)
            except BaseException:
                flight.end()
                raise
        return flight

    def hearing(self, limiter: Any) -> Hearing:
        """Return what is known of *limiter*."""
        found = self._hearings.get(limiter)
        if found is None:
            if len(self._hearings) >= _MOST:
                self._sweep()
            found = self._hearings[limiter] = Hearing(limiter)
        return found

    def flying(self) -> float:
        """Return how much is in flight, in units."""
        return sum(hearing.flying for hearing in self._hearings.values())

    def forget(self, hearing: Hearing) -> None:
        """Forget *hearing* if it is as good as new."""
        if hearing.is_idle():
            self._hearings.pop(hearing.limiter, None)

    def _sweep(self) -> None:
        for limiter, hearing in list(self._hearings.items()):
            if not (hearing.flights or hearing.stays):
                del self._hearings[limiter]

    def _shares(self, limiter: Whole, cost: Any) -> list[_Share]:
        if not isinstance(limiter, CombinedLimiter):
            unit = "requests" if self._scale else ""
            return [(self.hearing(limiter), cost, unit, self._scale)]
        if self.adapting is not None:
            # The server speaks of the limit; the rate below it counts answers.
            return [
                (self.hearing(self.adapting.limit), cost, "requests", self._scale),
                (self.hearing(self.adapting.pace), cost, "", 1.0),
            ]
        named = self.tell if isinstance(self.tell, str) else None
        shares: list[_Share] = []
        for name, member in limiter._members():  # noqa: SLF001 -- all of them hear
            unit = unit_of(name)
            if not unit and name is not None and name == named and self._scale:
                unit = "requests"
            factor = (self._scale or 1.0) if unit == "requests" else 1.0
            amount = amount_of(cost, name)
            shares.append((self.hearing(member), amount, unit, factor))
        return shares


class Flight:
    """
    A request between its sending and the head of its response.

    Attributes:
        began: When it was sent, on the loop's clock.
    """

    __slots__ = ("_gate", "_limiter", "_over", "_shares", "began")

    def __init__(self, gate: Gate[Any], limiter: Whole, shares: list[_Share]) -> None:
        self._gate = gate
        self._limiter = limiter
        self._shares = shares
        self._over = False
        self.began = 0.0
        for hearing, amount, _, _ in shares:
            hearing.depart(amount)

    def paused_until(self) -> float:
        """Return when the last pause that was heard of ends, on the loop's clock."""
        until = -inf
        for hearing, _, _, _ in self._shares:
            if hearing.paused_until > until:
                until = hearing.paused_until
        return until

    async def stand(self, max_wait: float | None) -> None:
        """Wait on: a pause began in the same breath in which it was admitted."""
        seen = self.began
        while (until := self.paused_until()) > seen:
            seen = until
            await self._limiter.acquire(0.0, max_wait=max_wait)
        self.began = asyncio.get_running_loop().time()

    def end(self) -> None:
        """Count it out, and hear nothing: it failed."""
        if self._count_out():
            for hearing, _, _, _ in self._shares:
                self._gate.forget(hearing)

    # A request of which nobody ever hears is over when it is gone.
    __del__ = end

    def _count_out(self) -> bool:
        if self._over:
            return False
        self._over = True
        for hearing, amount, _, _ in self._shares:
            hearing.arrive(amount)
        return True

    async def land(self, request: Any, status: int, headers: Any) -> float | None:
        """
        Hear what the head of the response to *request* says.

        Returns:
            For how long nothing more is wanted, in seconds, if the request was
            refused for a limit; otherwise None.
        """
        self._count_out()
        try:
            gate = self._gate
            if gate.believe is None:
                return None
            advice = gate.believe(status, headers, now=time())
            now = asyncio.get_running_loop().time()
            if advice.refused:
                return await self._refused(request, advice, now)
            for hearing, amount, unit, factor in self._shares:
                hearing.accepted(amount, now)
                left = _left(unit, advice.quotas)
                if left is not None:
                    word = hearing.restrict(left * factor, now)
                    if word is not None:
                        await word
            if advice.pause is not None:
                target = self._target(request, advice)
                await self._pause(request, target, advice.pause, now, "nothing is left")
            return None
        finally:
            for hearing, _, _, _ in self._shares:
                self._gate.forget(hearing)

    async def _refused(self, request: Any, advice: Advice, now: float) -> float:
        target = self._target(request, advice)
        seconds, why = advice.pause, "by the server's word"
        if target is None:
            return seconds or 0.0
        hearing = self._gate.hearing(target)
        hearing.refused(self.began)
        if self._gate.adapting is not None:
            self._gate.hearing(self._gate.adapting.pace).refused(self.began)
        if seconds is None:
            seconds = hearing.fall_back(self._gate.fallback, self.began, now)
            why = "refused without a word"
        await self._pause(request, target, seconds, now, why)
        return seconds

    async def _pause(
        self, request: Any, target: Any, seconds: float, now: float, why: str
    ) -> None:
        if target is not None:
            gate = self._gate
            name = gate.name(request)
            await gate.hearing(target).pause(seconds, gate.max_pause, now, name, why)
            if gate.adapting is not None:
                # Or its rate would rise meanwhile.
                gate.adapting.pace.pause(min(seconds, gate.max_pause))

    def _target(self, request: Any, advice: Advice) -> Any:
        tell = self._gate.tell
        if callable(tell):
            return tell(request, advice)
        if self._gate.adapting is not None:
            return self._gate.adapting.limit
        if isinstance(self._limiter, CombinedLimiter):
            return told(self._limiter, tell)
        return self._limiter


def _left(unit: str, quotas: tuple[Quota, ...]) -> float | None:
    # Of several quotas of one unit the smallest counts.
    least = None
    for quota in quotas:
        left = quota.remaining
        if quota.unit == unit and left is not None and (least is None or left < least):
            least = left
    return least
