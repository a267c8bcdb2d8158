"""
Trips to the store: one at a time, and everything that is wanted goes in the next.

Rules of this file:

- Who waits never touches the connection, so no cancellation can harm it.
- A trip has its own deadline.  Clients' own ones are long, and retried.
- After a failure there is one probe in a while, whoever asks.
- Whatever ends a trip, also before its first step and also a fault of ours: its
  callers hear of it, and the next one can start.
- A trip runs in a context of its own, and through nobody's task factory.
"""

from __future__ import annotations

import asyncio
from functools import partial
from math import inf
from typing import TYPE_CHECKING
from weakref import ref

from ..._core.errors import BackendError
from ..._core.shared import slots
from ..._core.shared.trip import Request, State
from . import errand
from .customer import Customer
from .horizon import Horizon
from .rate import MICRO
from .settlements import Settlements
from .store import Overdue, Store

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..._core.shared.trip import (
        Change,
        Floor,
        Levels,
        Reply,
        Settlement,
        Terms,
    )

# Seconds until the first probe after a failure; each that fails doubles it.
PROBE = 0.1
LONGEST_PROBE = 5.0


class Pump:
    """
    The trips of one process for one key.

    Args:
        store: Where they go.
        terms: What the bucket is held to.
        quantum: How far ahead they book at least, in microseconds.
        timeout: How long one may take, in seconds; ``None`` if the store has
            deadlines of its own.
        customer: For whom.
    """

    def __init__(
        self,
        store: Store,
        terms: Terms,
        *,
        quantum: int,
        timeout: float | None,
        customer: Customer,
    ) -> None:
        self._store = store
        self._timeout = timeout
        # Not held, or a line that nobody uses any more would wait for the garbage
        # collector.  Whoever waits for a trip holds it, and so does the trip.
        self._known_customer = ref(customer)
        self._terms = terms
        # What is in force, as far as is known: a process may have changed it.
        self.terms = terms
        self.horizon = Horizon(quantum)
        # The latest state known, when it was known, and when it was last asked for.
        self.seen = slots.empty(terms)
        self.seen_at = -inf
        self._failures = 0
        self.error: BackendError | None = None
        self.probe_at = -inf
        # Called after each trip: what it took, in seconds, and why it failed.
        self.over: Callable[[float, BackendError | None], None] = _tells_nobody
        self.forget()

    def forget(self) -> None:
        """Start anew, in another loop."""
        self._task: errand.Task | None = None
        # Whether what it says is settled: what comes now goes in the next one.
        self.under_way = False
        self._settlements = Settlements()
        self._floors: list[Floor] = []
        self._reset = False
        self._change: Change | None = None
        self._told: list[asyncio.Future[Reply]] = []
        # Those who hear of the trip that is under way.
        self._hearing: list[asyncio.Future[Reply]] = []
        self.probe_at = -inf
        self.seen_at = self.looked_at = -inf

    @property
    def _customer(self) -> Customer:
        customer = self._known_customer()
        assert customer is not None, "whoever waits for a trip holds it"
        return customer

    @property
    def busy(self) -> bool:
        """Whether a trip is under way, or about to start."""
        return self._task is not None

    @property
    def is_asked(self) -> bool:
        """Whether somebody waits for the reply of the next trip."""
        # One that was cancelled stays until then.
        return bool(self._told) and any(not turn.done() for turn in self._told)

    @property
    def owes(self) -> bool:
        """Whether there is something to settle."""
        return bool(self._settlements)

    def is_down(self, now: float) -> bool:
        """Whether the store is away, as far as is known."""
        return self.error is not None and (self.busy or now < self.probe_at)

    def levels(self, now: float) -> Levels:
        """Return what the levels are by now, if nobody else came."""
        return slots.leaked(
            self.terms, self.seen, self.seen.last + (now - self.seen_at) / MICRO
        )

    def hear(self, reply: Reply) -> None:
        """Know what the store has said."""
        self.seen = State(reply.after, reply.now, force=reply.force)
        self.terms = reply.force.terms if reply.force else self._terms

    def settle(self, settlement: Settlement) -> None:
        """Tell in the next trip what something cost."""
        self._settlements.add(settlement)

    async def tell(
        self,
        *,
        settlement: Settlement | None = None,
        floor: Floor | None = None,
        reset: bool = False,
        change: Change | None = None,
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
            self._settlements.add(settlement)
        if floor is not None:
            self._floors.append(floor)
        self._reset = self._reset or reset
        self._change = change or self._change
        turn: asyncio.Future[Reply] = loop.create_future()
        self._told.append(turn)
        self._customer.look()
        return await turn

    def start(self) -> None:
        """Start a trip; it takes all who come until it really starts."""
        assert not self.busy, "one trip at a time"
        customer = self._customer
        ended = partial(self._ended, customer)
        self._task = errand.send(self._trip(customer, ended), ended)

    async def _trip(
        self, customer: Customer, ended: Callable[[errand.Task], None]
    ) -> None:
        loop = asyncio.get_running_loop()
        task = asyncio.current_task()
        assert task is not None, "an errand is a task"
        started = loop.time()
        try:
            request = self._request(customer)
            if self._timeout is None:
                reply = await self._store.trip(request)
            else:
                reply = await self._in_time(request, self._timeout)
            if self._task is task:
                self._answered(customer, request, reply, loop.time() - started)
        except Exception as error:  # noqa: BLE001 -- whatever the client raises
            if self._task is task:
                self._failed(error, loop.time() - started)
        # Which costs each trip a step of the event loop.
        task.remove_done_callback(ended)
        if self._task is task:
            self._end()
            customer.look()

    async def _in_time(self, request: Request, seconds: float) -> Reply:
        try:
            async with asyncio.timeout(seconds):
                return await self._store.trip(request)
        except TimeoutError as error:
            raise Overdue(seconds) from error

    def _request(self, customer: Customer) -> Request:
        self.under_way = True
        told, self._told = self._told, []
        floors, self._floors = tuple(self._floors), []
        reset, self._reset = self._reset, False
        change, self._change = self._change, None
        self._hearing = told
        return Request(
            self._terms,
            self.seen,
            customer.refund(),
            self._settlements.take(),
            reset,
            floors,
            customer.groups(),
            self.horizon.quantum,
            change,
        )

    def _answered(
        self, customer: Customer, request: Request, reply: Reply, took: float
    ) -> None:
        self._failures = 0
        self.error = None
        self.probe_at = -inf
        self.horizon.measure(took)
        self.hear(reply)
        self.seen_at = self.looked_at = asyncio.get_running_loop().time()
        customer.answered(request, reply)
        self.over(took, None)
        for turn in self._hearing:
            if not turn.done():
                turn.set_result(reply)

    def _failed(self, cause: Exception, took: float) -> None:
        if isinstance(cause, BackendError):
            # The store is there; what it keeps is not a limiter's.
            self.error, error = None, cause
            self.looked_at = asyncio.get_running_loop().time()
        else:
            error = self._broken(cause)
        self._tell(error)
        self._customer.failed(error)
        self.over(took, error)

    def _tell(self, error: BackendError) -> None:
        for turn in self._hearing:
            if not turn.done():
                turn.set_exception(again(error))

    def _broken(self, cause: Exception) -> BackendError:
        backoff = min(LONGEST_PROBE, PROBE * 2.0 ** min(self._failures, 10))
        self._failures += 1
        self.horizon.renew()
        self.probe_at = asyncio.get_running_loop().time() + backoff
        what = str(cause) if isinstance(cause, Overdue) else "failed"
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
        self._hearing = []

    def _ended(self, customer: Customer, task: errand.Task) -> None:
        if self._task is not task:
            return
        # Cancelled, maybe before its first step, by somebody who ends the loop or
        # cancels whatever they find.
        self._tell(BackendError("the trip to the shared store was cancelled"))
        self._end()
        customer.look()


def _tells_nobody(took: float, error: BackendError | None) -> None:
    pass


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
