"""Take an estimate before, settle for what it cost after."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._core import numbers
from . import signals
from .block import Block, granted

if TYPE_CHECKING:
    from .._core.meter import Mark
    from .line import Line
    from .verbs import Limiter


class Reservation(Block):
    """
    An amount that is taken on entering the block, and settled inside of it.

    >>> limiter = AsyncLimiter(1000, 60)
    >>> async with limiter.reserve(900) as reservation:
    ...     answer = await ask_the_model()
    ...     reservation.settle(answer.tokens_used)
    >>> answer.tokens_used, limiter.statistics().level
    (700, 700.0)

    Made by a limiter's ``reserve``.  Leaving the block without settling, also
    by an exception, keeps what was reserved: the server may have counted it.

    Attributes:
        amount: What was reserved, in units.
    """

    __slots__ = ("_limiter", "_line", "_mark", "_max_wait", "amount")

    _line: Line

    def __init__(self, limiter: Limiter, amount: float, max_wait: float | None) -> None:
        super().__init__()
        self._limiter = limiter
        self._mark: Mark = None
        self._max_wait = max_wait
        self.amount = amount

    async def _take(self) -> None:
        limiter = self._limiter
        self._line = line = limiter._line  # noqa: SLF001 -- one layer
        turn = await granted(limiter, self.amount, self._max_wait)
        if turn is None:
            self._mark = line.meter.mark()
        else:
            self._mark = turn.result()
            line.meter.hold(self._mark)
        if signals.heard:
            limiter._told_wait(self.amount, turn)  # noqa: SLF001 -- one layer

    def _release(self) -> None:
        self._line.meter.release(self._mark)

    def settle(self, actual: float) -> None:
        """
        Book what it really cost.

        Less than was reserved gives the rest back, as far as it has not leaked
        meanwhile; ``settle(0)`` gives all back.  More becomes a debt that
        whoever comes next waits for.

        Args:
            actual: The real amount, in units; may be above the limiter's burst.

        Raises:
            RuntimeError: It is settled already, or its block is not entered
                yet or left.
            ValueError: *actual* is negative or not finite.
        """
        actual = numbers.finite("actual", actual)
        self._settle()
        # Found anew: a key that has leaked empty meanwhile may be forgotten.
        line = self._limiter._line  # noqa: SLF001 -- one layer
        line.settle(self._mark, self.amount, actual)
