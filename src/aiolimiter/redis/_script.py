"""The one place that knows what ``bucket.lua`` is given and what it answers."""

from __future__ import annotations

from hashlib import sha1
from importlib.resources import files
from math import isfinite
from typing import TYPE_CHECKING

from .._core.shared.trip import Force, Low, Pause, Reply, Served, State, Terms

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .._core.shared.trip import Change, Request

SOURCE = files("aiolimiter.redis").joinpath("bucket.lua").read_text("utf-8")

# What the server calls a script it has seen.
SHA = sha1(SOURCE.encode(), usedforsecurity=False).hexdigest()


def argument(request: Request) -> str:
    """Return *request* as the script reads it."""
    # repr gives a double back as it was.
    return " ".join(map(repr, _numbers(request)))


def reply(answer: bytes | str, rates: int) -> Reply:
    """
    Return what the script answered; the client may decode replies or not.

    *rates* is how many the process was started with.
    """
    now, given, raised, refunded, changed, size, *words = answer.split()
    force, others = None, int(size)
    if others:
        rates = others
        force = _force(words, rates, int(changed))
        words = words[1 + 3 * rates :]
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
        changed=int(changed),
        force=force,
    )


def state(stored: bytes | str) -> State:
    """
    Return what the script has stored.

    Raises:
        ValueError: It was somebody else.
    """
    text = stored.decode() if isinstance(stored, bytes) else stored
    version, size, many, *words = text.split()
    if version != "v3":
        msg = f"must begin with v3, got {version!r}"
        raise ValueError(msg)
    numbers, count = [float(word) for word in words], int(size)
    if not all(map(isfinite, numbers)):
        msg = f"must be finite, got {numbers}"
        raise ValueError(msg)
    last, given, raised, heard, changed, number, until, at, *rest = numbers[count:]
    held = [tuple(rest[i * count : (i + 1) * count]) for i in range(4)]
    rates, caps, periods, beneath = held
    rows = [iter(rest[4 * count :])] * (count + 1)
    lows = [Low(int(at), tuple(low)) for at, *low in zip(*rows, strict=True)]
    if len(lows) != int(many):
        msg = f"must name {many} lows, got {len(lows)}"
        raise ValueError(msg)
    return State(
        levels=tuple(numbers[:count]),
        last=int(last),
        given=given,
        raised=int(raised),
        lows=tuple(reversed(lows)),
        pause=Pause(int(until), int(at), beneath) if until else None,
        force=Force(
            Terms(rates, caps),
            heard=int(heard),
            changed=int(changed),
            version=int(number),
            periods=periods if periods[0] else (),
        ),
    )


def _force(words: Sequence[bytes | str], size: int, changed: int) -> Force:
    numbers = tuple(map(float, words[1 : 1 + 3 * size]))
    rates, caps, periods = (
        numbers[first : first + size] for first in (0, size, 2 * size)
    )
    # Rates that are not of a change are told in no period.
    told = periods if periods[0] else ()
    return Force(Terms(rates, caps), 0, changed, int(words[0]), told)


def _numbers(request: Request) -> list[float]:
    # A list that grows is made in half of the time that generators take.
    terms, seen, refund = request.terms, request.seen, request.refund
    size = len(terms.rates)
    numbers = [size, *terms.rates, *terms.caps, seen.last, len(seen.levels)]
    numbers += seen.levels
    numbers += _known(seen.force)
    if refund is None:
        # Nothing was booked at an instant before all others.
        numbers += (0.0, size, *(0.0,) * size, 0.0, -1)
    else:
        numbers += (refund.kept, len(refund.before), *refund.before)
        numbers += (refund.level, refund.last)
    numbers.append(len(request.settlements))
    for settlement in request.settlements:
        numbers += settlement
    numbers += _change(request.change)
    numbers += (int(request.reset), len(request.floors))
    for floor in request.floors:
        numbers += floor
    numbers.append(request.quantum)
    for group in request.groups:
        numbers += group
    return numbers


def _known(force: Force | None) -> tuple[float, ...]:
    if force is None or not force.version:
        return (0,)
    terms = force.terms
    size = len(terms.rates)
    periods = force.periods or (0.0,) * size
    return (force.version, size, *terms.rates, *terms.caps, *periods)


def _change(change: Change | None) -> tuple[float, ...]:
    # Nothing, back to what each was started with, or so many rates.
    if change is None:
        return (-1,)
    if change.terms is None:
        return (0,)
    terms = change.terms
    return (len(terms.rates), *terms.rates, *terms.caps, *change.periods)
