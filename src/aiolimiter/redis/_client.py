"""The one place that talks to a client, and knows the odd ways of clients."""

from __future__ import annotations

from inspect import isawaitable
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeAlias

from .._core.errors import BackendError
from . import _script

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Sequence

Answer: TypeAlias = bytes | str | Exception


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

    def pipeline(self, transaction: bool = ...) -> Any: ...  # noqa: FBT001 -- theirs


class Call(NamedTuple):
    """
    One call of the script: the key, what it is told, who waits for the answer.

    ``lost`` gets the answer where whoever waited was cancelled.
    """

    key: str
    argument: str
    turn: asyncio.Future[Answer]
    lost: Callable[[Answer], None] | None = None


async def answers(client: Client, calls: Sequence[Call]) -> list[Answer]:
    """
    Return what the server says to each of *calls*, which may be an error.

    What goes wrong on the way to it is raised.
    """
    if len(calls) == 1:
        return [await _alone(client, calls[0])]
    found: dict[Call, Answer] = {}
    left = calls
    while left:
        found.update(zip(left, await _together(client, left), strict=True))
        left = [call for call in left if not _is_said(found[call])]
        if left:
            # Afterwards the node that has its key knows the script, and the client
            # knows where that node is.
            found[left[0]] = await _alone(client, left[0])
            left = left[1:]
    return [found[call] for call in calls]


async def _together(client: Client, calls: Sequence[Call]) -> Sequence[Answer]:
    pipe = client.pipeline(transaction=False)
    for key, argument, *_ in calls:
        # Of a cluster's the method is blocked, since it can't load a script.
        pipe.execute_command("EVALSHA", _script.SHA, 1, key, argument)
    answers: Sequence[Answer] = await _waits(pipe.execute(raise_on_error=False))
    return answers


async def _alone(client: Client, call: Call) -> Answer:
    answer: Answer
    what = 1, call.key, call.argument
    try:
        try:
            answer = await _waits(client.evalsha(_script.SHA, *what))
        except Exception as error:
            if not _is_unknown(error):
                raise
            # A server that was flushed, restarted or promoted does not know the
            # script; EVAL also makes it known, on the node that has the key.
            answer = await _waits(client.eval(_script.SOURCE, *what))
    except Exception as error:
        if not _is_said(error):
            raise
        answer = error
    return answer


def _is_unknown(error: Exception) -> bool:
    # The client's own class is not ours to import, and its text differs: redis-py
    # cuts the code off what a server says.
    return type(error).__name__ == "NoScriptError" or "NOSCRIPT" in str(error)


def _is_said(answer: Answer) -> bool:
    """Whether the server said it, and will say it again."""
    if not isinstance(answer, Exception):
        return True
    names = {kind.__name__ for kind in type(answer).__mro__}
    return "ResponseError" in names and not _is_unknown(answer)


def _waits(given: Any) -> Any:
    if not isawaitable(given):
        # Under every policy: not one that lets all through, or waits for ever.
        msg = "the client blocks the event loop: use redis.asyncio or valkey.asyncio"
        raise BackendError(msg)
    return given
