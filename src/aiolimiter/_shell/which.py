"""Which limiter a request meets: what ``limit`` of an edge may be."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, TypeAlias

from .keyed.by_key import ByKey
from .several.combined import CombinedLimiter
from .shared.by_key import SharedByKey
from .shared.limiter import SharedLimiter
from .verbs import Limiter

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    Single: TypeAlias = Limiter | SharedLimiter | CombinedLimiter
    Find: TypeAlias = Callable[[Any], Single | None]
    Limit: TypeAlias = Single | ByKey[Any] | SharedByKey | Find


def finder(limit: Limit, key: Callable[[Any], Hashable]) -> Find:
    """
    Return what finds the limiter of a request; it finds None for "not limited".

    Args:
        limit: One limiter for all requests; a limiter for each key; or a function
            from a request to a limiter, or to None.
        key: A function from a request to its key, or to None.

    Raises:
        TypeError: *limit* is none of these.
    """
    if isinstance(limit, Limiter | SharedLimiter | CombinedLimiter):
        return lambda _: limit
    if isinstance(limit, ByKey | SharedByKey):
        return _by_key(limit, key)
    given: object = limit
    if callable(given) and not inspect.isclass(given):
        return given
    msg = (
        f"limit can't be {limit!r}: give a limiter, one with a limiter for each key, "
        "or a function from a request to a limiter or None"
    )
    raise TypeError(msg)


def _by_key(limits: ByKey[Any] | SharedByKey, key: Callable[[Any], Hashable]) -> Find:
    def find(request: Any) -> Single | None:
        found = key(request)
        return None if found is None else limits[found]

    return find
