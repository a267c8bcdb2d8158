"""
Which rates are in force, as not all processes need be started with the same.

- A change counts for all, whatever they were started with, until the next one.
- Without one, whoever books says what it was started with.  The stricter of two
  counts as long as one that is held to it has booked within the last minute: so a
  new configuration can be rolled out process by process.
"""

from __future__ import annotations

from itertools import zip_longest
from math import inf
from typing import TYPE_CHECKING

from .trip import Force, Terms

if TYPE_CHECKING:
    from .trip import Levels, Request

# For how long stricter rates outlast the last booking of who is held to them, in
# microseconds.
LEASE = 60_000_000


def agreed(force: Force, request: Request, now: int) -> Force:
    """Return what is in force after *request*, at *now*, where *force* was before."""
    force = force._replace(heard=min(force.heard, now), changed=min(force.changed, now))
    seen = request.seen.force
    if seen is not None and seen.version > force.version:
        # The store lost it: a restart, an eviction, a failover.
        force = _switched(force, seen.terms, now)
        force = force._replace(version=seen.version, periods=seen.periods)
    if request.change is not None:
        terms, periods = request.change
        force = _switched(force, terms or request.terms, now)
        version = max(force.version + 1, now)
        return force._replace(heard=now, version=version, periods=periods)
    if force.periods or not request.groups:
        return force
    return _heard(force, request.terms, now)


def told(force: Force, terms: Terms) -> Force | None:
    """Return what who was started with *terms* has to know; ``None``: nothing."""
    if force.version == 0 and force.terms == terms:
        return None
    return force._replace(heard=0)


def fitted(levels: Levels, size: int) -> Levels:
    """Return as many levels: one that there was none of starts from the last."""
    return (levels + levels[-1:] * (size - len(levels)))[:size]


def _heard(force: Force, own: Terms, now: int) -> Force:
    terms = own
    if force.heard > now - LEASE and force.terms != own:
        terms = _stricter(own, force.terms)
    force = _switched(force, terms, now)
    return force._replace(heard=now) if terms == own else force


def _switched(force: Force, terms: Terms, now: int) -> Force:
    return force if terms == force.terms else force._replace(terms=terms, changed=now)


def _stricter(one: Terms, other: Terms) -> Terms:
    pairs = (zip_longest(*each, fillvalue=inf) for each in zip(one, other, strict=True))
    rates, caps = (tuple(map(min, *zip(*pair, strict=True))) for pair in pairs)
    return Terms(rates, caps)
