"""What a question may ask of a contender."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, ClassVar, NamedTuple

Acquire = Callable[[], Awaitable[object]]
Waiter = Callable[[], Coroutine[Any, Any, object]]

#: A limiter this large always has room, and still has a level to leak from.
ROOM = 1_000_000_000
ROOM_PERIOD = 3600


class Queue(NamedTuple):
    """A full limiter: `wait` queues up, `open` makes everyone due."""

    wait: Waiter
    open: Callable[[], object]


class Contender:
    """One limiter, with the verbs it has.

    Verbs that a question may look for: ``entered()`` (for ``async with``) and
    ``acquire()`` with room, ``queue(n, loop)``, ``paced(rate)``,
    ``weighted()``, ``blocked()`` (nobody is ever admitted), ``tried()`` and
    ``refused()`` (which never wait), ``keyed(limit, seconds)``. The attribute
    ``imports`` names its module.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    package: ClassVar[str | None] = None
    #: Calls in one timed stretch; slow peers make fewer, all take about 50 ms.
    loops: ClassVar[int] = 2**16

    @classmethod
    def can(cls, verb: str) -> bool:
        """Tell whether this contender does the work that `verb` stands for."""
        return hasattr(cls, verb)
