"""`RedisLimiter`: a leaky bucket on a server."""

from __future__ import annotations

from typing import final

from .._shell.shared.limiter import OnError, SharedLimiter
from .._shell.shared.rate import Pairs, rates
from ._store import Client, RedisStore

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
        name: The key is ``aiolimiter:name``.
        max_rate: How much is admitted in *time_period*, in units;
            ``math.inf`` for no limit; or a list of ``(max_rate, time_period)``.
        time_period: In seconds; unused when *max_rate* is a list.
        burst: How much the bucket holds, in units; *max_rate* by default.
        timeout: How long one trip to the server may take, in seconds.
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
        super().__init__(
            RedisStore(client, f"aiolimiter:{name}"),
            rates(max_rate, time_period, burst),
            quantum=QUANTUM,
            timeout=timeout,
            on_error=on_error,
            share=share,
        )

    @property
    def name(self) -> str:
        """What the processes that share it call it."""
        return self._name

    def __repr__(self) -> str:
        return f"<RedisLimiter {self._name!r}: {self._limits()}>"
