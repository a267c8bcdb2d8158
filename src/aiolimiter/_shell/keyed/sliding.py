"""`KeyedSlidingWindowLimiter`: a strict limit for each key."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from ..._core import numbers
from ..._core.keyed.logs import Logs
from ..._core.keyed.terms import Terms
from .by_key import ByKey, K, checked, most
from .keys import Keys

if TYPE_CHECKING:
    from ..._core.keyed.terms import MaxRate


@final
class KeyedSlidingWindowLimiter(ByKey[K]):
    """
    One sliding window for each key.

    ::

        limits = KeyedSlidingWindowLimiter(20, 60)

        async with limits["chat 42"]:
            ...  # never entered more than 20 times in any minute for a chat

    It is to a `KeyedLimiter` what a `SlidingWindowLimiter` is to an
    `AsyncLimiter`.  A key is forgotten exactly when its window is empty and
    nobody waits for it.  It takes more memory than a bucket: about a kilobyte,
    and a hundred bytes for each admission in its window, up to 2048 of them.

    Args:
        max_rate: How much a key admits in any *time_period*, in units; or a
            function from a key to that.
        time_period: In seconds.
        max_keys: How many keys are remembered at most.  Above that, the ones
            nearest to new are forgotten, with what they took; those with
            waiters are not.

    Raises:
        ValueError: One of them is not above 0, or not finite.
    """

    __slots__ = ()

    def __init__(
        self,
        max_rate: MaxRate,
        time_period: float = 60,
        *,
        max_keys: int | None = None,
    ) -> None:
        period = numbers.positive("time_period", time_period)
        terms = Terms(checked(max_rate), period, None)
        terms.rate()
        super().__init__(Keys(Logs(terms, most(max_keys)), terms))
