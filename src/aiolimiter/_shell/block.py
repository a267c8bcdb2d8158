"""A block that is entered once, and settled once inside of it."""

from __future__ import annotations

_NEW = "its block is not entered yet"


class Block:
    """What all reservations have in common: when they may be settled."""

    __slots__ = ("_obstacle",)

    def __init__(self) -> None:
        # Why it can't be settled now; empty when it can.
        self._obstacle = _NEW

    def _enter(self) -> None:
        if self._obstacle is not _NEW:
            msg = "can't enter a reservation twice: call reserve again"
            raise RuntimeError(msg)
        self._obstacle = "its amount is not taken yet"

    def _enter_done(self) -> None:
        self._obstacle = ""

    def _leave(self) -> None:
        self._obstacle = self._obstacle or "its block is left"

    def _settle(self) -> None:
        if self._obstacle:
            msg = f"can't settle: {self._obstacle}; settle once, inside the block"
            raise RuntimeError(msg)
        self._obstacle = "it is settled already"
