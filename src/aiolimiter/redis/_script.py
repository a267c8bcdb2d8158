"""The one place that knows what ``bucket.lua`` is given and what it answers."""

from __future__ import annotations

from functools import lru_cache
from hashlib import sha1
from importlib.resources import files
from json import JSONDecoder, JSONEncoder, loads
from math import isfinite
from typing import TYPE_CHECKING, Any

from .._core.shared.trip import Force, Low, Pause, Reply, Served, State, Terms

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from .._core.shared.trip import Change, Levels, Request

SOURCE = files("aiolimiter.redis").joinpath("bucket.lua").read_text("utf-8")

_encoded = JSONEncoder(separators=(",", ":")).encode
_decoded = JSONDecoder().raw_decode

# What the server calls a script it has seen.
SHA = sha1(SOURCE.encode(), usedforsecurity=False).hexdigest()


def argument(request: Request) -> str:
    """Return *request* as the script reads it."""
    seen = request.seen
    groups: list[float] = []
    for group in request.groups:
        groups += group
    wanted: list[object] = [seen.last, [*seen.levels], request.quantum, groups]
    rare = (
        _known(seen.force),
        request.refund or (),
        request.settlements,
        _change(request.change),
        request.reset,
        request.floors,
    )
    # Lists of finite numbers are written so in JSON too, and in half of the time.
    text = _encoded([*wanted, *rare]) if any(rare) else repr(wanted)
    return f"{_terms(request.terms)}\n{text}"


def reply(answer: bytes | str) -> Reply:
    """Return what the script answered; the client may decode replies or not."""
    text = answer if isinstance(answer, str) else answer.decode()
    found, _ = _decoded(text)
    now, given, raised, refunded, changed, before, after, served, *force = found
    return Reply(
        now=now,
        given=float(given),
        raised=raised,
        before=_floats(before),
        after=_floats(after),
        refunded=bool(refunded),
        served=tuple(
            Served(number, bool(refused))
            for number, refused in zip(served[::2], served[1::2], strict=True)
        ),
        changed=changed,
        force=_force(changed, *force) if force else None,
    )


def state(stored: bytes | str) -> State:
    """
    Return what the script has stored.

    Raises:
        ValueError: It was somebody else.
    """
    try:
        return _state(stored.decode() if isinstance(stored, bytes) else stored)
    except (ArithmeticError, LookupError, RecursionError, TypeError, ValueError) as why:
        msg = f"must be what the script writes, got {stored[:200]!r}"
        raise ValueError(msg) from why


def _state(stored: str) -> State:
    head, terms, in_force, others = stored.removeprefix("v4 ").split("\n")
    numbers = _checked(loads(head))
    size = (len(numbers) - 5) // 2
    levels, newest = _floats(numbers[:size]), numbers[size + 4 :]
    last, given, raised, many = numbers[size : size + 4]
    rates, caps = map(_checked, loads(terms))
    if not stored.startswith("v4 ") or not size == len(rates) == len(caps):
        msg = "must begin with v4, and have as many rates as levels"
        raise ValueError(msg)
    if not all((*rates, *caps)):
        msg = f"no rate and no burst can be 0: {terms}"
        raise ValueError(msg)
    nothing = [0] * size
    # Nothing is in force that the script would not find by itself.
    *numbers, periods, beneath = (
        loads(in_force) if in_force else (last, 0, 0, 0, 0, nothing, nothing)
    )
    heard, changed, version, until, since = _checked(numbers)
    lows = [newest, *map(_checked, loads(f"[{others}]"))] if many else []
    told = _force(changed, version, (rates, caps), _checked(periods))
    pause = Pause(until, since, _floats(_checked(beneath))) if until else None
    return State(
        levels=levels,
        last=last,
        given=float(given),
        raised=raised,
        lows=tuple(Low(at, _floats(low)) for at, *low in reversed(lows)),
        pause=pause,
        force=told._replace(heard=heard),
    )


def _checked(numbers: Any) -> Any:
    for number in numbers:
        # Neither true nor a text, which are numbers elsewhere.
        if type(number) not in {int, float} or not isfinite(number) or number < 0:
            msg = f"must be finite numbers from 0 on, got {number!r}"
            raise ValueError(msg)
    return numbers


@lru_cache(maxsize=64)
def _terms(terms: Terms) -> str:
    # Those of a limiter are always the same.
    return _encoded(terms)


def _floats(numbers: Iterable[float]) -> Levels:
    return tuple(map(float, numbers))


def _known(force: Force | None) -> tuple[object, ...]:
    if force is None or not force.version:
        return ()
    return (
        force.version,
        *force.terms,
        force.periods or (0.0,) * len(force.terms.rates),
    )


def _change(change: Change | None) -> tuple[Levels, ...]:
    if change is None:
        return ()
    # Nothing of each: back to what each was started with.
    return ((), (), ()) if change.terms is None else (*change.terms, change.periods)


def _force(
    changed: int, version: int, terms: Sequence[Levels], periods: Sequence[float]
) -> Force:
    # Rates that are not of a change are told in no period.
    told = _floats(periods) if periods[0] else ()
    return Force(Terms(*map(_floats, terms)), 0, changed, version, told)
