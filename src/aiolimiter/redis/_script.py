"""The one place that knows what ``bucket.lua`` is given and what it answers."""

from __future__ import annotations

from hashlib import sha1
from importlib.resources import files
from typing import TYPE_CHECKING

from .._core.trip import Reply, Served

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .._core.trip import Request

SOURCE = files("aiolimiter.redis").joinpath("bucket.lua").read_text("utf-8")

# What the server calls a script it has seen.
SHA = sha1(SOURCE.encode(), usedforsecurity=False).hexdigest()


def argument(request: Request) -> str:
    """Return *request* as the script reads it."""
    # repr gives a double back as it was.
    return " ".join(map(repr, _numbers(request)))


def reply(answer: bytes | str, rates: int) -> Reply:
    """Return what the script answered; the client may decode replies or not."""
    now, given, raised, refunded, *words = answer.split()
    levels = tuple(map(float, words[: 2 * rates]))
    served = [int(word) for word in words[2 * rates :]]
    pairs = zip(served[::2], served[1::2], strict=True)
    return Reply(
        now=int(now),
        given=float(given),
        raised=int(raised),
        before=levels[:rates],
        after=levels[rates:],
        refunded=bool(int(refunded)),
        served=tuple(Served(number, bool(refused)) for number, refused in pairs),
    )


def _numbers(request: Request) -> Iterator[float]:
    terms, seen, refund = request.terms, request.seen, request.refund
    yield len(terms.rates)
    yield from terms.rates
    yield from terms.caps
    yield seen.last
    yield from seen.levels
    yield from refund or (0, 0, 0)
    for entries in (request.settlements, request.floors):
        yield len(entries)
        for entry in entries:
            yield from entry
    yield request.quantum
    for group in request.groups:
        yield from group
