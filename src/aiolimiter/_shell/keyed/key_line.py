"""The line of one key of many: it follows what is changed for all."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from ..line import Line

if TYPE_CHECKING:
    from collections.abc import Hashable

    from ..._core.meter import Meter
    from .keys import Keys


@final
class KeyLine(Line):
    """
    A line that makes up for what was changed since it was last looked at.

    Attributes:
        key: Whose it is.
        known: How many changes of all it knows of.
    """

    __slots__ = ("_keys", "key", "known")

    def __init__(self, keys: Keys, key: Hashable, meter: Meter) -> None:
        super().__init__(meter)
        self._keys = keys
        self.key = key
        self.known = keys.changed

    def advance(self) -> float:
        """Bring the meter up to the present, and return the instant."""
        if self.known != self._keys.changed:
            self._keys.catch_up(self)
            if self.queue.waiting:
                # Before whoever asks now: their turn may have come by it.
                self.look()
        return super().advance()
