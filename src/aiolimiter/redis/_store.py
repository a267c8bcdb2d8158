"""A bucket kept under a key of a Redis or Valkey server."""

from __future__ import annotations

from inspect import isawaitable
from typing import TYPE_CHECKING, Any, Protocol

from .._core.errors import BackendError
from . import _script

if TYPE_CHECKING:
    from .._core.trip import Reply, Request


class Client(Protocol):
    """
    What a limiter needs of a client.

    ``redis.asyncio`` has it (``Redis``, ``RedisCluster``, a Sentinel's
    ``master_for``), and so has ``valkey.asyncio``.
    """

    # Awaited, what they return is the answer.  Any, because the asynchronous clients
    # share their signatures with those that answer at once.

    def evalsha(self, sha: str, numkeys: int, /, *args: str) -> Any: ...

    def eval(self, script: str, numkeys: int, /, *args: str) -> Any: ...


class RedisStore:
    """
    A `Store` on a server.

    Args:
        client: The user's own; it is never closed here.
        key: Where the bucket is.

    Raises:
        TypeError: *client* is an address, or nothing.
    """

    __slots__ = ("_client", "_key")

    def __init__(self, client: Client, key: str) -> None:
        # No more is asked: a proxy may not have its client yet.
        if isinstance(client, str | bytes | None):
            msg = f"client must be a client of redis.asyncio, got {client!r}"
            raise TypeError(msg)
        self._client = client
        self._key = key

    async def trip(self, request: Request) -> Reply:
        """Run the script."""
        argument = _script.argument(request)
        try:
            answer = await self._run(argument)
        except Exception as error:
            if "BADSTATE" in str(error):
                msg = (
                    f"the key {self._key!r} holds something that is not a limiter: "
                    "use another name, or delete the key"
                )
                raise BackendError(msg) from error
            raise
        return _script.reply(answer, len(request.terms.rates))

    async def _run(self, argument: str) -> Any:
        client, key = self._client, self._key
        try:
            return await _answer(client.evalsha(_script.SHA, 1, key, argument))
        except Exception as error:
            # The client's own class is not ours to import, and its text differs:
            # redis-py cuts the code off what a server says.
            if type(error).__name__ != "NoScriptError" and "NOSCRIPT" not in str(error):
                raise
        # A server that was flushed, restarted or promoted does not know the
        # script; EVAL also makes it known, on the node that has the key.
        return await _answer(client.eval(_script.SOURCE, 1, key, argument))


async def _answer(given: Any) -> Any:
    if not isawaitable(given):
        # Under every policy: not one that lets all through, or waits for ever.
        msg = "the client blocks the event loop: use redis.asyncio or valkey.asyncio"
        raise BackendError(msg)
    return await given
