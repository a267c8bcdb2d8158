"""A block that is entered once, and settled once inside of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn, Self

from .._core.errors import RateLimitExceeded

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Protocol

    from .queue import Turn

    class Asked(Protocol):
        """A limiter, and what is wanted from it as it has that itself."""

        def _ask(self, wanted: Any, max_wait: float | None, /) -> Turn | None: ...

        def _told_refusal(self, wanted: Any, refusal: RateLimitExceeded, /) -> None: ...


_NEW = "its block is not entered yet"


async def granted(limiter: Asked, wanted: Any, max_wait: float | None) -> Turn | None:
    """
    Ask, wait, and give back what is granted to one who can't use it any more.

    Returns:
        None when it was taken at once, else the turn that has come.
    """
    try:
        turn = limiter._ask(wanted, max_wait)  # noqa: SLF001 -- one layer
        if turn is not None:
            try:
                await turn
            except BaseException:
                turn.lost()
                raise
    except RateLimitExceeded as refusal:
        limiter._told_refusal(wanted, refusal)  # noqa: SLF001 -- one layer
        raise
    return turn


class Block:
    """What all reservations have in common: when they may be settled."""

    __slots__ = ("_obstacle",)

    def __init__(self) -> None:
        # Why it can't be settled now; empty when it can.
        self._obstacle = _NEW

    # No abstract base class, which costs more than all else in making one.
    if TYPE_CHECKING:

        async def _take(self) -> None: ...

    def _release(self) -> None:
        """Stop remembering what was taken."""

    def __reduce__(self) -> NoReturn:
        msg = "can't copy or pickle a reservation: it is for one block, here and now"
        raise TypeError(msg)

    async def __aenter__(self) -> Self:
        if self._obstacle is not _NEW:
            msg = "can't enter a reservation twice: call reserve again"
            raise RuntimeError(msg)
        self._obstacle = "its amount is not taken yet"
        await self._take()
        self._obstacle = ""
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._obstacle = self._obstacle or "its block is left"
        self._release()

    def _settle(self) -> None:
        if self._obstacle:
            msg = f"can't settle: {self._obstacle}; settle once, inside the block"
            raise RuntimeError(msg)
        self._obstacle = "it is settled already"
