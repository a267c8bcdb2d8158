"""Limits for clients of aiohttp, who believe what the server says of its own."""

from __future__ import annotations

import contextlib

import aiohttp
from aiohttp import ClientHandlerType, ClientRequest, ClientResponse

from . import headers
from ._http.choice import Cost, Key, Limit, Tell
from ._http.gate import Believe, Flight, Gate, MaxWait
from ._http.resending import MOST_READ, Resending

__all__ = ["RateLimitMiddleware", "host"]


def host(request: ClientRequest) -> str:
    """
    Return the host of *request*, with the port if it is unusual: the usual key.

    ::

        from aiolimiter.aiohttp import RateLimitMiddleware, host

        hosts = KeyedLimiter(10, 1)
        RateLimitMiddleware(hosts, key=lambda request: (host(request), request.method))
    """
    return (request.url.host_port_subcomponent or "").lower()


class RateLimitMiddleware:
    """
    A client middleware that lets requests through at the rate of *limit*.

    ::

        import aiohttp
        from aiolimiter.aiohttp import RateLimitMiddleware

        limited = RateLimitMiddleware(AsyncLimiter(5000, 3600))

        async with aiohttp.ClientSession(middlewares=(limited,)) as session:
            ...  # every request waits for its turn, and hears what the server says

    Every request that reaches the server counts, each hop of a redirect too.  What
    the response says of limits is believed: a refusal pauses the limiter for all
    who use it, and ``remaining``, less what is in flight, restricts it.  A request
    that was refused is sent again where that is safe; the last refusal is
    returned, not raised.

    Args:
        limit: A limiter; one for each key (`KeyedLimiter`); a `CombinedLimiter`,
            with *tell*; or a function from the request to a limiter, or to None
            for no limit.
        key: From a request to its key; None is not limited.
        cost: How much a request takes, in units: a number, a dict of amounts by
            name for a `CombinedLimiter`, or a function from the request to that.
        max_wait: The longest wait, in seconds, or a function from the request to
            that.  The ``total`` of a ``ClientTimeout`` covers the wait in any case.
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
        TypeError: *limit* is nothing of the kind, or *tell* is missing.
        ValueError: A number is out of its range, or *tell* names nobody.
    """

    def __init__(  # noqa: PLR0913 -- the contract's
        self,
        limit: Limit[ClientRequest],
        *,
        key: Key[ClientRequest] = host,
        cost: Cost[ClientRequest] = 1,
        max_wait: MaxWait[ClientRequest] = None,
        resends: int = 2,
        max_delay: float = 60.0,
        max_pause: float = 3600.0,
        fallback: float = 1.0,
        tell: Tell[ClientRequest] = None,
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

    async def __call__(
        self, request: ClientRequest, handler: ClientHandlerType
    ) -> ClientResponse:
        """
        Wait for the limit, send *request*, and hear what the response says.

        Raises:
            RateLimitExceeded: The wait would be longer than *max_wait*.
            ValueError: The cost is more than the limiter holds.
        """
        sent = 0
        while True:
            flight = await self._gate.enter(request)
            if flight is None:
                return await handler(request)
            response = await _send(request, handler, flight)
            try:
                status = response.status
                delay = await flight.land(request, status, response.headers)
                if delay is None or not _may_go_again(request):
                    return response
                sent += 1
                head = request.method, request.headers
                if not self._resending.allows(*head, status, delay, sent):
                    return response
                await _read_off(response)
            except BaseException:
                response.close()
                raise


async def _send(
    request: ClientRequest, handler: ClientHandlerType, flight: Flight
) -> ClientResponse:
    try:
        return await handler(request)
    except BaseException:
        flight.end()
        raise


def _may_go_again(request: ClientRequest) -> bool:
    # Asked when it was sent: only then is it known whether that used it up.
    body = request.body
    return not body or not body.consumed


async def _read_off(response: ClientResponse) -> None:
    # Or its connection could not be used again.
    read = 0
    with contextlib.suppress(aiohttp.ClientError):
        async for chunk in response.content.iter_any():
            read += len(chunk)
            if read > MOST_READ:
                break
    if not response.closed:
        response.close()
    # A body that is still being sent must not be read by two.
    await response.wait_for_close()
