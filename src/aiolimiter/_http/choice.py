"""Which limiter a request has to pass, and what of the server's word it hears."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import isfinite
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, TypeVar

from .._shell.protocols import Limiter, SharedLimiter
from .._shell.several.combined import CombinedLimiter

if TYPE_CHECKING:
    from .._core.headers.advice import Advice

R = TypeVar("R")
# What is paused and restricted.
Single: TypeAlias = Limiter | SharedLimiter
# What is waited for.
Whole: TypeAlias = Limiter | SharedLimiter | CombinedLimiter


class Keyed(Protocol):
    """A limiter for each key, whichever."""

    def __getitem__(self, key: Any, /) -> Single:
        """Return the limiter of *key*."""
        ...


Limit: TypeAlias = Whole | Keyed | Callable[[R], Whole | None]
Key: TypeAlias = Callable[[R], object]
Cost: TypeAlias = (
    float | Mapping[str, float] | Callable[[R], float | Mapping[str, float]]
)
Tell: TypeAlias = str | Callable[[R, "Advice"], Single | None] | None

# A member with such a name hears what is left of that; "_" is "-" there.
UNITS = frozenset(
    ["requests", "tokens", "input-tokens", "output-tokens", "project-tokens"]
)

_POSSIBLE = (
    "a limiter, a limiter for each key (with key=), a CombinedLimiter (with tell=) "
    "or a function from the request to a limiter or None"
)
_NO_TELL = (
    "of a CombinedLimiter the server's word concerns one member: say which, as in "
    'tell="requests", or with a function from request and advice to a limiter'
)


def finder(limit: Limit[R], key: Key[R], tell: Tell[R]) -> Callable[[R], Any]:
    """
    Return what finds the limiter of a request, or None if it has none.

    Raises:
        TypeError: *limit* is nothing of the kind, or a `CombinedLimiter` and
            nobody says which of its members the server speaks of.
        ValueError: *tell* is no member's name.
    """
    if isinstance(limit, CombinedLimiter):
        told(limit, tell)
        return lambda _: limit
    if _is_single(limit):
        return lambda _: limit
    if _is_keyed(limit):
        return _of_key(limit, key)
    if callable(limit):
        return _of_function(limit, tell)
    msg = f"limit must be {_POSSIBLE}, got {limit!r}"
    raise TypeError(msg)


def is_one(limit: object) -> bool:
    """Whether all requests have the same limiter."""
    return isinstance(limit, CombinedLimiter) or _is_single(limit)


def told(combined: CombinedLimiter, tell: Tell[Any]) -> Single | None:
    """Return the member of *combined* that hears of pauses, if *tell* names it."""
    if tell is None:
        raise TypeError(_NO_TELL)
    if not isinstance(tell, str):
        return None
    members = dict(combined._members())  # noqa: SLF001 -- asked for by name
    if tell not in members:
        names = ", ".join(name for name in members if name) or "none with a name"
        msg = f"tell={tell!r} is no member of the CombinedLimiter: there is {names}"
        raise ValueError(msg)
    return members[tell]


def amount_of(cost: float | Mapping[str, float], name: str | None) -> float:
    """Return what the member *name* has to give for *cost*."""
    if isinstance(cost, Mapping):
        return cost.get(name or "", 1.0)
    return cost


def unit_of(name: str | None) -> str:
    """Return the unit that the member *name* counts, or nothing if it says none."""
    unit = (name or "").replace("_", "-")
    return unit if unit in UNITS else ""


def scale(cost: Cost[Any]) -> float:
    """Return how much the limiter counts for a request; 0 if that differs."""
    if callable(cost) or isinstance(cost, Mapping) or not isfinite(cost):
        return 0.0
    return float(cost) or 1.0


def _is_single(limit: object) -> bool:
    # By its verbs, which have the same names in both families.
    return isinstance(limit, Limiter)


def _is_keyed(limit: object) -> bool:
    # A dict of limiters would be one that knows no new key.
    return hasattr(limit, "__getitem__") and not isinstance(
        limit, (Mapping, Sequence, type)
    )


def _of_key(limits: Any, key: Key[R]) -> Callable[[R], Any]:
    def find(request: R) -> Any:
        name = key(request)
        return None if name is None else limits[name]

    return find


def _of_function(function: Callable[[R], Any], tell: Tell[R]) -> Callable[[R], Any]:
    kinds: set[type] = {type(None)}

    def find(request: R) -> Any:
        limiter = function(request)
        if limiter.__class__ not in kinds:
            if isinstance(limiter, CombinedLimiter):
                if tell is None:
                    raise TypeError(_NO_TELL)
            elif not _is_single(limiter):
                msg = f"limit must return a limiter or None, got {limiter!r}"
                raise TypeError(msg)
            kinds.add(limiter.__class__)
        return limiter

    return find
