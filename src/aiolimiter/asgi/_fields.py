"""The two fields about one limit, ready to be sent."""

from __future__ import annotations

from math import inf
from operator import attrgetter
from typing import TYPE_CHECKING, Any, cast

from .._core.headers.writing import MOST, policy, told
from .._shell.keyed.by_key import ByKey
from .._shell.shared.by_key import SharedByKey
from .._shell.shared.limiter import SharedLimiter
from .._shell.verbs import Limiter

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from ._protocol import Field, Message, Send

_POLICY = b"ratelimit-policy"
_LEFT = b"ratelimit"


class Fields:
    """
    What a response says of *limit*, under *name*.

    Args:
        name: What the limit is called, in printable ASCII.
        limit: What is asked for its numbers, which may change.

    Raises:
        ValueError: *name* is not printable ASCII.
    """

    __slots__ = ("_given", "_limit", "_name", "_policy", "_refused", "_terms", "_told")

    def __init__(self, name: str, limit: object) -> None:
        self._name = name
        # Of `told`, which this is a faster way to write, all that never changes.
        text = told(name, 0).removesuffix("0").replace("%", "%%")
        self._told = f"{text}%d".encode()
        self._refused = f"{text}0;t=%d".encode()
        self._limit: Any = limit
        self._terms = _terms(limit)
        # By what the policy was written.
        self._given: object = None
        self._policy: list[Field] = []

    def admitted(self, remaining: float) -> list[Field]:
        """Write what is left, in units; nothing where there is no limit at all."""
        if remaining == inf:
            return []
        # `min`, written out: its call is a tenth of all this.
        left = remaining if remaining < MOST else MOST
        return [*self.policy(), (_LEFT, self._told % left)]

    def refused(self, seconds: int) -> list[Field]:
        """Write that nothing is left for *seconds*."""
        return [*self.policy(), (_LEFT, self._refused % seconds)]

    def policy(self) -> list[Field]:
        """Write what is admitted in which time, if that can be told in a number."""
        if self._terms is not None:
            given = self._terms(self._limit)
            if given != self._given:
                limit = self._limit
                self._policy = self._written(limit.max_rate, limit.time_period)
                self._given = given
        return self._policy

    def _written(self, max_rate: object, period: float) -> list[Field]:
        if callable(max_rate) or max_rate == inf:
            return []
        text = policy(self._name, cast("float", max_rate), period)
        return [(_POLICY, text.encode())]


def _terms(limit: object) -> Callable[[Any], object] | None:
    # Tells what another policy follows from, if it is another; None if there is none.
    if isinstance(limit, ByKey):
        # One that is changed all at once, and found at half of the cost of both.
        return attrgetter("_keys.terms")
    if isinstance(limit, SharedLimiter | SharedByKey) and len(limit._rates) > 1:  # noqa: SLF001 -- one layer
        return None
    if isinstance(limit, Limiter | SharedLimiter | SharedByKey):
        return attrgetter("max_rate", "time_period")
    return None


def retry_after(seconds: int) -> Field:
    """Write when to come again."""
    return b"retry-after", b"%d" % seconds


def adding(told: Sequence[Field], found: Sequence[Field], send: Send) -> Send:
    """
    Return a *send* that adds fields to the head of a response.

    Args:
        told: Fields to add.
        found: Fields to add unless the response has them already; it may still
            grow until the head is sent.
        send: What sends.
    """

    # No coroutine function: to return what `send` does is to be awaited spares one.
    def sending(message: Message) -> Awaitable[None]:
        if message["type"] == "http.response.start":
            headers = [*message.get("headers", ()), *told]
            if found:
                headers += [field for field in found if field not in headers]
            # Not changed in place, as it may be sent again for another request.
            message = dict(message)
            message["headers"] = headers
        return send(message)

    return sending
