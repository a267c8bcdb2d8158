"""`adapt=True`: below the user's number, a rate that is found out."""

from __future__ import annotations

from typing import Any

from .._shell.adaptive import AdaptiveLimiter
from .._shell.several.combined import CombinedLimiter
from .._shell.verbs import Limiter

_WHICH = (
    "adapt=True is for one limit of this process, an AsyncLimiter or a "
    "SlidingWindowLimiter, got {}; an AdaptiveLimiter adapts by itself"
)
_COST = (
    "adapt=True needs a cost that is one number, got {}: a rate that is found "
    "out is found out in requests"
)
# Of a second's worth: a large burst would hide the limit.
_BURST = 1 / 20
# Of the user's number: whoever gives one is seldom wrong by more.
_START = 1 / 2


class Adapting:
    """
    A limit, and the rate below it.

    It begins at half of the user's number and is there after a second in which
    somebody waits, so where the number is right next to nothing changes.  It is
    never above: who is admitted passes both.

    Args:
        limit: The user's limiter.
        cost: What a request takes of it.

    Raises:
        TypeError: *limit* is none of one number, or *cost* is no number.
        ValueError: The limit's number is not above 0, or not finite.

    Attributes:
        limit: The user's limiter.
        pace: The rate that is found out.
        both: What is waited for.
    """

    __slots__ = ("both", "limit", "pace")

    def __init__(self, limit: object, cost: Any) -> None:
        if not isinstance(limit, Limiter) or isinstance(limit, AdaptiveLimiter):
            raise TypeError(_WHICH.format(repr(limit)))
        if not isinstance(cost, int | float):
            raise TypeError(_COST.format(repr(cost)))
        number: Any = limit
        rate, period = number.max_rate, number.time_period
        burst = max(1.0, float(cost), _BURST * rate / period)
        self.limit = limit
        self.pace = AdaptiveLimiter(rate, period, burst=burst, start=_START * rate)
        self.both = CombinedLimiter(limit, self.pace)
