"""`RedisKeyedLimiter`: a limit for each key, on a server."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, NoReturn, final
from weakref import WeakValueDictionary

from .._shell.shared.by_key import SharedByKey
from .._shell.signals import Observer
from ._limiter import RedisLimiter
from ._place import place

if TYPE_CHECKING:
    from .._shell.shared.limiter import OnError
    from .._shell.shared.rate import Pairs
    from ._client import Client

# How many limiters are kept although nobody holds them: what they remember of
# the server heals it when it loses a key.
KEPT = 4096


@final
class RedisKeyedLimiter(SharedByKey):
    """
    A `RedisLimiter` for each key, made when it is first asked for.

    ::

        limits = RedisKeyedLimiter(client, "user", 100, 60)

        async with limits[user_id]:
            ...  # entered at most 100 times a minute for each user, on average

    The server forgets a key as soon as it owes nothing; this process keeps what
    is in use, and the latest four thousand beside it.

    Args:
        client: As in `RedisLimiter`.
        name: The keys on the server are ``aiolimiter:name:key``; no other
            limiter has them, whatever the key's string.
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
        # Whatever is wrong with the arguments is said now, not at the first key.
        self._pattern = RedisLimiter(
            *(client, name, max_rate, time_period),
            burst=burst,
            timeout=timeout,
            on_error=on_error,
            share=share,
        )
        self._rates = self._pattern._given  # noqa: SLF001 -- one concept in two files
        # What one key tells, all tell together.
        self._signals = self._pattern._signals  # noqa: SLF001 -- see above
        self._name = name
        # One for each key at a time, or there would be two trips under way.
        self._used: WeakValueDictionary[str, RedisLimiter] = WeakValueDictionary()
        self._kept: OrderedDict[str, RedisLimiter] = OrderedDict()

    def __getitem__(self, key: object) -> RedisLimiter:
        """Return the limiter of *key*; what counts is ``str(key)``."""
        # A stranger's string may be long; the place it has is not.
        text = str(key)
        where = place(self._name, text)
        limiter = self._used.get(where)
        if limiter is None:
            limiter = self._used[where] = self._pattern._of_key(text, where)  # noqa: SLF001 -- see above
        self._kept[where] = limiter
        self._kept.move_to_end(where)
        if len(self._kept) > KEPT:
            self._kept.popitem(last=False)
        return limiter

    def _waiting_now(self) -> int:  # pyright: ignore[reportUnusedFunction] -- telemetry asks
        limiters = list(self._used.values())
        return sum(limiter._waiting_now() for limiter in limiters)  # noqa: SLF001 -- see above

    @property
    def observer(self) -> Observer | None:
        """Who hears of what the limiter of any key does in this process."""
        return self._signals.observer

    @observer.setter
    def observer(self, observer: Observer | None) -> None:
        self._signals.observer = observer

    @property
    def max_pause(self) -> float:
        """What no pause of a key goes beyond; see `RedisLimiter.max_pause`."""
        return self._pattern.max_pause

    @max_pause.setter
    def max_pause(self, max_pause: float) -> None:
        self._pattern.max_pause = max_pause
        for limiter in self._used.values():
            limiter.max_pause = max_pause

    def __reduce__(self) -> NoReturn:
        msg = "can't copy or pickle a RedisKeyedLimiter: make one where its client is"
        raise TypeError(msg)

    def __repr__(self) -> str:
        return f"<RedisKeyedLimiter {self._name!r}>"
