"""A limit as a dependency of FastAPI: on a route, a router, or all of them."""

# No `from __future__ import annotations`: FastAPI reads those of `__call__`, and of
# an instance it can't find the module in which to look them up.

import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Hashable
from typing import TYPE_CHECKING, Any, TypeVar, final

from fastapi import HTTPException, Response
from fastapi.requests import HTTPConnection

from ._core.decision import Decision
from ._core.errors import BackendError
from ._core.headers.writing import whole_seconds
from .asgi._address import client_address
from .asgi._fields import Fields
from .asgi._gate import MOST_WAITING, Gate
from .asgi._middleware import FOUND
from .asgi._settling import reserved

if TYPE_CHECKING:
    from ._shell.which import Limit
    from .asgi._gate import Cost

__all__ = ["RateLimit"]

_T = TypeVar("_T")

_DETAIL = "Too many requests: the quota is used up for now"

_log = logging.getLogger("aiolimiter.fastapi")


@final
class RateLimit:
    """
    Limits routes of FastAPI, as a dependency.

    ::

        from fastapi import Depends, FastAPI

        from aiolimiter.fastapi import RateLimit

        limited = RateLimit(KeyedLimiter(5, 60, max_keys=100_000))
        app = FastAPI()

        @app.get("/", dependencies=[Depends(limited)], responses=limited.responses)
        async def hello():
            return "hello"

    Each client has 5 requests a minute here.  The same object on several routes, or
    on a router, is one limit for them together; two objects on one route are two.
    A refusal is an ``HTTPException``, which the application's own handlers see.

    Args:
        limit: As in `aiolimiter.asgi.RateLimitMiddleware`; functions are given the
            ``HTTPConnection``, which is also the scope, as a mapping.
        key: Whose limit it is: a function from the connection to something
            hashable, or to None for "not limited".
        cost: How much a request takes, in units; also a function.
        max_wait: How long a request may wait for its turn, in seconds.
        name: What the limit is called in the fields, in printable ASCII.
        detail: What the body of a refusal says.

    Attributes:
        responses: The 429, for the ``responses`` of a route or router: so it is in
            the OpenAPI document.

    Raises:
        TypeError: *limit* can't be.
        ValueError: *name* is not printable ASCII, or a number is negative or not a
            number.
    """

    __slots__ = ("_away", "_detail", "_fields", "_gate", "responses")

    def __init__(  # noqa: PLR0913 -- the contract's
        self,
        limit: "Limit | str",
        *,
        key: Callable[[Any], Hashable] = client_address,
        cost: "Cost" = 1,
        max_wait: float = 0.0,
        name: str = "default",
        detail: Any = _DETAIL,
    ) -> None:
        self._gate = Gate(
            limit, key, cost=cost, max_wait=max_wait, max_waiting=MOST_WAITING
        )
        self._fields = Fields(name, self._gate.limit)
        self._detail = detail
        self._away = False
        self.responses: dict[int | str, dict[str, Any]] = {429: _documented()}

    async def __call__(self, connection: HTTPConnection, response: Response) -> None:
        """
        Let a request in, or not; FastAPI calls this.

        Raises:
            HTTPException: 429, it is refused; or 503, the store of a shared limiter
                is away.
        """
        answer = self._gate.ask(connection)
        if answer is not None and not isinstance(answer, Decision):
            answer = await self._heard(answer)
        self._tell(answer, connection, response)

    async def settled(
        self, connection: HTTPConnection, response: Response
    ) -> AsyncGenerator[Any]:
        """
        Let a request in whose cost its endpoint settles; a dependency, too.

        ::

            settled = Depends(limited.settled)

            @app.get("/answer")
            async def answer(cost=settled):
                cost.settle(7)

        The endpoint gets what the limiter's ``reserve`` makes: an estimate of
        ``cost`` was taken, and ``settle`` tells what it really was, once; of a
        limiter that is shared it is awaited.  What is not settled keeps the
        estimate.  Where nothing was taken it changes nothing, awaited or not.

        Raises:
            HTTPException: As when it is called.
        """
        decision, reservation = await self._heard(reserved(self._gate, connection))
        self._tell(decision, connection, response)
        try:
            yield reservation
        finally:
            await reservation.__aexit__(None, None, None)

    def _tell(
        self, decision: Decision | None, connection: HTTPConnection, response: Response
    ) -> None:
        if decision is None:
            return
        if not decision.granted:
            seconds = whole_seconds(decision.retry_after)
            told = dict(self._fields.refused(seconds))
            headers = {name.decode(): value.decode() for name, value in told.items()}
            headers["retry-after"] = str(seconds)
            raise HTTPException(429, self._detail, headers)
        fields = self._fields.admitted(decision.remaining)
        for name, value in fields:
            response.headers.append(name.decode(), value.decode())
        # An endpoint that returns a response of its own does not carry those above.
        found = connection.scope.get(FOUND)
        if found is not None:
            found += fields

    async def _heard(self, answer: "Awaitable[_T]") -> "_T":
        try:
            heard = await answer
        except BackendError as error:
            if not self._away:
                self._away = True
                _log.error("a limit can't be asked, so who comes gets a 503: %s", error)
            raise HTTPException(503, headers={"retry-after": "1"}) from error
        self._away = False
        return heard


def _documented() -> dict[str, Any]:
    whole, text = {"type": "integer", "minimum": 1}, {"type": "string"}
    return {
        "description": "Too Many Requests",
        "headers": {
            "Retry-After": {"description": "Seconds to wait", "schema": whole},
            "RateLimit": {"description": "What is left", "schema": text},
            "RateLimit-Policy": {"description": "What is admitted", "schema": text},
        },
    }
