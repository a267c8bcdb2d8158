# Rate limiting for asyncio.
#
# `_core` is arithmetic, without a clock; `_shell` makes tasks wait for it;
# everything else (redis, local, the command line) is an edge that is not
# imported from here.

"""Rate limiting for asyncio: exact, fair, fast."""

from __future__ import annotations

import importlib
import typing

from ._core.decision import Decision, LimiterStatistics
from ._core.errors import BackendError, RateLimitExceeded
from ._shell.limiter import AsyncLimiter
from ._shell.signals import Observer, set_default_observer

if typing.TYPE_CHECKING:
    from ._shell.adaptive import AdaptiveLimiter, Attempt
    from ._shell.keyed.limiter import KeyedLimiter
    from ._shell.keyed.sliding import KeyedSlidingWindowLimiter
    from ._shell.protocols import Limiter, SharedLimiter
    from ._shell.reservation import Reservation
    from ._shell.several.combined import CombinedLimiter, CombinedReservation
    from ._shell.sliding import SlidingWindowLimiter

__all__ = [
    "AdaptiveLimiter",
    "AsyncLimiter",
    "Attempt",
    "BackendError",
    "CombinedLimiter",
    "CombinedReservation",
    "Decision",
    "KeyedLimiter",
    "KeyedSlidingWindowLimiter",
    "Limiter",
    "LimiterStatistics",
    "Observer",
    "RateLimitExceeded",
    "Reservation",
    "SharedLimiter",
    "SlidingWindowLimiter",
    "set_default_observer",
]


# Imported when they are asked for: together they cost as much as all the rest.
_LATER = {
    "AdaptiveLimiter": "adaptive",
    "Attempt": "adaptive",
    "CombinedLimiter": "several.combined",
    "CombinedReservation": "several.combined",
    "KeyedLimiter": "keyed.limiter",
    "KeyedSlidingWindowLimiter": "keyed.sliding",
    "Limiter": "protocols",
    "Reservation": "reservation",
    "SharedLimiter": "protocols",
    "SlidingWindowLimiter": "sliding",
}


def __getattr__(name: str) -> object:
    if name in _LATER:
        module = importlib.import_module(f"._shell.{_LATER[name]}", __name__)
        globals()[name] = getattr(module, name)
        return globals()[name]
    if name == "__version__":
        return importlib.import_module("importlib.metadata").version(__name__)
    msg = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(msg)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__, "__version__"})
