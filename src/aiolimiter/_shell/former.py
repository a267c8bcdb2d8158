"""
What programs written for aiolimiter 1.x reach into.

1.x had no verbs for a server's word, so many read and set its private numbers.
Those that have a true answer here are answered, and what is set is taken by the
verb that there is for it now, which a `DeprecationWarning` names.
"""

from __future__ import annotations

import asyncio
import warnings
from typing import TYPE_CHECKING, cast

from .._core import numbers
from .verbs import Limiter

if TYPE_CHECKING:
    from .._core.bucket import Bucket


class Former(Limiter):
    """The private names of aiolimiter 1.x."""

    # As there: whoever sets an attribute of their own on a limiter can.
    __slots__ = ("__dict__", "__weakref__")

    @property
    def _loop(self) -> asyncio.AbstractEventLoop:
        return asyncio.get_running_loop()

    @property
    def _level(self) -> float:
        return self._line.statistics().level

    @_level.setter
    def _level(self, level: float) -> None:
        _warn("_level", "restrict(remaining), reset() or reserve()")
        line, bucket = self._line, self._bucket()
        level = numbers.finite("_level", level)
        line.advance()
        bucket.fill(level)
        line.change(bucket.rate, bucket.burst)

    @property
    def _rate_per_sec(self) -> float:
        return self._bucket().rate

    @_rate_per_sec.setter
    def _rate_per_sec(self, rate: float) -> None:
        _warn("_rate_per_sec", "max_rate or time_period, which change it too")
        # As there: the two stay, and the next of them that is set counts anew.
        self._line.change(numbers.positive("_rate_per_sec", rate), self._bucket().burst)

    @property
    def _last_check(self) -> float:
        self._line.advance()
        return self._bucket().at

    @_last_check.setter
    def _last_check(self, _: float) -> None:
        _warn("_last_check", "nothing: the level is always that of now")

    def _leak(self) -> None:
        self._line.advance()

    def _wake_next(self, *_: object) -> None:
        self._line.look()

    def _bucket(self) -> Bucket:
        return cast("Bucket", self._line.meter)


def _warn(name: str, instead: str) -> None:
    msg = f"{name} is private to aiolimiter 1.x: use {instead}"
    warnings.warn(msg, DeprecationWarning, stacklevel=3)
