"""The script on the server does what `serve` does, to the bit."""

from __future__ import annotations

import random
from math import inf

import pytest

from aiolimiter._core.shared.slots import drain, serve
from aiolimiter._core.shared.trip import (
    Change,
    Floor,
    Force,
    Group,
    Low,
    Lows,
    Pause,
    Refund,
    Request,
    Settlement,
    State,
    Terms,
)
from aiolimiter.redis._script import state as state_of
from aiolimiter.redis._store import RedisStore

from . import engine

pytestmark = pytest.mark.real_time

SECOND = 1_000_000
# What a change is kept for, in milliseconds.
MONTH = 30 * 86_400_000


class Draw:
    """Random states and requests, of a seed."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.pick = self.random.choice

    def terms(self) -> Terms:
        """One to three rates, from one a day to a million a second."""
        size = self.pick([1, 1, 1, 2, 3])
        rates = [10 ** self.random.uniform(-11, 0) for _ in range(size)]
        caps = [
            self.pick([1.0, 10.0, 10 ** self.random.uniform(-3, 5)])
            for _ in range(size)
        ]
        return Terms(tuple(rates), tuple(caps))

    def level(self, terms: Terms) -> float:
        """Empty, partly full, full to the brim, or owing."""
        cap = min(terms.caps)
        return self.pick(
            [0.0, cap * self.random.random(), cap, cap * 3 * self.random.random()] * 4
            + [1e300]
        )

    def state(self, terms: Terms, now: int) -> State | None:
        """What a key might hold: nothing, or one left in the past or future."""
        if self.random.random() < 0.1:
            return None
        force = self.force(terms, now)
        size = len(force.terms.rates)
        last = now - self.pick([0, 1, SECOND, 3600 * SECOND, -SECOND])
        return State(
            tuple(self.level(terms) for _ in range(size)),
            last,
            self.pick([0.0, 1e6 * self.random.random(), 2.0**53, 1e300]),
            self.pick([0, now - SECOND, now + SECOND]),
            self.lows(terms, size, last),
            self.pause(force.terms, now),
            force,
        )

    def pause(self, terms: Terms, now: int) -> Pause | None:
        """None, over, or lasting."""
        until = self.pick([0, 0, now - SECOND, now + SECOND, 2**53])
        at = now - self.pick([0, 1000, SECOND, -SECOND])
        return (
            Pause(until, at, tuple(map(self.level, [terms] * len(terms.rates))))
            if until
            else None
        )

    def force(self, terms: Terms, now: int) -> Force:
        """Those of the process, stricter or others of another one, or of a change."""
        others = self.terms()
        if len(others.rates) == len(terms.rates) and self.random.random() < 0.5:
            others = others._replace(caps=terms.caps)
        heard = now - self.pick([0, SECOND, 59 * SECOND, 61 * SECOND, -SECOND])
        changed = now - self.pick([0, SECOND, 3600 * SECOND, -SECOND])
        version = self.pick([0, 0, 0, 1, now - SECOND, now + SECOND])
        force = Force(self.pick([terms, terms, terms, others]), heard, changed, version)
        if version and self.random.random() < 0.7:
            return force._replace(periods=self.periods(force.terms))
        return force

    def periods(self, terms: Terms) -> tuple[float, ...]:
        """Seconds in which rates are told."""
        return tuple(self.pick([1.0, 60.0, 0.1]) for _ in terms.rates)

    def change(self) -> Change | None:
        """None, back to before, or to others."""
        terms = self.pick([None] * 12 + [self.terms()])
        if terms is not None:
            return Change(terms, self.periods(terms))
        return self.pick([None] * 19 + [Change(None)])

    def lows(self, terms: Terms, size: int, last: int) -> Lows:
        """A few or many lows, that rise; the last maybe ahead."""
        number = self.pick([0, 1, 1, 2, 5, 32, 33])
        spread = self.pick([10, SECOND, 100 * SECOND])
        ats = sorted(last + self.random.randint(-spread, spread) for _ in range(number))
        levels = [self.level(terms) for _ in range(number * size)]
        columns = [sorted(levels[i::size]) for i in range(size)]
        return tuple(
            Low(at, tuple(column[i] for column in columns)) for i, at in enumerate(ats)
        )

    def request(self, terms: Terms, state: State | None, now: int) -> Request:
        """Anything a process may want, or several things at once."""
        chance = self.random.random
        force = self.pick([None, None, self.force(terms, now)])
        size = len(force.terms.rates if force else terms.rates)
        seen = State(tuple(self.level(terms) for _ in range(size)), now - SECOND)
        seen = seen._replace(force=force)
        known = state or seen
        before = tuple(self.level(terms) for _ in range(self.pick([size, size, 1, 2])))
        kept = self.pick([0.0, chance()])
        tail = Refund(kept, before, known.levels[0], known.last)
        return Request(
            terms,
            self.pick([seen, State((0.0,) * size, 0), seen._replace(last=known.last)]),
            tail if chance() < 0.2 else None,
            tuple(self.settlement(now) for _ in range(self.pick([0, 0, 1, 3]))),
            chance() < 0.1,
            tuple(self.floor(terms) for _ in range(self.pick([0, 0, 0, 1, 2]))),
            tuple(self.group(terms) for _ in range(self.pick([0, 1, 1, 2, 5]))),
            self.pick([0, 50_000, 5_000_000]),
            self.change(),
        )

    def settlement(self, now: int) -> Settlement:
        """What cost less or more, due before or (the clock stepped back) after now."""
        due = now - self.pick([0, 1000, SECOND, 60 * SECOND, -SECOND])
        amount = self.pick([-1, -1, 1]) * 10 ** self.random.uniform(-3, 3)
        amount = self.pick([amount] * 9 + [1.7e308])
        return Settlement(amount, due, due - self.pick([0, SECOND]))

    def floor(self, terms: Terms) -> Floor:
        """A pause or a restriction."""
        wait = self.pick([0.0, self.random.random() * 60e6, 1e18, inf])
        return Floor(wait, 0.0 if wait else self.level(terms))

    def group(self, terms: Terms) -> Group:
        """A few or many of one amount, with or without a longest wait."""
        cap = min(terms.caps)
        amount = self.pick([1.0, cap, cap * self.random.random(), cap / 10, 0])
        wait = self.pick([-1.0, -1.0, 0.0, float(self.random.randrange(10**7))])
        return Group(self.pick([1, 1, 7, 1000]), min(amount, cap), wait)


def _text(state: State) -> str:
    force, nothing = state.force, [0] * len(state.levels)
    until, at, beneath = state.pause or (0, 0, nothing)
    in_force = [force.heard, force.changed, force.version, until, at]
    is_plain = in_force == [state.last, 0, 0, 0, 0]
    in_force += [force.periods or nothing, beneath]
    lows = [(low.at, *low.levels) for low in reversed(state.lows)]
    newest, *lows = lows or [(0, *nothing)]
    head = (*state.levels, state.last, state.given, state.raised, len(state.lows))
    return "\n".join(
        (
            f"v4 {_json((*head, *newest))}",
            _json(force.terms),
            "" if is_plain else _json(in_force),
            _json(lows)[1:-1],
        )
    )


def _json(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.17g}"
    if isinstance(value, int):
        return str(value)
    return f"[{','.join(map(_json, value))}]"


@pytest.mark.parametrize("seed", range(4))
async def test_the_script_and_the_arithmetic_agree(client, valkey, name, seed):
    """For 3,000 random states and requests each, replies and states are equal."""
    draw, store = Draw(seed), RedisStore(client, name)
    with engine.admin(valkey) as admin:
        for _ in range(3_000):
            seconds, micros = admin.time()
            now = seconds * SECOND + micros
            terms = draw.terms()
            state = draw.state(terms, now)
            if state is None:
                admin.delete(name)
            else:
                admin.set(name, _text(state))
            request = draw.request(terms, state, now)

            reply = await store.trip(request)

            expected_state, expected_reply = serve(state, reply.now, request)
            assert reply == expected_reply
            left, stored = admin.pttl(name), admin.get(name)
            if expected_state is None:
                assert stored == (None if state is None else _text(state))
                continue
            force = expected_state.force
            debt = min(drain(force.terms, expected_state.levels) / 1000, 1e15)
            debt = max(debt, MONTH) if force.version else debt
            if stored is None:
                assert debt < 1_000  # it has drained while we looked
                continue
            assert state_of(stored) == expected_state
            assert debt - 2_000 <= left
            assert request.reset or left <= debt + 2
