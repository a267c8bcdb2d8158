"""What a shared limiter needs of the place that keeps its bucket."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from ..._core.trip import Reply, Request


class Store(Protocol):
    """Keeps one bucket that many processes share."""

    async def trip(self, request: Request) -> Reply:
        """
        Run `aiolimiter._core.slots.serve` on the stored state, in one step.

        Whatever else it raises is a trip that failed and may be tried again.

        Raises:
            BackendError: What is stored is not a limiter's; it is left as it
                is.  Asking again cannot help, so no failure policy applies.
        """
        ...
