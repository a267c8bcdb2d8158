"""`RedisKeyedLimiter`: a limit for each key, on a server."""

from __future__ import annotations

from collections import OrderedDict
from functools import partial
from typing import TYPE_CHECKING, final
from weakref import WeakValueDictionary

from ._limiter import RedisLimiter

if TYPE_CHECKING:
    from collections.abc import Callable

    from .._shell.shared.limiter import OnError
    from .._shell.shared.rate import Pairs
    from ._store import Client

# How many limiters are kept although nobody holds them: what they remember of
# the server heals it when it loses a key.
KEPT = 1024


@final
class RedisKeyedLimiter:
    """
    A `RedisLimiter` for each key, made when it is first asked for.

    ::

        limits = RedisKeyedLimiter(client, "user", 100, 60)

        async with limits[user_id]:
            ...  # entered at most 100 times a minute for each user, on average

    The server forgets a key as soon as it owes nothing; this process keeps what
    is in use, and the latest thousand beside it.

    Args:
        client: As in `RedisLimiter`.
        name: The keys on the server are ``aiolimiter:name:key``.
        max_rate: As in `RedisLimiter`, for each key.
        time_period: In seconds.
        burst: As in `RedisLimiter`.
        timeout: As in `RedisLimiter`.
        on_error: As in `RedisLimiter`.
        share: As in `RedisLimiter`.

    Raises:
        TypeError: As in `RedisLimiter`.
        ValueError: As in `RedisLimiter`.
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
        self._make: Callable[[str], RedisLimiter] = partial(
            RedisLimiter,
            client,
            max_rate=max_rate,
            time_period=time_period,
            burst=burst,
            timeout=timeout,
            on_error=on_error,
            share=share,
        )
        # Whatever is wrong with the arguments is said now, not at the first key.
        self._make(name)
        self._name = name
        # One for each key at a time, or there would be two trips under way.
        self._used: WeakValueDictionary[str, RedisLimiter] = WeakValueDictionary()
        self._kept: OrderedDict[str, RedisLimiter] = OrderedDict()

    def __getitem__(self, key: object) -> RedisLimiter:
        """Return the limiter of *key*; what counts is ``str(key)``."""
        name = f"{self._name}:{key}"
        limiter = self._used.get(name)
        if limiter is None:
            limiter = self._used[name] = self._make(name)
        self._kept[name] = limiter
        self._kept.move_to_end(name)
        if len(self._kept) > KEPT:
            self._kept.popitem(last=False)
        return limiter

    def __repr__(self) -> str:
        return f"<RedisKeyedLimiter {self._name!r}>"
