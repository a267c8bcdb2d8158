"""What a client knows of one limiter: who is in flight, and what was heard."""

from __future__ import annotations

import inspect
import logging
from functools import lru_cache
from math import inf
from typing import TYPE_CHECKING, Any

from .._core.errors import BackendError
from .._shell.adaptive import AdaptiveLimiter

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from .choice import Single

log = logging.getLogger("aiolimiter.http")

# Seconds: a shared limiter is told with a trip for each word.
_BETWEEN_TRIPS = 0.05
# Seconds: what is said once for each limiter, and again after that.
_HOUR = 3600.0
# The longest wait of those who are refused without a word, in seconds.
_LONGEST_FALLBACK = 60.0


@lru_cache
def _is_shared(kind: type[Single]) -> bool:
    # A hearing is made for each request of a limiter that nobody else uses.
    return inspect.iscoroutinefunction(kind.pause)


class Hearing:
    """
    One limiter, as a client sees it.

    Attributes:
        limiter: The limiter.
        flights: How many requests of it are in flight.
        flying: How much of it is in flight, in units.
        stays: Whether it is remembered while nobody uses it.
        paused_until: When the last pause that was heard of ends, on the loop's
            clock.
    """

    __slots__ = (
        "_adapts",
        "_away",
        "_fell_at",
        "_refusals",
        "_shared",
        "_told_at",
        "_warned_at",
        "flights",
        "flying",
        "limiter",
        "paused_until",
        "stays",
    )

    def __init__(self, limiter: Single) -> None:
        self.limiter: Any = limiter
        self._adapts = isinstance(limiter, AdaptiveLimiter)
        self._shared = _is_shared(limiter.__class__)
        self.flights = 0
        self.flying = 0.0
        self.stays = False
        self.paused_until = -inf
        self._refusals = 0
        self._fell_at = -inf
        self._told_at = -inf
        self._warned_at = -inf
        self._away = False

    def depart(self, amount: float) -> None:
        """Count a request that is sent."""
        self.flights += 1
        self.flying += amount

    def arrive(self, amount: float) -> None:
        """Count it out."""
        self.flights -= 1
        # Sums of fractions don't come back to 0 by themselves.
        self.flying = self.flying - amount if self.flights else 0.0

    def is_idle(self) -> bool:
        """Whether there is nothing here that has to be remembered."""
        return not (
            self.stays
            or self.flights
            or self._refusals
            or self._away
            or max(self.paused_until, self._told_at) > -inf
        )

    def accepted(self, amount: float, now: float) -> None:
        """Hear that the server took a request."""
        self._refusals = 0
        if self._adapts:
            self.limiter._accepted(amount)  # noqa: SLF001 -- it learns from all
        if self.paused_until <= now:
            self.paused_until = -inf
        if self._told_at + _BETWEEN_TRIPS <= now:
            self._told_at = -inf

    def refused(self, began: float) -> None:
        """Hear that the server refused a request that was sent at *began*."""
        if self._adapts:
            self.limiter._refused(began)  # noqa: SLF001 -- it learns from all

    def fall_back(self, first: float, began: float, now: float) -> float:
        """
        Return how long to pause after a refusal that says nothing.

        Args:
            first: The shortest, in seconds.
            began: When the request that was refused was sent.
            now: When it was refused.
        """
        # Those that were in flight together are refused together, once.
        if began >= self._fell_at:
            self._refusals += 1
            self._fell_at = now
        most = max(first, _LONGEST_FALLBACK)
        return min(most, first * 2.0 ** min(self._refusals - 1, 64))

    async def pause(
        self, seconds: float, most: float, now: float, name: object, why: str
    ) -> None:
        """Pause the limiter, at most *most* seconds; say so in the log."""
        if seconds > most:
            if now >= self._warned_at + _HOUR:
                self._warned_at = now
                log.warning(
                    "%s asks for a pause of %.6g s, gets %.6g s", name, seconds, most
                )
            seconds = most
        until = now + seconds
        if until > self.paused_until:
            if self.paused_until <= now < until:
                log.info("%s is paused for %.3g s: %s", name, seconds, why)
            self.paused_until = until
        await self._tell(self.limiter.pause, seconds)

    def restrict(self, remaining: float, now: float) -> Awaitable[None] | None:
        """
        Believe that so much is left, when all that is in flight has arrived.

        Returns:
            What has to be awaited, of a shared limiter that is told.
        """
        left = remaining - self.flying
        if left < 0.0:
            left = 0.0
        if not self._shared:
            self.limiter.restrict(left)
        elif now >= self._told_at + _BETWEEN_TRIPS and left < self._holds():
            self._told_at = now
            return self._tell(self.limiter.restrict, left)
        return None

    def _holds(self) -> float:
        return float(getattr(self.limiter, "burst", inf))

    async def _tell(self, verb: Any, number: float) -> None:
        if not self._shared:
            verb(number)
            return
        try:
            await verb(number)
        except BackendError as error:
            if not self._away:
                self._away = True
                log.warning("the fleet was not told of the server's word: %s", error)
        else:
            self._away = False
