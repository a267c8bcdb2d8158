"""The script on the server does what `serve` does, to the bit."""

from __future__ import annotations

import random

import pytest

from aiolimiter._core.slots import drain, serve
from aiolimiter._core.trip import (
    Floor,
    Group,
    Refund,
    Request,
    Settlement,
    State,
    Terms,
)
from aiolimiter.redis._store import RedisStore

from . import engine

pytestmark = pytest.mark.real_time

SECOND = 1_000_000


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
            [0.0, cap * self.random.random(), cap, cap * 3 * self.random.random()]
        )

    def state(self, terms: Terms, now: int) -> State | None:
        """What a key might hold: nothing, or one left in the past or future."""
        if self.random.random() < 0.1:
            return None
        size = self.pick([len(terms.rates)] * 8 + [1, 2])
        last = now - self.pick([0, 1, SECOND, 3600 * SECOND, -SECOND])
        return State(
            tuple(self.level(terms) for _ in range(size)),
            last,
            self.pick([0.0, 1e6 * self.random.random()]),
            self.pick([0, now - SECOND]),
        )

    def request(self, terms: Terms, state: State | None, now: int) -> Request:
        """Anything a process may want, or several things at once."""
        chance = self.random.random
        size = len(terms.rates)
        seen = State(tuple(self.level(terms) for _ in range(size)), now - SECOND)
        known = state or seen
        tail = Refund(chance(), known.levels[0], known.last)
        return Request(
            terms,
            self.pick([seen, State((0.0,) * size, 0), seen._replace(last=known.last)]),
            tail if chance() < 0.2 else None,
            tuple(self.settlement(now) for _ in range(self.pick([0, 0, 1, 3]))),
            tuple(self.floor(terms) for _ in range(self.pick([0, 0, 0, 1, 2]))),
            tuple(self.group(terms) for _ in range(self.pick([0, 1, 1, 2, 5]))),
            self.pick([0, 50_000, 5_000_000]),
        )

    def settlement(self, now: int) -> Settlement:
        """What cost less or more, due before or (the clock stepped back) after now."""
        due = now - self.pick([0, 1000, SECOND, 60 * SECOND, -SECOND])
        amount = self.pick([-1, -1, 1]) * 10 ** self.random.uniform(-3, 3)
        return Settlement(amount, due, due - self.pick([0, SECOND]))

    def floor(self, terms: Terms) -> Floor:
        """A pause or a restriction."""
        wait = self.pick([0.0, self.random.random() * 60e6])
        return Floor(wait, 0.0 if wait else self.level(terms))

    def group(self, terms: Terms) -> Group:
        """A few or many of one amount, with or without a longest wait."""
        cap = min(terms.caps)
        amount = self.pick([1.0, cap, cap * self.random.random(), cap / 10, 0])
        wait = self.pick([-1.0, -1.0, 0.0, float(self.random.randrange(10**7))])
        return Group(self.pick([1, 1, 7, 1000]), min(amount, cap), wait)


def _text(state: State) -> str:
    levels = " ".join(f"{level:.17g}" for level in state.levels)
    return f"{levels} {state.last} {state.given:.17g} {state.raised}"


def _state(text: str) -> State:
    *levels, last, given, raised = text.split()
    return State(tuple(map(float, levels)), int(last), float(given), int(raised))


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
            debt = min(drain(terms, expected_state.levels) / 1000, 1e15)
            if stored is None:
                assert debt < 1_000  # it has drained while we looked
                continue
            assert _state(stored) == expected_state
            assert debt - 2_000 <= left <= debt + 2
