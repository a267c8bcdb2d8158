"""`KeyedLimiter`: one limit for each user, host or chat."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from ..._core import numbers
from ..._core.keyed.levels import Levels
from ..._core.keyed.terms import Terms
from .by_key import ByKey, K, checked, most
from .keys import Keys

if TYPE_CHECKING:
    from ..._core.keyed.terms import MaxRate


@final
class KeyedLimiter(ByKey[K]):
    """
    One leaky bucket for each key.

    ::

        limits = KeyedLimiter(20, 60)

        async with limits["chat 42"]:
            ...  # entered 20 times a minute for each chat, on average

    A key is forgotten exactly when it is as good as new: when its bucket has
    leaked empty and nobody waits for it.  That needs no task and no timer: now
    and then a call looks at some keys.

    Args:
        max_rate: How much a key admits in *time_period*, in units; or a
            function from a key to that.
        time_period: In seconds.
        burst: How much a key's bucket holds; its *max_rate* if not given.
        max_keys: How many keys are remembered at most.  Above that, the ones
            nearest to new are forgotten, debt and all; those with waiters are
            not.

    Raises:
        ValueError: One of them is not above 0, or not finite.
    """

    __slots__ = ()

    def __init__(
        self,
        max_rate: MaxRate,
        time_period: float = 60,
        *,
        burst: float | None = None,
        max_keys: int | None = None,
    ) -> None:
        terms = Terms(
            checked(max_rate),
            numbers.positive("time_period", time_period),
            None if burst is None else numbers.positive("burst", burst),
        )
        super().__init__(Keys(Levels(terms, most(max_keys)), terms))

    @property
    def burst(self) -> float | None:
        """How much each key's bucket holds, or None: its `max_rate`."""
        return self._keys.terms.burst

    @burst.setter
    def burst(self, burst: float | None) -> None:
        burst = None if burst is None else numbers.positive("burst", burst)
        self._keys.change(self._keys.terms._replace(burst=burst))
