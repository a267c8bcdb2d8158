"""Limits for clients of httpx, who believe what the server says of its own."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Coroutine
from types import TracebackType
from typing import Any, NoReturn, Self

import httpx

from . import headers
from ._core.headers.reading import Reader
from ._http.choice import Cost, Key, Limit, Tell
from ._http.gate import Believe, Flight, Gate, MaxWait
from ._http.resending import MOST_READ, Resending

__all__ = ["RateLimitTransport", "event_hooks", "host"]

_EXTENSION = "aiolimiter"
_SYNC = "limiters wait in the event loop: use httpx.AsyncClient, not httpx.Client"


def host(request: httpx.Request) -> str:
    """
    Return the host of *request*, with the port if it is unusual: the usual key.

    >>> import httpx
    >>> from aiolimiter.httpx import host
    >>> host(httpx.Request("GET", "https://API.Example.com/v1/users"))
    'api.example.com'
    """
    return request.url.netloc.decode("ascii")


class RateLimitTransport(httpx.AsyncBaseTransport):
    """
    A transport that lets requests through at the rate of *limit*.

    ::

        import httpx
        from aiolimiter.httpx import RateLimitTransport

        limiter = AsyncLimiter(5000, 3600)

        async with httpx.AsyncClient(transport=RateLimitTransport(limiter)) as client:
            ...  # every request waits for its turn, and hears what the server says

    Every request that reaches the server counts: each hop of a redirect, each
    step of a login.  What the response says of limits is believed: a refusal
    pauses the limiter for all who use it, and ``remaining``, less what is in
    flight, restricts it.  A request that was refused is sent again where that is
    safe; the last refusal is returned, not raised.

    Args:
        limit: A limiter; one for each key (`KeyedLimiter`); a `CombinedLimiter`,
            with *tell*; or a function from the request to a limiter, or to None
            for no limit.
        transport: What sends; a new ``AsyncHTTPTransport`` by default.
        key: From a request to its key; None is not limited.
        cost: How much a request takes, in units: a number, a dict of amounts by
            name for a `CombinedLimiter`, or a function from the request to that.
        max_wait: The longest wait, in seconds, or a function from the request to
            that.  A request may have its own: ``extensions={"max_wait": 2.0}``.
        resends: How often a request that was refused is sent again.
        max_delay: The longest pause that is waited for before that, in seconds.
        max_pause: The longest pause that is believed, in seconds.
        fallback: How long to pause after a refusal that says nothing, in
            seconds; doubled up to 60 while nothing else comes.
        tell: Which member of a `CombinedLimiter` the server speaks of: its name,
            or a function from the request and the `Advice` to a limiter.
        believe: Reads a response, as `headers.read` does; None believes nothing.
        adapt: Whether to go slower than *limit* where the server refuses more
            than it says, and to find out by how much; never faster.

    Raises:
        TypeError: *limit* is nothing of the kind, *tell* is missing, or
            *transport* is one of another library, or none.
        ValueError: A number is out of its range, or *tell* names nobody.
    """

    def __init__(  # noqa: PLR0913 -- the contract's
        self,
        limit: Limit[httpx.Request],
        transport: httpx.AsyncBaseTransport | None = None,
        *,
        key: Key[httpx.Request] = host,
        cost: Cost[httpx.Request] = 1,
        max_wait: MaxWait[httpx.Request] = None,
        resends: int = 2,
        max_delay: float = 60.0,
        max_pause: float = 3600.0,
        fallback: float = 1.0,
        tell: Tell[httpx.Request] = None,
        believe: Believe = headers.read,
        adapt: bool = False,
    ) -> None:
        self._gate = Gate(
            limit,
            key=key,
            cost=cost,
            max_wait=max_wait,
            max_pause=max_pause,
            fallback=fallback,
            tell=tell,
            believe=believe,
            name=host,
            adapt=adapt,
        )
        self._resending = Resending(resends, max_delay)
        self._transport = _wrapped(transport)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """
        Wait for the limit, send *request*, and hear what the response says.

        Raises:
            RateLimitExceeded: The wait would be longer than *max_wait*.
            ValueError: The cost is more than the limiter holds.
        """
        may_go_again = _may_go_again(request)
        sent = 0
        while True:
            flight = await self._gate.enter(request, request.extensions.get("max_wait"))
            if flight is None:
                return await self._transport.handle_async_request(request)
            response = await self._send(request, flight)
            try:
                status = response.status_code
                fields = _fields(self._gate.believe, response)
                delay = await flight.land(request, status, fields)
                if delay is None or not may_go_again:
                    return response
                sent += 1
                head = request.method, request.headers
                if not self._resending.allows(*head, status, delay, sent):
                    return response
                await _read_off(response)
            except BaseException:
                await response.aclose()
                raise

    async def _send(self, request: httpx.Request, flight: Flight) -> httpx.Response:
        try:
            return await self._transport.handle_async_request(request)
        except BaseException:
            flight.end()
            raise

    async def aclose(self) -> None:
        """Close the transport that is wrapped."""
        await self._transport.aclose()

    async def __aenter__(self) -> Self:
        await self._transport.__aenter__()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_value: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        await self._transport.__aexit__(exc_type, exc_value, traceback)

    def handle_request(self, _request: httpx.Request) -> NoReturn:
        """Refuse a client that does not wait in the event loop."""
        raise TypeError(_SYNC)

    def __enter__(self) -> NoReturn:
        raise TypeError(_SYNC)

    # Looked up, not called: `with` wants both before it enters.
    __exit__ = __enter__


def event_hooks(  # noqa: PLR0913 -- the contract's
    limit: Limit[httpx.Request],
    *,
    key: Key[httpx.Request] = host,
    cost: Cost[httpx.Request] = 1,
    max_wait: MaxWait[httpx.Request] = None,
    max_pause: float = 3600.0,
    fallback: float = 1.0,
    tell: Tell[httpx.Request] = None,
    believe: Believe = headers.read,
    adapt: bool = False,
) -> dict[str, list[Callable[..., Any]]]:
    """
    Return hooks that limit a client and believe the server, and resend nothing.

    ::

        import httpx
        from aiolimiter.httpx import event_hooks

        hooks = event_hooks(AsyncLimiter(5000, 3600))

        async with httpx.AsyncClient(event_hooks=hooks) as client:
            ...

    They are for clients that resend by themselves, as many SDKs do, and for those
    whose ``proxy``, ``http2``, ``verify`` or ``limits`` must stay: ``transport=``
    switches these off.

    Args:
        limit: As in `RateLimitTransport`.
        key: As there.
        cost: As there.
        max_wait: As there.
        max_pause: As there.
        fallback: As there.
        tell: As there.
        believe: As there.
        adapt: As there.

    Raises:
        TypeError: As there.
        ValueError: As there.
    """
    gate = Gate(
        limit,
        key=key,
        cost=cost,
        max_wait=max_wait,
        max_pause=max_pause,
        fallback=fallback,
        tell=tell,
        believe=believe,
        name=host,
        adapt=adapt,
    )
    hooks = _Hooks(gate)
    return {"request": [hooks.request], "response": [hooks.response]}


class _Hooks:
    def __init__(self, gate: Gate[httpx.Request]) -> None:
        self._gate = gate

    # Not async: a synchronous client must hear of it, not leave it unawaited.
    def request(self, request: httpx.Request) -> Coroutine[Any, Any, None]:
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            raise TypeError(_SYNC) from None
        return self._wait(request)

    async def _wait(self, request: httpx.Request) -> None:
        max_wait = request.extensions.get("max_wait")
        # The flight is dropped with the request if there is no response.
        flight = await self._gate.enter(request, max_wait)
        extensions: Any = request.extensions
        extensions[_EXTENSION] = flight

    async def response(self, response: httpx.Response) -> None:
        # Gone before a redirect hands the extensions on.
        extensions: Any = response.request.extensions
        flight = extensions.pop(_EXTENSION, None)
        if flight is not None:
            fields = _fields(self._gate.believe, response)
            await flight.land(response.request, response.status_code, fields)


def _wrapped(transport: httpx.AsyncBaseTransport | None) -> httpx.AsyncBaseTransport:
    if transport is None:
        return httpx.AsyncHTTPTransport()
    if isinstance(transport, httpx.AsyncBaseTransport):
        return transport
    ours = httpx.__name__
    bases = {base.__module__.partition(".")[0] for base in type(transport).__mro__}
    other = next(iter({"httpx", "httpx2"} & bases), None)
    way_out = f"; use aiolimiter.{other} for {other}" if other else ""
    msg = f"transport must be an {ours}.AsyncBaseTransport, got {transport!r}{way_out}"
    raise TypeError(msg)


def _may_go_again(request: httpx.Request) -> bool:
    # Only what is in memory: a generator or a file may be used up.
    return isinstance(request.stream, httpx.ByteStream)


def _fields(believe: Believe, response: httpx.Response) -> Any:
    # Ours reads bytes as they came; another's gets what it knows.
    if believe is headers.read or isinstance(believe, Reader):
        return response.headers.raw
    return response.headers


async def _read_off(response: httpx.Response) -> None:
    # Or its connection could not be used again.
    read = 0
    body: Any = response.stream
    with contextlib.suppress(httpx.TransportError):
        async for chunk in body:
            read += len(chunk)
            if read > MOST_READ:
                break
    await response.aclose()
