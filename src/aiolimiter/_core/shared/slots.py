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

from math import ceil, floor, inf

from ..numbers import ROUNDING
from . import force, lows
from .trip import (
    Floor,
    Force,
    Group,
    Levels,
    Pause,
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

# What is stored is bounded, so that no number stays for ever: no debt takes longer
# to drain than this, in microseconds (285 years), and no sum of two levels is
# infinite.  Up to here a float counts exactly.
LONGEST = 2.0**53
_HIGHEST = 2.0**1000


def empty(terms: Terms) -> State:
    """Return the state of a bucket nobody has used."""
    return State((0.0,) * len(terms.rates), 0)


def due(terms: Terms, levels: Levels, amount: float) -> float:
    """Microseconds until *amount* fits on top of *levels*; 0.0 if it fits now."""
    rates, caps = terms
    # Most buckets have one rate, and nothing is asked as often.
    if len(rates) == 1:
        return max(0.0, (levels[0] + amount - caps[0] * _FULL) / rates[0])
    wait = 0.0
    for level, rate, cap in zip(levels, rates, caps, strict=True):
        later = (level + amount - cap * _FULL) / rate
        if later > wait:
            wait = later
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


def largest(groups: tuple[Group, ...], served: tuple[Served, ...]) -> float:
    """Return the largest amount that is booked."""
    pairs = zip(groups, served, strict=False)
    return max((group.amount for group, part in pairs if part.number), default=0.0)


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
    found = _found(request.terms, stored)
    back = max(0, found.last - now)
    known = lows.stepped_back(found.lows, back)
    untouched = found._replace(
        levels=leaked(_terms(found), found, now),
        last=now,
        lows=known,
        pause=_lasting(found.pause, now, back),
    )
    state, refunded = _settled_up(found, untouched, request)
    state = _agreed(state, request)
    if request.reset:
        # What was booked before is void, and gives nothing back: no need of lows.
        state = empty(_terms(state))._replace(
            last=now, given=state.given, raised=now, force=state.force
        )
    for level in request.floors:
        state = _raised(_terms(state), state, level)
    terms = _terms(state)
    state = _bounded(terms, state)
    before, after, served = _booked(terms, state, request.groups, request.quantum)
    most = largest(request.groups, served)
    if most:
        state = _put_off(terms, state, after, most)
    told = force.told(_force(state), request.terms)
    reply = Reply(
        *(now, state.given, state.raised, before, after, refunded, served),
        *(_force(state).changed, told),
    )
    # What came back may be booked again in the same trip, and was low in between.
    # When the clock has stepped back, the new one must be kept, or nothing leaks.
    is_lower = refunded or bool(request.settlements)
    as_before = state._replace(lows=known, force=_silent(state, found))
    is_same = as_before == untouched and found.last <= now
    return (None if is_same and not is_lower else state), reply


def _found(terms: Terms, state: State | None) -> State:
    if state is None:
        state = empty(terms)
    return state if state.force else state._replace(force=Force(terms))


def _force(state: State) -> Force:
    assert state.force is not None, "found ones have it"
    return state.force


def _terms(state: State) -> Terms:
    return _force(state).terms


def _silent(state: State, found: State) -> Force:
    # That somebody was heard of is no change.
    return _force(state)._replace(heard=_force(found).heard)


def _settled_up(found: State, untouched: State, request: Request) -> tuple[State, bool]:
    """Do what is owed under the rates of before; return whether a refund counts."""
    terms, now = _terms(found), untouched.last
    state = _reminded(terms, found, untouched, request.seen)
    refund = request.refund
    refunded = refund is not None and _is_tail(found, refund)
    if refund is not None and refunded:
        state = _refunded(terms, state, refund)
    # What was there before anything is added to it in this trip.
    lowest = tuple(map(min, untouched.levels, state.levels))
    state = _noted(terms, state, now, lowest)
    for settlement in request.settlements:
        state = _settled(terms, state, settlement)
    return state, refunded


def _agreed(state: State, request: Request) -> State:
    """
    Return *state* under the rates that are in force from now on.

    It keeps its levels, and a pause ends when it would have.
    """
    before, now = _terms(state), state.last
    state = state._replace(force=force.agreed(_force(state), request, now))
    terms = _terms(state)
    if terms == before:
        return state
    size = len(terms.rates)
    pause = state.pause
    if pause is None:
        levels = _ordered(terms, force.fitted(_real(before, state.levels), size))
    else:
        rest = pause.until - now
        under = _beneath(before, pause, now)
        added = _added(before, state.levels, under, rest)
        beneath, added = (
            _ordered(terms, force.fitted(_real(before, each), size))
            for each in (under, added)
        )
        levels = _on_top(terms, added, beneath, rest)
        pause = Pause(pause.until, now, beneath)
    known = tuple(
        low._replace(levels=force.fitted(low.levels, size)) for low in state.lows
    )
    return state._replace(levels=levels, lows=known, pause=pause)


def _real(terms: Terms, levels: Levels) -> Levels:
    """
    Return *levels* without what the faster ones put off for a slower one.

    Beyond its burst no rate holds more than one that leaks slower.
    """
    pairs = tuple(zip(levels, terms.rates, strict=True))
    return tuple(
        min(level, max(cap, min(other for other, slower in pairs if slower <= rate)))
        for level, rate, cap in zip(levels, *terms, strict=True)
    )


def _ordered(terms: Terms, levels: Levels) -> Levels:
    """Return *levels* of which no slower one is below a faster one."""
    pairs = tuple(zip(levels, terms.rates, strict=True))
    return tuple(
        max(other for other, faster in pairs if faster >= rate) for rate in terms.rates
    )


def _lasting(pause: Pause | None, now: int, back: int) -> Pause | None:
    if pause is None or pause.until - back <= now:
        return None
    until, at, beneath = pause
    return Pause(until - back, max(0, at - back), beneath)


def _beneath(terms: Terms, pause: Pause, now: int) -> Levels:
    """Return the levels that there would be by now without the pause."""
    return leaked(terms, State(pause.beneath, pause.at), now)


def _added(terms: Terms, levels: Levels, beneath: Levels, rest: float) -> Levels:
    """Return what of *levels* came on top of a pause that lasts *rest* still."""
    return tuple(
        max(0.0, level - max(under, cap + rest * rate))
        for level, under, rate, cap in zip(levels, beneath, *terms, strict=True)
    )


def _on_top(terms: Terms, added: Levels, beneath: Levels, rest: float) -> Levels:
    return tuple(
        more + max(under, cap + rest * rate)
        for more, under, rate, cap in zip(added, beneath, *terms, strict=True)
    )


def _reminded(terms: Terms, found: State, state: State, seen: State) -> State:
    """
    Return *state* with what the caller has *seen*, if the store lost it.

    A stored state older than one that was seen has lost writes: a restart, an
    eviction, a failover.  Whoever comes first heals it.
    """
    if found.last >= seen.last:
        return state
    levels = force.fitted(seen.levels, len(terms.rates))
    known = leaked(terms, seen._replace(levels=levels), state.last)
    return state._replace(levels=tuple(map(max, state.levels, known)))


def _is_tail(found: State, refund: Refund) -> bool:
    # What was booked later is scheduled on top of it, and to lower the level
    # under that breaks the limit.
    return found.last == refund.last and found.levels[0] == refund.level


def _refunded(terms: Terms, state: State, refund: Refund) -> State:
    # Booked anew without it: of several rates another one may be the slowest.
    kept = force.fitted(refund.before, len(terms.rates))
    if refund.kept:
        kept = _poured(terms, kept, refund.kept)
    levels = leaked(terms, State(kept, refund.last), state.last)
    return state._replace(levels=levels)


def _settled(terms: Terms, state: State, settlement: Settlement) -> State:
    amount, due_at, booked = settlement
    if amount >= 0.0:
        return state._replace(levels=tuple(level + amount for level in state.levels))
    if booked < state.raised or state.last < due_at:
        # A pause has swallowed it; or the clock stepped back, and nobody can
        # say how much of it has leaked.
        return state
    back = _back(terms, state, -amount, due_at)
    lower = lows.lowered(state.lows, due_at, -amount, state.last)
    state = state._replace(lows=lower)
    if any(level > cap for level, cap in zip(state.levels, terms.caps, strict=True)):
        return _moved_up(terms, state, back)
    levels = tuple(level - part for level, part in zip(state.levels, back, strict=True))
    return state._replace(levels=levels)


def _noted(terms: Terms, state: State, at: int, levels: Levels) -> State:
    little = lows.little(terms.caps)
    return state._replace(lows=lows.noted(state.lows, at, levels, little))


def _back(terms: Terms, state: State, amount: float, due_at: int) -> Levels:
    """
    Return how much of *amount* is still there, taken at *due_at*, for each rate.

    No more has leaked than the rate makes leak, and nothing of it as long as the
    bucket did not run lower.
    """
    # At which rate it leaked before a change, nobody can say.
    is_known = due_at >= _force(state).changed
    past = state.last - due_at if is_known else inf
    lowest = lows.since(state.lows, due_at, state.levels)
    return tuple(
        min(level, max(0.0, amount - past * rate, min(amount, low)))
        for level, rate, low in zip(state.levels, terms.rates, lowest, strict=True)
    )


def _moved_up(terms: Terms, state: State, back: Levels) -> State:
    """Move all that is booked up by one time, and the levels by what leaks in it."""
    time = min(part / rate for part, rate in zip(back, terms.rates, strict=True))
    levels = tuple(
        max(0.0, level - time * rate)
        for level, rate in zip(state.levels, terms.rates, strict=True)
    )
    return state._replace(levels=levels, given=state.given + time)


def _raised(terms: Terms, state: State, least: Floor) -> State:
    levels = tuple(
        max(level, cap + least.wait * rate - least.remaining)
        for level, rate, cap in zip(state.levels, *terms, strict=True)
    )
    if least.wait == 0.0:
        return state if levels == state.levels else _risen(state, levels)
    return _risen(state._replace(pause=_paused(terms, state, least.wait)), levels)


def _risen(state: State, levels: Levels) -> State:
    return state._replace(levels=levels, raised=state.last)


def _paused(terms: Terms, state: State, wait: float) -> Pause:
    now, pause, beneath = state.last, state.pause, state.levels
    until = ceil(min(now + wait, LONGEST))
    if pause is not None:
        under = _beneath(terms, pause, now)
        added = _added(terms, state.levels, under, pause.until - now)
        beneath = tuple(map(sum, zip(under, added, strict=True)))
        until = max(until, pause.until)
    return Pause(until, now, tuple(min(level, _HIGHEST) for level in beneath))


def _bounded(terms: Terms, state: State) -> State:
    levels = tuple(
        min(level, cap + rate * LONGEST, _HIGHEST)
        for level, rate, cap in zip(state.levels, *terms, strict=True)
    )
    given, raised = min(state.given, LONGEST), max(0, min(state.raised, state.last))
    return state._replace(levels=levels, given=given, raised=raised)


def _booked(
    terms: Terms, state: State, groups: tuple[Group, ...], quantum: int
) -> tuple[Levels, Levels, tuple[Served, ...]]:
    """
    Book what is free now, *quantum* beyond, and in any case the first request.

    A quantum is all that a process holds ahead, so it is all that is lost when
    it dies; and so processes take turns.
    """
    levels = state.levels
    if not groups:
        return levels, levels, ()
    before = _held(terms, levels) if len(levels) > 1 else levels
    limit = reach(terms, before, due(terms, before, 0.0) + quantum)
    taken, served = 0.0, []
    for group in groups:
        part = _part(terms, before, taken, limit, group)
        served.append(part)
        taken += part.number * group.amount
        if part.number < group.number and not part.refused:
            break
    after = _poured(terms, before, taken) if taken else levels
    return before, after, tuple(served)


def _held(terms: Terms, levels: Levels) -> Levels:
    """
    Return *levels* of which none runs dry while a faster rate puts off.

    A booking counts on what leaks until it is due, and what is not there can't leak.
    It is there, unless levels and rates did not come to be together: after a change
    a fast rate may be full for long, while a slow one has little in it.
    """
    most = min(terms.caps)
    waits = [
        (rate, (level + most - cap * _FULL) / rate)
        for level, rate, cap in zip(levels, *terms, strict=True)
    ]
    return tuple(
        min(_HIGHEST, max(level, rate * max(w for other, w in waits if other >= rate)))
        for level, rate in zip(levels, terms.rates, strict=True)
    )


def _put_off(terms: Terms, state: State, after: Levels, most: float) -> State:
    """
    Return *state* at the levels *after* a booking of amounts up to *most*.

    What is booked ahead is in the level and not in the bucket, which runs low
    once more just before each of them is due.  Of several rates one may run dry
    while the other puts off.
    """
    state = state._replace(levels=after)
    ahead = due(terms, after, 0.0)
    if ahead == 0.0:
        return state
    low = max(0.0, terms.caps[0] - most) if len(after) == 1 else 0.0
    end = min(state.last + ceil(ahead), int(LONGEST))
    return _noted(terms, state, end, (low,) * len(after))


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
        min(_HIGHEST, max(level + amount, wait * rate + min(amount, cap)))
        for level, rate, cap in zip(levels, *terms, strict=True)
    )


def _times(space: float, amount: float) -> float:
    """How often *amount* fits into *space*."""
    if amount == 0.0:
        return inf if space >= 0.0 else 0
    # A float can't hold how often next to nothing fits.
    return floor(max(0.0, min(space / amount, _HIGHEST)) + _WHOLE)
