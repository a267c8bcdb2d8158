"""
The errors a limiter raises of its own.

    Exception
    ├── RateLimitExceeded   the wait is longer than the caller allows
    └── BackendError        the shared store did not answer
"""

from __future__ import annotations

from .decision import Decision


class RateLimitExceeded(Exception):
    """
    The wait would be longer than ``max_wait`` allows.

    Nothing was taken.

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
    """

    __module__ = "aiolimiter"
