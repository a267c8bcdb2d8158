"""What a shared limiter needs of the place that keeps its bucket."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from ..._core.shared.trip import Reply, Request


class Overdue(TimeoutError):
    """
    A trip took longer than it may.

    Args:
        seconds: What it may take.
    """

    def __init__(self, seconds: float) -> None:
        super().__init__(f"did not answer within {seconds:g} s")


class Store(Protocol):
    """Keeps one bucket that many processes share."""

    async def trip(self, request: Request) -> Reply:
        """
        Run `aiolimiter._core.shared.slots.serve` on the stored state, in one step.

        Whatever else it raises is a trip that failed and may be tried again.

        Raises:
            BackendError: What is stored is not a limiter's; it is left as it
                is.  Asking again cannot help, so no failure policy applies.
        """
        ...
