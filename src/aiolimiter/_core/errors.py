"""
The errors a limiter raises of its own.

    Exception
    ├── RateLimitExceeded   the wait is longer than the caller allows
    └── BackendError        the shared store did not answer
"""

from __future__ import annotations

from .decision import Decision

# From here on, three digits are less than whole seconds.
_LONG = 999.5


class RateLimitExceeded(Exception):
    """
    The wait would be longer than ``max_wait`` allows.

    Nothing was taken.

    >>> limiter = AsyncLimiter(1, 60)
    >>> await limiter.acquire()
    >>> try:
    ...     await limiter.acquire(max_wait=5)
    ... except RateLimitExceeded as refusal:
    ...     print(f"that would take {refusal.retry_after:.0f} s")
    that would take 60 s

    Attributes:
        decision: The refusal, with ``retry_after`` and ``remaining``.
    """

    __module__ = "aiolimiter"

    def __init__(self, message: str, decision: Decision) -> None:
        super().__init__(message, decision)
        self.decision = decision

    def __str__(self) -> str:
        return str(self.args[0])

    @property
    def retry_after(self) -> float:
        """Seconds after which asking again is admitted, if nobody else comes."""
        return self.decision.retry_after


class BackendError(Exception):
    """
    The shared store did not answer in time, or answered with an error.

    ``__cause__`` is the client's own error.

    >>> from redis.asyncio import Redis
    >>> nobody = Redis(unix_socket_path="no-server-is-here")
    >>> limiter = RedisLimiter(nobody, "github", 5000, 3600)
    >>> try:
    ...     await limiter.acquire()
    ... except BackendError:
    ...     print("go on without it?")
    go on without it?
    """

    __module__ = "aiolimiter"


def refusal(amount: float, max_wait: float, decision: Decision) -> RateLimitExceeded:
    """Say that *amount* can't be had within *max_wait* seconds, and when it can."""
    msg = (
        f"can't acquire {amount:.15g} within {seconds(max_wait)}: "
        f"retry in {seconds(decision.retry_after)}, or allow a longer max_wait"
    )
    return RateLimitExceeded(msg, decision)


def seconds(value: float) -> str:
    """Write *value* in seconds as one reads it: an hour is 3600 s, not 3.6e+03."""
    return f"{value:.3g} s" if value < _LONG else f"{value:.0f} s"
