"""
Trips to the store: one at a time, and everything that is wanted goes in the next.

Rules of this file:

- Who waits never touches the connection, so no cancellation can harm it.
- A trip has its own deadline.  Clients' own ones are long, and retried.
- After a failure there is one probe in a while, whoever asks.
"""

from __future__ import annotations

import asyncio
from math import inf
from typing import TYPE_CHECKING

from ..._core import slots
from ..._core.errors import BackendError
from ..._core.trip import Request, State
from .customer import Customer
from .rate import MICRO
from .store import Store

if TYPE_CHECKING:
    from ..._core.trip import (
        Floor,
        Levels,
        Reply,
        Settlement,
        Terms,
    )

# Seconds until the first probe after a failure; each that fails doubles it.
PROBE = 0.1
LONGEST_PROBE = 5.0

# Seconds by which a trip is early, beside the time it takes.
LEAD = 0.002


class Pump:
    """
    The trips of one process for one key.

    Args:
        store: Where they go.
        terms: What the bucket is held to.
        quantum: How far ahead they may book, in microseconds.
        timeout: How long one may take, in seconds.
        customer: For whom.
    """

    def __init__(
        self,
        store: Store,
        terms: Terms,
        *,
        quantum: int,
        timeout: float,
        customer: Customer,
    ) -> None:
        self._store = store
        self._timeout = timeout
        self._customer = customer
        self.terms = terms
        self.quantum = quantum
        # The latest state known, and when it was known.
        self.seen = slots.empty(terms)
        self.seen_at = -inf
        self._round_trip = 0.0
        self._failures = 0
        self.error: BackendError | None = None
        self.probe_at = -inf
        self.forget()

    def forget(self) -> None:
        """Start anew, in another loop."""
        self._task: asyncio.Task[None] | None = None
        # Whether what it says is settled: what comes now goes in the next one.
        self.under_way = False
        self._settlements: list[Settlement] = []
        self._floors: list[Floor] = []
        self._told: list[asyncio.Future[Reply]] = []
        self.probe_at = -inf
        self.seen_at = -inf

    @property
    def busy(self) -> bool:
        """Whether a trip is under way, or about to start."""
        return self._task is not None

    @property
    def is_asked(self) -> bool:
        """Whether somebody waits for the reply of the next trip."""
        return bool(self._told)

    @property
    def owes(self) -> bool:
        """Whether there is something to settle."""
        return bool(self._settlements)

    @property
    def lead(self) -> float:
        """Seconds by which a trip must start before its answer is needed."""
        return 2.0 * self._round_trip + LEAD

    def is_down(self, now: float) -> bool:
        """Whether the store is away, as far as is known."""
        return self.error is not None and (self.busy or now < self.probe_at)

    def levels(self, now: float) -> Levels:
        """Return what the levels are by now, if nobody else came."""
        return slots.leaked(
            self.terms, self.seen, self.seen.last + (now - self.seen_at) / MICRO
        )

    def settle(self, settlement: Settlement) -> None:
        """Tell in the next trip what something cost."""
        self._settlements.append(settlement)

    async def tell(
        self, *, settlement: Settlement | None = None, floor: Floor | None = None
    ) -> Reply:
        """
        Tell the store something in the next trip, or just ask how things are.

        Raises:
            BackendError: The store is away, or does not answer this trip.
        """
        loop = asyncio.get_running_loop()
        if self.error is not None and self.is_down(loop.time()):
            raise again(self.error)
        if settlement is not None:
            self._settlements.append(settlement)
        if floor is not None:
            self._floors.append(floor)
        turn: asyncio.Future[Reply] = loop.create_future()
        self._told.append(turn)
        self._customer.look()
        return await turn

    def start(self) -> None:
        """Start a trip; it takes all who come until it really starts."""
        assert not self.busy, "one trip at a time"
        self._task = asyncio.get_running_loop().create_task(self._trip())

    async def _trip(self) -> None:
        loop = asyncio.get_running_loop()
        task = asyncio.current_task()
        request, told = self._request()
        started = loop.time()
        try:
            async with asyncio.timeout(self._timeout):
                reply = await self._store.trip(request)
        except Exception as error:  # noqa: BLE001 -- whatever the client raises
            if self._task is task:
                self._failed(error, told)
        except asyncio.CancelledError:
            if self._task is task:
                self._cancelled(told)
            raise
        else:
            if self._task is task:
                self._answered(request, reply, told, loop.time() - started)

    def _request(self) -> tuple[Request, list[asyncio.Future[Reply]]]:
        customer = self._customer
        request = Request(
            self.terms,
            self.seen,
            customer.refund(),
            tuple(self._settlements),
            tuple(self._floors),
            customer.groups(),
            self.quantum,
        )
        told = self._told
        self._told, self._settlements, self._floors = [], [], []
        self.under_way = True
        return request, told

    def _answered(
        self,
        request: Request,
        reply: Reply,
        told: list[asyncio.Future[Reply]],
        took: float,
    ) -> None:
        self._end()
        self._failures = 0
        self.error = None
        self.probe_at = -inf
        weight = 0.2 if self._round_trip else 1.0
        self._round_trip += weight * (took - self._round_trip)
        self.seen = State(reply.after, reply.now)
        self.seen_at = asyncio.get_running_loop().time()
        for turn in told:
            if not turn.done():
                turn.set_result(reply)
        self._customer.answered(request, reply)

    def _failed(self, cause: Exception, told: list[asyncio.Future[Reply]]) -> None:
        self._end()
        error = cause if isinstance(cause, BackendError) else self._broken(cause)
        for turn in told:
            if not turn.done():
                turn.set_exception(again(error))
        self._customer.failed(error)

    def _broken(self, cause: Exception) -> BackendError:
        backoff = min(LONGEST_PROBE, PROBE * 2.0 ** min(self._failures, 10))
        self._failures += 1
        self.probe_at = asyncio.get_running_loop().time() + backoff
        what = "failed"
        if isinstance(cause, TimeoutError):
            what = f"did not answer within {self._timeout:g} s"
        reason = _reason(cause)
        # Not its repr: redis-py's says nothing of what happened.
        why = f": {type(reason).__name__}: {reason}" if reason is not None else ""
        msg = f"the shared store {what}{why}; it is asked again from time to time"
        self.error = BackendError(msg)
        self.error.__cause__ = cause
        return self.error

    def _end(self) -> None:
        self._task = None
        self.under_way = False

    def _cancelled(self, told: list[asyncio.Future[Reply]]) -> None:
        # Only somebody who ends the loop cancels a task that is not theirs.
        self._end()
        for turn in told:
            turn.cancel()
        asyncio.get_running_loop().call_soon(self._customer.look)


def _reason(cause: BaseException | None) -> BaseException | None:
    # A client that tries again and again is stopped by the deadline in between, and
    # what it failed with stands behind that.
    while isinstance(cause, TimeoutError | asyncio.CancelledError):
        cause = cause.__cause__ or cause.__context__
    return cause


def again(error: BackendError) -> BackendError:
    """Return *error* for one more task: each adds its own traceback to its own."""
    copy = BackendError(*error.args)
    copy.__cause__ = error.__cause__
    return copy
