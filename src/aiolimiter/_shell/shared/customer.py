"""For whom a pump makes its trips."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from ..._core.errors import BackendError
    from ..._core.shared.trip import Group, Refund, Reply, Request


class Customer(Protocol):
    """Names who waits, and gets the answers."""

    def refund(self) -> Refund | None:
        """Return what is booked and not wanted."""
        ...

    def groups(self) -> tuple[Group, ...]:
        """Return who waits, as a trip that starts now should ask for them."""
        ...

    def answered(self, request: Request, reply: Reply) -> None:
        """Take what a trip brought; a look follows."""
        ...

    def failed(self, error: BackendError) -> None:
        """Take the news that a trip failed; a look follows."""
        ...

    def look(self) -> None:
        """See what is to be done."""
        ...
