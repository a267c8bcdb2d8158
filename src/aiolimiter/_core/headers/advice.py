"""What a response says of a limit."""

from __future__ import annotations

from typing import NamedTuple


class Quota(NamedTuple):
    """
    What is left of one of a server's limits.

    >>> advice = headers.read(200, {"RateLimit": '"hour";r=50;t=30'}, now=0.0)
    >>> advice.quotas[0].remaining, advice.quotas[0].name
    (50.0, 'hour')

    Attributes:
        unit: What it counts: ``"requests"`` if the server does not say.
        name: What the server calls the policy or the bucket; for people.
        limit: How much a window holds, in units.
        remaining: How much is left, in units.
        reset_after: Seconds until the server's reset.
        window: How long a window is, in seconds.
        renewed: Whether more is admitted at the reset, and not all is back only
            then; None if the server tells no reset.
    """

    unit: str
    name: str | None = None
    limit: float | None = None
    remaining: float | None = None
    reset_after: float | None = None
    window: float | None = None
    renewed: bool | None = None


class Advice(NamedTuple):
    """
    What a response says of the server's limits.

    >>> headers.read(429, {"Retry-After": "30"}, now=0.0)
    Advice(refused=True, pause=30.0, quotas=(), scope=None)

    Attributes:
        refused: Whether this was a limit.
        pause: Seconds in which nothing more is wanted; None: nothing said.
        quotas: What is left, of each limit that was told.
        scope: Whose limit it was, where told: ``"user"``, ``"global"``, ``"shared"``.
    """

    refused: bool
    pause: float | None
    quotas: tuple[Quota, ...]
    scope: str | None


# Called with the class and a tuple of all it has: a third of the cost of calling
# the class, and a response in the plain form makes one of each.
made = tuple.__new__
