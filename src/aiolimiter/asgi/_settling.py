"""Requests whose cost is known when they are answered: an estimate, then the truth."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, TypeAlias, final

from .._core import numbers
from .._core.decision import Decision
from .._core.errors import RateLimitExceeded
from .._shell.shared.limiter import SharedLimiter

if TYPE_CHECKING:
    from .._shell.reservation import Reservation
    from .._shell.several.combined import CombinedReservation
    from .._shell.shared.reservation import SharedReservation
    from .._shell.which import Single
    from ._gate import Amount, Gate
    from ._protocol import App, Receive, Scope, Send

    Reserved: TypeAlias = Reservation | CombinedReservation | SharedReservation
    Settles: TypeAlias = "Reserved | _Nothing"

# Where the application finds what it settles.
SETTLED = "aiolimiter"


@final
class Settling:
    """
    Asks the limit, and lets the application settle until it returns.

    Args:
        gate: What is asked.
        app: The application, with which it is to be called.
    """

    __slots__ = ("_app", "_gate")

    def __init__(self, gate: Gate, app: App) -> None:
        self._gate = gate
        self._app = app

    async def ask(self, scope: Scope) -> Decision | None:
        """
        Decide over a request, and leave in its *scope* what settles it.

        Raises:
            BackendError: The shared store is away.
            ValueError: As `aiolimiter.AsyncLimiter.reserve`.
        """
        # Also where nothing is limited: so the application need not know.
        scope[SETTLED] = NOTHING
        decision, scope[SETTLED] = await reserved(self._gate, scope)
        return decision

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Call the application; afterwards nothing can be settled any more."""
        # Another middleware, further in, may leave there what settles its limit.
        reservation = scope[SETTLED]
        try:
            await self._app(scope, receive, send)
        finally:
            await reservation.__aexit__(None, None, None)


async def reserved(gate: Gate, request: Any) -> tuple[Decision | None, Settles]:
    """
    Ask *gate* for a request that is settled later.

    Returns:
        The decision, None where nothing is limited, and what settles it.  Whoever
        asked leaves that with ``__aexit__`` in the end.

    Raises:
        BackendError: The shared store is away.
        ValueError: As `aiolimiter.AsyncLimiter.reserve`.
    """
    wanted = gate.wanted(request)
    if wanted is None:
        return None, NOTHING
    try:
        reservation = await _reserve(gate, *wanted)
    except RateLimitExceeded as refusal:
        return refusal.decision, NOTHING
    left = _left(wanted[0])
    return Decision(granted=True, retry_after=0.0, remaining=left), reservation


async def _reserve(gate: Gate, limiter: Single, cost: Amount) -> Reserved:
    try:
        return await _entered(limiter, cost, 0.0)
    except RateLimitExceeded as refusal:
        if not gate.may_wait(refusal.decision):
            raise
    with gate.waits() as max_wait:
        return await _entered(limiter, cost, max_wait)


async def _entered(limiter: Single, cost: Amount, max_wait: float) -> Reserved:
    if isinstance(cost, dict):
        return await limiter.reserve(max_wait=max_wait, **cost).__aenter__()
    return await limiter.reserve(cost, max_wait=max_wait).__aenter__()


def _left(limiter: Single) -> float:
    if isinstance(limiter, SharedLimiter):
        # To ask for its statistics would be another trip.
        return limiter._room()  # noqa: SLF001 -- as `try_acquire` tells it
    return limiter.statistics().available


@final
class _Nothing:
    """What settles a request that took nothing; it may be awaited, or not."""

    def settle(self, actual: float = 0.0, **actuals: float) -> _Nothing:
        for each in (actual, *actuals.values()):
            numbers.finite("actual", each)
        return self

    def __await__(self) -> Iterator[Any]:
        return iter(())

    async def __aexit__(self, *_error: object) -> None:
        pass


NOTHING = _Nothing()
