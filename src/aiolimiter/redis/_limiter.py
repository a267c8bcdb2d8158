"""`RedisLimiter`: a leaky bucket on a server."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, NoReturn, final

from .._core import numbers
from .._core.decision import Decision
from .._core.shared import slots
from .._core.shared.trip import Booking, Group, Request, State
from .._shell import clock, signals
from .._shell.shared.limiter import OnError, SharedLimiter
from .._shell.shared.outlook import retry_after
from .._shell.shared.rate import MICRO, Pairs, rates
from ._client import Client
from ._place import place
from ._store import RedisStore

if TYPE_CHECKING:
    from .._core.shared.trip import Reply

# How far ahead a process may book, in microseconds.
QUANTUM = 50_000


@final
class RedisLimiter(SharedLimiter):
    """
    A leaky bucket that all processes share which use the same *name*.

    ::

        limiter = RedisLimiter(redis.asyncio.Redis(), "github", 5000, 3600)

        async with limiter:
            ...  # entered at most 5000 times in an hour, on average, by all

    It is `aiolimiter.AsyncLimiter` for a fleet: the same verbs, where those that
    need the server are awaited.  The clock is the server's.  Several rates for
    the same calls are a list of pairs, all or nothing::

        RedisLimiter(client, "chat", [(10, 1), (100, 60)])  # 10 a second, 100 a minute

    Args:
        client: The user's own, bound to the loop as it says itself; never
            closed here.
        name: The key is ``aiolimiter:name``; no other name has it.
        max_rate: How much is admitted in *time_period*, in units;
            ``math.inf`` for no limit; or a list of ``(max_rate, time_period)``.
        time_period: In seconds; unused when *max_rate* is a list.
        burst: How much the bucket holds, in units; *max_rate* by default.
        timeout: How long one trip to the server may take, in seconds; where a
            connection has to be made first, or is far away, up to five times
            as long.
        on_error: What becomes of requests while the server is away:
            ``"raise"`` a `aiolimiter.BackendError`, ``"wait"`` until it is
            back, ``"local"``: admit *share* of the rate in this process, or
            ``"open"``: admit all.
        share: What part of the rate this process may use under ``"local"``.

    Raises:
        TypeError: *client* is an address or nothing, *name* is not a string, or a
            number is not one.
        ValueError: A number is not above 0 or not finite, *share* is above 1,
            or *on_error* is none of the four.
    """

    def __init__(  # noqa: PLR0913 -- the contract's
        self,
        client: Client,
        name: str,
        max_rate: float | Pairs,
        time_period: float = 60,
        *,
        burst: float | None = None,
        timeout: float = 1.0,
        on_error: OnError = "raise",
        share: float = 1.0,
    ) -> None:
        if not isinstance(name, str):
            msg = f"name must be a string, got {name!r}; max_rate comes after it"
            raise TypeError(msg)
        self._name = name
        self._is_of_key = False
        # Whether somebody is asking without a line.
        self._is_asked = False
        self._store = RedisStore(client, place(name), timeout)
        super().__init__(
            self._store,
            rates(max_rate, time_period, burst),
            quantum=QUANTUM,
            timeout=None,
            on_error=on_error,
            share=share,
        )

    def _of_key(  # pyright: ignore[reportUnusedFunction] -- many keys do
        self, key: str, where: str
    ) -> RedisLimiter:
        """Return one like this for a key, *where* it is; this was never used."""
        limiter = RedisLimiter.__new__(RedisLimiter)
        store = self._store.at(where)
        limiter.__dict__.update(self.__dict__)
        limiter._is_of_key = True  # noqa: SLF001 -- its own
        limiter._drawn = limiter._beside = None  # noqa: SLF001 -- its own
        limiter._name = f"{self._name}:{key}"  # noqa: SLF001 -- its own
        limiter._store = limiter._keeper = store  # noqa: SLF001 -- its own
        return limiter

    async def _ask_without_line(self, amount: float) -> Decision | None:
        # Two at once go together, in the line; and an observer is told of trips.
        if not self._is_of_key or self._is_asked or signals.heard:
            return None
        terms = self._terms
        if not terms.rates:
            return None
        time = asyncio.get_running_loop().time
        began, seen = time(), self._seen or slots.empty(terms)
        request = Request(terms, seen, groups=(Group(1, amount, 0.0),))
        self._is_asked = True
        try:
            reply = await self._store.ask(request, partial(self._lost, amount))
        except Exception:  # noqa: BLE001 -- the line finds out what, and what follows
            return None
        finally:
            self._is_asked = False
        self._signals.backend(self, time() - began, None)
        return self._decision(amount, reply, time())

    def _decision(self, amount: float, reply: Reply, now: float) -> Decision:
        granted, terms = reply.served[0].number == 1, self._terms
        if reply.force is None:
            self._seen = State(reply.after, reply.now)
        else:
            terms = reply.force.terms
            # Somebody changed the rates, which a line knows how to follow.
            self._hear(reply)
            if not granted:
                # It may be more than is ever admitted now.
                numbers.amount(amount, self._burst)
        left = slots.room(terms, reply.after)
        if granted:
            return Decision(True, 0.0, left)  # noqa: FBT003 -- a field
        wait = slots.due(terms, reply.after, amount) * MICRO
        grain = clock.grain(asyncio.get_running_loop())
        return Decision(False, retry_after(wait, now, grain), left)  # noqa: FBT003 -- a field

    def _hear(self, reply: Reply) -> None:
        # One that was made meanwhile has trips of its own, and hears later words.
        if self._drawn is None and self._line is not None:
            self._line.hear(reply)

    def _lost(self, amount: float, reply: Reply) -> None:
        """Give back what a caller got who was cancelled."""
        if reply.served[0].number == 1 and self._line is not None:
            self._line.give_back(amount, Booking(reply.now, reply.now))

    @property
    def name(self) -> str:
        """What the processes that share it call it."""
        return self._name

    def __reduce__(self) -> NoReturn:
        msg = "can't copy or pickle a RedisLimiter: make one where its client is"
        raise TypeError(msg)

    def __repr__(self) -> str:
        return f"<RedisLimiter {self._name!r}: {self._limits()}>"
