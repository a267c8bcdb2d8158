# Rate limiting for asyncio.
#
# `_core` is arithmetic, without a clock; `_shell` makes tasks wait for it;
# everything else (redis, local, the command line) is an edge that is not
# imported from here.

"""Rate limiting for asyncio: exact, fair, fast."""

from __future__ import annotations

from ._core.decision import Decision, LimiterStatistics
from ._core.errors import BackendError, RateLimitExceeded
from ._shell.combined import CombinedLimiter, CombinedReservation
from ._shell.keyed import KeyedLimiter
from ._shell.limiter import AsyncLimiter
from ._shell.reservation import Reservation
from ._shell.sliding import SlidingWindowLimiter

__all__ = [
    "AsyncLimiter",
    "BackendError",
    "CombinedLimiter",
    "CombinedReservation",
    "Decision",
    "KeyedLimiter",
    "LimiterStatistics",
    "RateLimitExceeded",
    "Reservation",
    "SlidingWindowLimiter",
]


def __getattr__(name: str) -> str:
    if name == "__version__":
        # Costs more than all the rest.
        from importlib.metadata import version  # noqa: PLC0415 -- only when asked

        return version(__name__)
    msg = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(msg)
