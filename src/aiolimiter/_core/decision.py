"""What a limiter answers: to a request, and about itself."""

from __future__ import annotations

from typing import NamedTuple


class Decision(NamedTuple):
    """
    The answer to a request that does not wait; true when it was admitted.

    >>> limiter = AsyncLimiter(2, 60)
    >>> limiter.try_acquire(2)
    Decision(granted=True, retry_after=0.0, remaining=0.0)
    >>> if not (decision := limiter.try_acquire()):
    ...     print(f"again in {decision.retry_after:.0f} s")
    again in 30 s

    Attributes:
        granted: Whether the amount was taken.
        retry_after: Seconds after which asking again is admitted, if nobody
            else comes meanwhile; 0.0 when granted.
        remaining: The amount that could be taken right now, after this answer.
    """

    granted: bool
    retry_after: float
    remaining: float

    def __bool__(self) -> bool:
        return self.granted


# Called with the class and a tuple of all three: a third of the cost of calling
# the class, which tells where most requests are refused.
decided = tuple.__new__


class LimiterStatistics(NamedTuple):
    """
    A limiter at one instant.

    >>> limiter = AsyncLimiter(100, 60)
    >>> await limiter.acquire(30)
    >>> now = limiter.statistics()
    >>> now.level, now.available, now.waiting
    (30.0, 70.0, 0)

    Attributes:
        level: How much is in the bucket (or in the window), in units.
        available: How much could be taken right now, were nobody waiting.
        waiting: How many requests wait.
        amount_waiting: How much they want together.
        seconds_to_next: Seconds until the next one is admitted if nothing
            else happens, or ``None`` when nobody waits.
    """

    level: float
    available: float
    waiting: int
    amount_waiting: float
    seconds_to_next: float | None
