"""
The shared bucket, as arithmetic: what a fleet of processes books from.

One state belongs to many processes.  A process sends a `Request` and gets a
`Reply`; between the two stands `serve`, which runs under the store's lock: here
for a file, in ``redis/bucket.lua`` for a server, step by step the same.

- A bucket is held to one or several rates (`Terms`); an amount is taken from
  the level of each.  Levels count units, instants are whole microseconds of
  the store's clock, waits are microseconds.
- A request is *booked*, not asked for again: the reply names how many of each
  group are scheduled.  What was booked together is one stretch of the level;
  whoever takes the part of it that ends at *x* is `due` when *x* fits.
"""

from __future__ import annotations

from math import floor, inf

from .numbers import ROUNDING
from .trip import (
    Floor,
    Group,
    Levels,
    Refund,
    Reply,
    Request,
    Served,
    Settlement,
    State,
    Terms,
)

# A count of amounts may be this much short of whole by rounding alone.
_WHOLE = 1e-9

# What counts as full: ten times 0.1 fit into a bucket of 1.
_FULL = 1.0 + ROUNDING


def empty(terms: Terms) -> State:
    """Return the state of a bucket nobody has used."""
    return State((0.0,) * len(terms.rates), 0)


def due(terms: Terms, levels: Levels, amount: float) -> float:
    """Microseconds until *amount* fits on top of *levels*; 0.0 if it fits now."""
    wait = 0.0
    for level, rate, cap in zip(levels, *terms, strict=True):
        wait = max(wait, (level + amount - cap * _FULL) / rate)
    return wait


def reach(terms: Terms, levels: Levels, wait: float) -> float:
    """Return the amount that fits on top of *levels* within *wait*."""
    return min(
        wait * rate + cap * _FULL - level
        for level, rate, cap in zip(levels, *terms, strict=True)
    )


def room(terms: Terms, levels: Levels) -> float:
    """Return the amount that could be taken at once on top of *levels*."""
    return max(
        0.0, min(cap - level for level, cap in zip(levels, terms.caps, strict=True))
    )


def drain(terms: Terms, levels: Levels) -> float:
    """Microseconds until all *levels* are 0."""
    return max(level / rate for level, rate in zip(levels, terms.rates, strict=True))


def leaked(terms: Terms, state: State, now: float) -> Levels:
    """Return the levels of *state* at *now*; a clock that steps back leaks nothing."""
    past = max(0.0, now - state.last)
    return tuple(
        max(0.0, level - past * rate)
        for level, rate in zip(state.levels, terms.rates, strict=True)
    )


def serve(
    stored: State | None, now: int, request: Request
) -> tuple[State | None, Reply]:
    """
    Answer *request* at *now*.

    Args:
        stored: The stored state; ``None`` if there is none.
        now: The store's clock, microseconds.
        request: What a process wants.

    Returns:
        The state to store next (``None`` when nothing changed), and the reply.
    """
    terms = request.terms
    found = _fitted(terms, stored)
    untouched = found._replace(levels=leaked(terms, found, now), last=now)
    state = _reminded(terms, found, untouched, request.seen)
    refunded = request.refund is not None and _is_tail(found, request.refund)
    if request.refund is not None and refunded:
        state = _refunded(state, request.refund)
    for settlement in request.settlements:
        state = _settled(terms, state, settlement)
    for low in request.floors:
        state = _raised(terms, state, low)
    before, after, served = _booked(terms, state, request.groups, request.quantum)
    state = state._replace(levels=after)
    reply = Reply(now, state.given, state.raised, before, after, refunded, served)
    # When the clock has stepped back, the new one must be kept, or nothing leaks.
    is_same = state == untouched and found.last <= now
    return (None if is_same else state), reply


def _fitted(terms: Terms, state: State | None) -> State:
    """
    Return *state* with as many levels as *terms* has rates.

    While a change of the rates is rolled out, processes of both kinds use it:
    a rate that has no level yet starts from the last one that has.
    """
    if state is None:
        return empty(terms)
    missing = len(terms.rates) - len(state.levels)
    levels = state.levels + state.levels[-1:] * missing
    return state._replace(levels=levels[: len(terms.rates)])


