"""A bucket kept under a key of a Redis or Valkey server."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._core import numbers
from .._core.errors import BackendError
from . import _script
from ._courier import couriers

if TYPE_CHECKING:
    from collections.abc import Callable

    from .._core.shared.trip import Reply, Request
    from ._client import Answer, Client


class RedisStore:
    """
    A `Store` on a server.

    Args:
        client: The user's own; it is never closed here.
        key: Where the bucket is.
        timeout: How long a trip may take, in seconds.

    Raises:
        TypeError: *client* is an address, or nothing.
        ValueError: *timeout* is not above 0 or not finite.
    """

    __slots__ = ("_couriers", "_key")

    def __init__(self, client: Client, key: str, timeout: float = 1.0) -> None:
        # No more is asked: a proxy may not have its client yet.
        if isinstance(client, str | bytes | None):
            msg = f"client must be a client of redis.asyncio, got {client!r}"
            raise TypeError(msg)
        self._couriers = couriers(client, numbers.positive("timeout", timeout))
        self._key = key

    def at(self, key: str) -> RedisStore:
        """Return one for another *key* of the same server."""
        other = RedisStore.__new__(RedisStore)
        other._couriers = self._couriers  # noqa: SLF001 -- its own
        other._key = key  # noqa: SLF001 -- its own
        return other

    async def ask(self, request: Request, lost: Callable[[Reply], None]) -> Reply:
        """
        Run the script for one caller, in the caller's own task.

        Args:
            request: What it wants.
            lost: Called with the reply where the caller was cancelled before.

        Raises:
            Exception: Whatever goes wrong.
        """

        def nobody_hears(answer: Answer) -> None:
            if not isinstance(answer, Exception):
                lost(_script.reply(answer))

        courier = self._couriers.here()
        argument = _script.argument(request)
        return _script.reply(await courier.call(self._key, argument, nobody_hears))

    async def trip(self, request: Request) -> Reply:
        """Run the script."""
        argument = _script.argument(request)
        try:
            answer = await self._couriers.here().call(self._key, argument)
        except Exception as error:
            if "BADSTATE" in str(error):
                msg = (
                    f"the key {self._key!r} holds something that is not a limiter: "
                    "use another name, or delete the key"
                )
                raise BackendError(msg) from error
            raise
        return _script.reply(answer)
