"""The middleware: a limit in front of an ASGI application."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, final

from .._core.decision import Decision
from .._core.errors import BackendError
from .._core.headers.writing import whole_seconds
from ._address import client_address
from ._fields import Fields, adding, retry_after
from ._gate import MOST_WAITING, Gate
from ._protocol import App, Field, Receive, Scope, Send
from ._refusal import Refusal, quota_exceeded, unavailable
from ._settling import Settling

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Hashable, Iterable

    from .._shell.which import Limit
    from ._gate import Cost

    _Skip: TypeAlias = str | Iterable[str] | Callable[[Scope], object]
    _Answer: TypeAlias = Decision | Coroutine[Any, Any, Decision | None] | None
    _Ask: TypeAlias = Callable[[Scope], _Answer]
    _Refuse: TypeAlias = Callable[[Scope, Decision], App | None]

# Where whoever else limits this request leaves fields for its response.
FOUND = "aiolimiter.fields"

_LIMITED = frozenset({"http", "websocket"})
_UNAVAILABLE = Refusal(503, [retry_after(1)], unavailable())

_log = logging.getLogger("aiolimiter.asgi")


@final
class RateLimitMiddleware:
    """
    Limits what an ASGI application is asked, and says so in each response.

    ::

        from aiolimiter.asgi import RateLimitMiddleware

        app = RateLimitMiddleware(app, KeyedLimiter(100, 60, max_keys=100_000))

    Each client has 100 requests a minute here; ``"100/60"`` says the same.  Who is
    over the limit gets a 429 with a ``Retry-After`` that holds; everybody else
    learns from ``RateLimit-Policy`` and ``RateLimit`` what is left.  Websockets
    count, too: one handshake is one request.

    Args:
        app: The application.
        limit: A limiter; or one with a limiter for each key; or a function from
            the ASGI scope to a limiter, or to None for "not limited"; or
            ``"amount/seconds"`` for each of 100,000 keys.  None limits nothing,
            and adds the fields that `aiolimiter.fastapi.RateLimit` leaves.
        key: Whose limit it is: a function from the scope to something hashable,
            or to None for "not limited".
        cost: How much a request takes, in units: a number, a function from the
            scope to one; for a `aiolimiter.CombinedLimiter` also a dict of
            amounts by name.  0 passes without being asked, unless it is settled:
            then it waits for debts to be over.
        settle: Whether the application says what a request has cost, with
            ``scope["aiolimiter"].settle(n)``, awaited for a limiter that is shared;
            *cost* is the estimate then.  Once, and before it returns.  Where
            nothing was taken it changes nothing.
        skip: What is not limited: exact paths, or a function of the scope.
        max_wait: How long a request may wait for its turn, in seconds, before it
            is refused.
        max_waiting: How many may do so at once; others are refused.
        name: What the limit is called in the fields, in printable ASCII.
        fields: Whether responses have the two fields.
        refuse: A function from the scope and the decision to another ASGI
            application that answers instead, or to None.
        on_outage: What becomes of requests while a shared limiter's store is
            away and the limiter says so: a 503, or ``"open"``: they pass.

    Raises:
        TypeError: *limit* is none of these.
        ValueError: *name* is not printable ASCII, a number is negative or not a
            number, or *on_outage* is something else.
    """

    __slots__ = (
        *("_app", "_ask", "_away", "_fields", "_gate", "_open", "_problem"),
        *("_refuse", "app"),
    )

    def __init__(  # noqa: PLR0913 -- the contract's
        self,
        app: App,
        limit: Limit | str | None = None,
        *,
        key: Callable[[Scope], Hashable] = client_address,
        cost: Cost = 1,
        settle: bool = False,
        skip: _Skip = (),
        max_wait: float = 0.0,
        max_waiting: float = MOST_WAITING,
        name: str = "default",
        fields: bool = True,
        refuse: _Refuse | None = None,
        on_outage: Literal["open"] | None = None,
    ) -> None:
        if on_outage not in {None, "open"}:
            msg = f"on_outage must be None or 'open', got {on_outage!r}"
            raise ValueError(msg)
        gate = Gate(
            _unlimited if limit is None else limit,
            key,
            cost=cost,
            max_wait=max_wait,
            max_waiting=max_waiting,
            skip=skip if callable(skip) else _paths(skip),
        )
        self.app = self._app = app
        self._gate = gate
        self._ask: _Ask = gate.ask
        if settle:
            settling = Settling(gate, app)
            self._app, self._ask = settling, settling.ask
        self._fields = Fields(name, gate.limit) if fields else None
        self._problem = quota_exceeded(name)
        self._refuse = refuse
        self._open = on_outage == "open"
        self._away = False

    # A coroutine function, for by that servers tell ASGI 3 from ASGI 2.
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one connection."""
        kind = scope["type"]
        if kind not in _LIMITED:
            await self.app(scope, receive, send)
            return
        answer = self._ask(scope)
        if answer is None or isinstance(answer, Decision):
            decision = answer
        else:
            try:
                decision = await answer
            except BackendError as error:
                self._note(error)
                if not self._open:
                    await _UNAVAILABLE(scope, receive, send)
                    return
                decision = None
            else:
                self._away = False
        if decision is not None and not decision.granted:
            await self._refusal(scope, decision)(scope, receive, send)
            return
        fields = self._fields
        if fields is not None and kind == "http":
            told = [] if decision is None else fields.admitted(decision.remaining)
            found: list[Field] = []
            scope[FOUND] = found
            send = adding(told, found, send)
        await self._app(scope, receive, send)

    def _refusal(self, scope: Scope, decision: Decision) -> App:
        if self._refuse is not None:
            app = self._refuse(scope, decision)
            if app is not None:
                return app
        seconds = whole_seconds(decision.retry_after)
        told = [] if self._fields is None else self._fields.refused(seconds)
        return Refusal(429, [retry_after(seconds), *told], self._problem)

    def _note(self, error: BackendError) -> None:
        if not self._away:
            self._away = True
            what = "passes" if self._open else "gets a 503"
            _log.error("a limit can't be asked, so who comes %s: %s", what, error)


def _paths(skip: str | Iterable[str]) -> Callable[[Scope], object] | None:
    paths = frozenset([skip] if isinstance(skip, str) else skip)
    return (lambda scope: scope["path"] in paths) if paths else None


def _unlimited(_: Scope) -> None:
    return None