def _reminded(terms: Terms, found: State, state: State, seen: State) -> State:
    """
    Return *state* with what the caller has *seen*, if the store lost it.

    A stored state older than one that was seen has lost writes: a restart, an
    eviction, a failover.  Whoever comes first heals it.
    """
    if found.last >= seen.last:
        return state
    known = leaked(terms, seen, state.last)
    return state._replace(levels=tuple(map(max, state.levels, known)))


def _is_tail(found: State, refund: Refund) -> bool:
    # What was booked later is scheduled on top of it, and to lower the level
    # under that breaks the limit.
    return found.last == refund.last and found.levels[0] == refund.level


def _refunded(state: State, refund: Refund) -> State:
    levels = tuple(max(0.0, level - refund.amount) for level in state.levels)
    return state._replace(levels=levels)


def _settled(terms: Terms, state: State, settlement: Settlement) -> State:
    amount, due_at, booked = settlement
    if amount >= 0.0:
        return state._replace(levels=tuple(level + amount for level in state.levels))
    if booked < state.raised or state.last < due_at:
        # A pause has swallowed it; or the clock stepped back, and nobody can
        # say how much of it has leaked.
        return state
    past = state.last - due_at
    back = tuple(
        min(level, max(0.0, -amount - past * rate))
        for level, rate in zip(state.levels, terms.rates, strict=True)
    )
    if any(level > cap for level, cap in zip(state.levels, terms.caps, strict=True)):
        return _moved_up(terms, state, back)
    levels = tuple(level - part for level, part in zip(state.levels, back, strict=True))
    return state._replace(levels=levels)


def _moved_up(terms: Terms, state: State, back: Levels) -> State:
    """Move all that is booked up by one time, and the levels by what leaks in it."""
    time = min(part / rate for part, rate in zip(back, terms.rates, strict=True))
    levels = tuple(
        max(0.0, level - time * rate)
        for level, rate in zip(state.levels, terms.rates, strict=True)
    )
    return state._replace(levels=levels, given=state.given + time)


def _raised(terms: Terms, state: State, low: Floor) -> State:
    levels = tuple(
        max(level, cap + low.wait * rate - low.remaining)
        for level, rate, cap in zip(state.levels, *terms, strict=True)
    )
    if low.wait == 0.0 and levels == state.levels:
        return state
    return state._replace(levels=levels, raised=state.last)


def _booked(
    terms: Terms, state: State, groups: tuple[Group, ...], quantum: int
) -> tuple[Levels, Levels, tuple[Served, ...]]:
    """
    Book what is free now, *quantum* beyond, and in any case the first request.

    A quantum is all that a process holds ahead, so it is all that is lost when
    it dies; and so processes take turns.
    """
    before = state.levels
    if not groups:
        return before, before, ()
    limit = reach(terms, before, due(terms, before, 0.0) + quantum)
    taken, served = 0.0, []
    for group in groups:
        part = _part(terms, before, taken, limit, group)
        served.append(part)
        taken += part.number * group.amount
        if part.number < group.number and not part.refused:
            break
    after = _poured(terms, before, taken) if taken else before
    return before, after, tuple(served)


def _part(
    terms: Terms, before: Levels, taken: float, limit: float, group: Group
) -> Served:
    number = min(group.number, _times(limit - taken, group.amount))
    if taken == 0.0:
        number = max(number, 1)
    if group.wait >= 0.0:
        in_time = _times(reach(terms, before, group.wait) - taken, group.amount)
        if in_time < number or in_time == number < group.number:
            return Served(int(in_time), refused=True)
    return Served(int(number), refused=False)


def _poured(terms: Terms, levels: Levels, amount: float) -> Levels:
    """
    Return *levels* with *amount* on top, booked as late as the slowest rate says.

    A faster rate has leaked by then, and is as full as if it came at once.
    """
    wait = due(terms, levels, amount)
    return tuple(
        max(level + amount, wait * rate + min(amount, cap))
        for level, rate, cap in zip(levels, *terms, strict=True)
    )


def _times(space: float, amount: float) -> float:
    """How often *amount* fits into *space*."""
    if amount == 0.0:
        return inf if space >= 0.0 else 0
    return max(0, floor(space / amount + _WHOLE))
