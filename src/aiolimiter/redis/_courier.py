"""
Trips of many limiters to one server: those of one tick go together.

Rules of this file:

- All limiters of a client share a few *lanes*: on each there is one pipeline at a
  time, so no more connections than lanes are in use, whatever the number of keys.
- The deadline of a call counts from when its pipeline leaves.  A server that
  answers nobody by then is away, for those who wait for a lane too.
- While it is away, one pipeline finds out whether it is back; meanwhile all others
  fail at once, so that each new key does not wait as long as the first.
- To make a connection is not a trip, but several; and far away all take longer.
- Whatever ends a pipeline, each of its calls is answered, and the next can leave.
- A caller that nobody cancels carries those of its tick along: a task that did it for
  them would cost each trip two steps of the event loop.  One that may be cancelled
  calls with a word for what is lost, and carries nobody.
- Who called alone the last time waits for no others: that would cost the trips of a
  lone limit a step each.
"""

from __future__ import annotations

import asyncio
from collections import deque
from contextvars import Context
from math import inf
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary, WeakValueDictionary

from .._shell.shared import errand
from .._shell.shared.store import Overdue
from ._client import Answer, Call, Client, answers

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

# How many pipelines are under way at once.  A second one spares a call that has
# just missed the first a round trip; more gain little.
LANES = 4

# How many calls a pipeline has.  The client reads the answers in one step of the
# event loop: a few milliseconds.
MOST = 100

# How many trips it may take to make a connection and to use it; redis-py's takes six
# beside that of TCP.
HANDSHAKE = 10.0

# How many it takes at least; and by what the deadline is longer when a connection is
# not known to be there, or is far away.
PATIENCE = 5.0

# For how long nobody asks a server that did not answer, in seconds: less than a
# limiter waits before it asks again.
REST = 0.05


class Courier:
    """
    Brings the calls of one client to the server, in one event loop.

    Args:
        client: Whose connections are used.
        timeout: How long a pipeline may take, in seconds.  One that may have to
            connect first may take as long as ten others, but at most five times
            the *timeout*.
    """

    def __init__(self, client: Client, timeout: float) -> None:
        self._client = client
        self._timeout = timeout
        self._waiting: deque[Call] = deque()
        self._under_way: dict[asyncio.Task[None], Sequence[Call]] = {}
        self._is_leaving = False
        # Whose call was the only one of the latest pipeline.
        self._alone: str | None = None
        self._answers = 0
        self._is_connected = False
        self._round_trip = 0.0
        # Why the server is away, if it is.
        self._error: Exception | None = None
        self._rests_until = -inf

    async def call(
        self, key: str, argument: str, lost: Callable[[Answer], None] | None = None
    ) -> bytes | str:
        """
        Run the script on *key*, and return what it says.

        Args:
            key: Where the bucket is.
            argument: What the script is told.
            lost: Called with what it says if the caller is cancelled meanwhile; None
                if nobody cancels it.

        Raises:
            Overdue: The server does not answer in time.
            Exception: Whatever the client raises.
        """
        loop = asyncio.get_running_loop()
        if self._error is not None and self._is_away(loop.time()):
            raise self._error.with_traceback(None)
        call = Call(key, argument, loop.create_future(), lost)
        self._waiting.append(call)
        if not self._is_leaving:
            self._is_leaving = True
            # Whoever else starts in this tick has called by then.
            if lost is not None:
                loop.call_soon(self._leave, context=Context())
            else:
                if key != self._alone:
                    await self._tick()
                if calls := self._board():
                    await self._carry(calls)
        answer = await call.turn
        if isinstance(answer, Exception):
            # Many may raise it, and each would add to its traceback.
            raise answer.with_traceback(None)
        return answer

    async def _tick(self) -> None:
        try:
            await asyncio.sleep(0)
        except asyncio.CancelledError:
            self._leave()
            raise

    def _board(self) -> Sequence[Call]:
        """Return whom this task carries: nobody if they need more than it can."""
        if not self._waiting or len(self._waiting) > MOST or not self._has_lane():
            self._leave()
            return ()
        self._is_leaving = False
        calls = self._under_way[_this_task()] = self._boarded()
        return calls

    def _leave(self) -> None:
        self._is_leaving = False
        while self._waiting and self._has_lane():
            calls = self._boarded()
            task = errand.send(self._carry(calls), self._arrived)
            self._under_way[task] = calls

    def _has_lane(self) -> bool:
        return len(self._under_way) < LANES

    def _boarded(self) -> list[Call]:
        waiting = self._waiting
        calls = [waiting.popleft() for _ in range(min(MOST, len(waiting)))]
        self._alone = calls[0].key if len(calls) == 1 else None
        return calls

    async def _carry(self, calls: Sequence[Call]) -> None:
        task = _this_task()
        loop = task.get_loop()
        left_at, answers_before = loop.time(), self._answers
        found: Sequence[Answer] = ()
        seconds = self._deadline()
        deadline = asyncio.timeout(seconds)
        try:
            async with deadline:
                found = await answers(self._client, calls)
        except Exception as error:  # noqa: BLE001 -- whatever the client raises
            if deadline.expired():
                error = _overdue(seconds, error)
            if self._answers == answers_before:
                self._failed(error, left_at, loop.time())
                calls = [*calls, *self._waiting]
                self._waiting.clear()
            found = [error] * len(calls)
        else:
            self._answered(left_at, loop.time())
        finally:
            # One that is torn down with its loop has nobody to tell.
            if not loop.is_closed():
                _tell(calls, found)
                self._arrived(task)

    def _deadline(self) -> float:
        longest = PATIENCE * self._timeout
        if not self._is_connected:
            return longest
        return min(longest, max(self._timeout, HANDSHAKE * self._round_trip))

    def _answered(self, left_at: float, now: float) -> None:
        took = now - left_at
        if not self._is_connected:
            # It has made the connection too.
            took /= PATIENCE
        longer = took - self._round_trip
        self._round_trip += longer if longer > 0.0 else 0.2 * longer
        self._is_connected = True
        self._answers += 1
        self._error = None

    def _failed(self, error: Exception, left_at: float, now: float) -> None:
        self._is_connected = False
        # What fails soon may be one connection, and costs others little to find out.
        if now - left_at >= self._timeout:
            self._error = error
            self._rests_until = now + REST

    def _is_away(self, now: float) -> bool:
        return bool(self._under_way) or self._is_leaving or now < self._rests_until

    def _arrived(self, task: asyncio.Task[None]) -> None:
        # Once by itself, and once if it was sent, which may have ended before it began.
        for call in self._under_way.pop(task, ()):
            # Only when somebody who ends the loop cancelled it.
            call.turn.cancel()
        self._leave()


