"""The decision over a request: which limiter, how much, and whether it waits."""

from __future__ import annotations

from contextlib import contextmanager
from math import inf
from typing import TYPE_CHECKING, Any, TypeAlias

from .._core import numbers
from .._core.decision import Decision
from .._core.errors import RateLimitExceeded
from .._shell.keyed.by_key import ByKey
from .._shell.keyed.limiter import KeyedLimiter
from .._shell.which import finder

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Generator, Hashable

    from .._shell.which import Limit, Single

    Amount: TypeAlias = float | dict[str, float]
    Answer: TypeAlias = Decision | Coroutine[Any, Any, Decision] | None
    Ask: TypeAlias = Callable[[Any], Answer]
    Cost: TypeAlias = Amount | Callable[[Any], Amount]

# How many clients are remembered where nobody has said it: some 20 MB.
MOST_KEYS = 100_000
# How many requests wait at once where nobody has said it.
MOST_WAITING = 1000
# What `retry_after` may say beyond the wait itself, in seconds, and more.
_MARGIN = 0.01


class Gate:
    """
    Asks the limit for a request, in whatever way that limit is asked.

    Args:
        limit: What is asked; see `aiolimiter.asgi.RateLimitMiddleware`.
        key: Whose limit it is.
        cost: How much a request takes, in units, or a function that says it.
        skip: A function that says what is not limited.
        max_wait: The longest wait, in seconds.
        max_waiting: How many wait at once, at most.

    Attributes:
        limit: The limit, where it was given as text the one that was made.
        ask: Decides over a request; None if it is not limited.  What need not be
            awaited is not: most requests are decided in the call.  Raises what
            ``try_acquire`` of the limit does.

    Raises:
        TypeError: *limit* can't be.
        ValueError: A number is negative or not a number, or *limit* is a text of
            another form.
    """

    __slots__ = (
        *("_cost", "_find", "_max_wait", "_max_waiting", "_skip", "_waiting"),
        *("ask", "limit"),
    )

    def __init__(  # noqa: PLR0913 -- what a decision depends on
        self,
        limit: Limit | str,
        key: Callable[[Any], Hashable],
        *,
        cost: Cost,
        max_wait: float,
        max_waiting: float,
        skip: Callable[[Any], object] | None = None,
    ) -> None:
        self.limit = _of_text(limit) if isinstance(limit, str) else limit
        self._find = finder(self.limit, key)
        self._cost = cost if callable(cost) or isinstance(cost, dict) else _paid(cost)
        self._max_wait = numbers.not_negative("max_wait", max_wait)
        self._max_waiting = numbers.not_negative("max_waiting", max_waiting)
        self._skip = skip
        self._waiting = 0
        self.ask = self._quick_way(key) or self._ask

    def _quick_way(self, key: Callable[[Any], Hashable]) -> Ask | None:
        # Half of the cost of the other, for what most servers have: a limit for each
        # client, which is not waited for, and requests that all cost the same.
        limit, cost = self.limit, self._cost
        if not isinstance(limit, ByKey) or self._skip is not None or self._max_wait:
            return None
        if callable(cost) or isinstance(cost, dict) or not cost:
            return None
        decide = limit._keys.ask  # noqa: SLF001 -- past what is made for each key

        def ask(request: Any) -> Decision | None:
            found = key(request)
            return None if found is None else decide(found, cost)

        return ask

    def _ask(self, request: Any) -> Answer:
        wanted = self.wanted(request)
        if wanted is None or not wanted[1]:
            return None
        limiter, cost = wanted
        decision = (
            limiter.try_acquire(**cost)
            if isinstance(cost, dict)
            else limiter.try_acquire(cost)
        )
        if isinstance(decision, Decision) and (decision.granted or not self._max_wait):
            return decision
        return self._patiently(limiter, cost, decision)

    def wanted(self, request: Any) -> tuple[Single, Amount] | None:
        """Return what *request* wants of which limiter; None if it is not limited."""
        if self._skip is not None and self._skip(request):
            return None
        limiter = self._find(request)
        if limiter is None:
            return None
        cost = self._cost
        return limiter, cost(request) if callable(cost) else cost

    def may_wait(self, refusal: Decision) -> bool:
        """Whether who got this *refusal* may wait for its turn."""
        return (
            refusal.retry_after <= self._max_wait + _MARGIN
            and self._waiting < self._max_waiting
        )

    @contextmanager
    def waits(self) -> Generator[float]:
        """Count one that waits, for so many seconds at most."""
        self._waiting += 1
        try:
            yield self._max_wait
        finally:
            self._waiting -= 1

    async def _patiently(
        self,
        limiter: Single,
        cost: Amount,
        answer: Decision | Coroutine[Any, Any, Decision],
    ) -> Decision:
        decision = answer if isinstance(answer, Decision) else await answer
        if decision.granted or not self.may_wait(decision):
            return decision
        try:
            with self.waits() as max_wait:
                await _acquire(limiter, cost, max_wait)
        except RateLimitExceeded as refusal:
            return refusal.decision
        # Who had to wait has left nothing.
        return Decision(granted=True, retry_after=0.0, remaining=0.0)


async def _acquire(limiter: Single, cost: Amount, max_wait: float) -> None:
    if isinstance(cost, dict):
        await limiter.acquire(max_wait=max_wait, **cost)
    else:
        await limiter.acquire(cost, max_wait=max_wait)


def _paid(cost: float) -> float:
    return numbers.amount(cost, inf)


def _of_text(text: str) -> KeyedLimiter[Hashable]:
    amount, _, seconds = text.partition("/")
    try:
        max_rate, time_period = float(amount), float(seconds)
    except ValueError:
        msg = f"limit must be 'amount/seconds', such as '100/60', got {text!r}"
        raise ValueError(msg) from None
    return KeyedLimiter(max_rate, time_period, max_keys=MOST_KEYS)
