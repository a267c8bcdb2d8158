"""Take an estimate before, and tell the fleet what it cost after."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..._core import numbers
from ..block import Block

if TYPE_CHECKING:
    from ..._core.shared.trip import Booking
    from .limiter import SharedLimiter


class SharedReservation(Block):
    """
    An amount that is taken on entering the block, and settled inside of it.

    Made by a shared limiter's ``reserve``.  Leaving the block without settling,
    also by an exception, keeps what was reserved: the server may have counted
    it.

    Attributes:
        amount: What was reserved, in units.
    """

    __slots__ = ("_booking", "_limiter", "_max_wait", "amount")

    def __init__(
        self, limiter: SharedLimiter, amount: float, max_wait: float | None
    ) -> None:
        super().__init__()
        self._limiter = limiter
        self._max_wait = max_wait
        self._booking: Booking | None = None
        self.amount = amount

    async def _take(self) -> None:
        self._booking = await self._limiter._take_or_wait(self.amount, self._max_wait)  # noqa: SLF001 -- one concept in two files

    async def settle(self, actual: float) -> None:
        """
        Tell what it really cost.

        Less than was reserved gives the rest back, as far as it has not leaked
        meanwhile and nobody paused; ``settle(0)`` gives all back, and all who
        are booked in the fleet move up.  More becomes a debt that whoever comes
        next waits for.  Nothing happens if it was admitted while the store was
        away.

        Args:
            actual: The real amount, in units; may be above the limiter's burst.

        Raises:
            BackendError: The store is away; nothing is given back or booked.
            RuntimeError: It is settled already, or its block is not entered
                yet or left.
            ValueError: *actual* is negative or not finite.
        """
        actual = numbers.finite("actual", actual)
        self._settle()
        if self._booking is not None and actual != self.amount:
            await self._limiter._settle(self._booking, actual - self.amount)  # noqa: SLF001 -- see above