class Couriers:
    """The couriers of one client, one for each event loop that uses it."""

    __slots__ = ("__weakref__", "_client", "_courier_of", "_timeout")

    def __init__(self, client: Client, timeout: float) -> None:
        self._client = client
        self._timeout = timeout
        self._courier_of: WeakKeyDictionary[asyncio.AbstractEventLoop, Courier] = (
            WeakKeyDictionary()
        )

    def here(self) -> Courier:
        """Return the courier of the running loop."""
        loop = asyncio.get_running_loop()
        courier = self._courier_of.get(loop)
        if courier is None:
            courier = self._courier_of[loop] = Courier(self._client, self._timeout)
        return courier


# By the client's id: it need not be hashable, and lives as long as its couriers.
_known: WeakValueDictionary[tuple[int, float], Couriers] = WeakValueDictionary()


def couriers(client: Client, timeout: float) -> Couriers:
    """Return the couriers of *client*, for calls that may take *timeout* seconds."""
    found = _known.get((id(client), timeout))
    if found is None:
        found = _known[id(client), timeout] = Couriers(client, timeout)
    return found


def _this_task() -> asyncio.Task[None]:
    task = asyncio.current_task()
    assert task is not None, "a trip is a task"
    return task


def _tell(calls: Sequence[Call], found: Sequence[Answer]) -> None:
    # Nothing was found for anybody where somebody who ends the loop cancelled it.
    for call, answer in zip(calls, found, strict=False):
        if not call.turn.done():
            call.turn.set_result(answer)
        elif call.lost is not None:
            # In a step of its own: whatever it raises is not the others' fault.
            loop = call.turn.get_loop()
            loop.call_soon(call.lost, answer, context=Context())


def _overdue(seconds: float, cause: Exception) -> Overdue:
    error = Overdue(seconds)
    error.__cause__ = cause
    return error
