"""The one place that knows what ``bucket.lua`` is given and what it answers."""

from __future__ import annotations

from hashlib import sha1
from importlib.resources import files
from typing import TYPE_CHECKING

from .._core.trip import Levels, Reply, Served

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from .._core.trip import Request

SOURCE = files(__package__).joinpath("bucket.lua").read_text("utf-8")

# What the server calls a script it has seen.
SHA = sha1(SOURCE.encode(), usedforsecurity=False).hexdigest()


def arguments(request: Request) -> list[str]:
    """Return *request* as the script reads it."""
    # repr gives a double back as it was, and is never "1_000".
    return [repr(number) for number in _numbers(request)]


def reply(answer: Sequence[bytes | str | int]) -> Reply:
    """Return what the script answered; the client may decode replies or not."""
    now, given, raised, before, after, refunded, *served = answer
    pairs = zip(served[::2], served[1::2], strict=True)
    return Reply(
        now=int(now),
        given=float(given),
        raised=int(raised),
        before=_levels(before),
        after=_levels(after),
        refunded=bool(refunded),
        served=tuple(Served(int(number), bool(refused)) for number, refused in pairs),
    )


def _numbers(request: Request) -> Iterator[float]:
    terms, seen, refund = request.terms, request.seen, request.refund
    yield len(terms.rates)
    yield from terms.rates
    yield from terms.caps
    yield from (seen.last, len(seen.levels), *seen.levels)
    yield from refund or (0, 0, 0)
    for entries in (request.settlements, request.floors):
        yield len(entries)
        for entry in entries:
            yield from entry
    yield request.quantum
    for group in request.groups:
        yield from group


def _levels(answer: bytes | str | int) -> Levels:
    assert not isinstance(answer, int), "levels go as text"
    return tuple(map(float, answer.split()))
