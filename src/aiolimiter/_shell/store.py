"""What a shared limiter needs of the place that keeps its bucket."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from aiolimiter._core.trip import Reply, Request


class ForeignStateError(Exception):
    """
    What is stored under a limiter's name is not a limiter's; it was left as it is.

    Asking again cannot help, so no failure policy applies.
    """


class Store(Protocol):
    """
    Keeps one bucket that many processes share.

    A store need not be told apart from any other by more than this method.
    Whatever it raises (other than `asyncio.CancelledError`) is a failed trip.
    """

    async def trip(self, request: Request) -> Reply:
        """
        Run `aiolimiter._core.slots.serve` on the stored state, in one step.

        Raises:
            ForeignStateError: Something else is stored there.
        """
