"""What has leaked does not come back: how low a bucket stood, and what that allows."""

from __future__ import annotations

import random
from math import ceil, inf

import pytest
from hypothesis import given, strategies as st

from aiolimiter._core.shared import force, lows, slots
from aiolimiter._core.shared.slots import serve
from aiolimiter._core.shared.trip import (
    Change,
    Floor,
    Group,
    Low,
    Refund,
    Request,
    Settlement,
    State,
    Terms,
)

NOW = 1_000_000_000


# The list.


def listed(levels, little=0.5):
    """Note *levels* one after the other, an instant each."""
    found = ()
    for at, level in enumerate(levels):
        found = lows.noted(found, at, (level,), (little,))
    return found


@given(st.lists(st.integers(0, 50), min_size=1, max_size=400), st.integers(0, 400))
def test_it_tells_at_most_the_lowest_since(levels, instant):
    """The answer is the lowest level after an instant, or lower; never higher."""
    found = listed(map(float, levels))
    now = levels[-1]
    told = lows.since(found, instant, (now,))[0]

    assert told <= min(levels[instant + 1 :], default=now)
    assert len(found) <= lows.LONGEST
    if len(levels) <= lows.LONGEST:
        assert told == min(levels[instant + 1 :], default=now)


@given(st.lists(st.floats(0, 32), min_size=1, max_size=200), st.integers(-1, 200))
def test_it_tells_little_less_than_the_lowest_since(levels, instant):
    """Where levels rise by little, the answer is at most twice that too low."""
    found = listed(levels, little=2.0)
    truth = min(levels[instant + 1 :], default=levels[-1])

    assert truth - 4.0 <= lows.since(found, instant, (levels[-1],))[0] <= truth


def test_a_long_climb_is_remembered_roughly():
    """Of a thousand levels that rise, all are known within a tenth."""
    found = listed(map(float, range(1000)))

    assert 900 <= lows.since(found, 990, (999.0,))[0] <= 991
    assert 400 <= lows.since(found, 500, (999.0,))[0] <= 501
    assert len(found) == lows.LONGEST
    for instant in range(999):
        assert lows.since(found, instant, (999.0,))[0] <= instant + 1


def test_what_was_not_taken_was_not_there():
    """An amount that comes back is off all the lows after it was due."""
    found = lows.lowered(listed([1.0, 5.0, 8.0]), 0, 6.0, 2)

    assert found == (Low(1, (0.0,)), Low(2, (2.0,)))


def test_what_is_put_off_moves_up_and_finds_what_it_would_have():
    """What is ahead is not lower for what comes back, what has been is."""
    found = (Low(5, (3.0,)), Low(50, (7.0,)))

    assert lows.lowered(found, 0, 2.0, 20) == (
        Low(5, (1.0,)),
        Low(20, (5.0,)),
        Low(50, (7.0,)),
    )
    assert lows.lowered(found, 20, 2.0, 20)[-1] == Low(50, (7.0,))


def test_a_clock_that_stepped_back_takes_the_lows_with_it():
    """What was so long ago is as long ago by the new clock, or at its beginning."""
    found = (Low(5, (3.0,)), Low(50, (7.0,)))

    assert lows.stepped_back(found, 20) == (Low(0, (3.0,)), Low(30, (7.0,)))
    assert lows.stepped_back(found, 0) == found


@given(st.lists(st.integers(0, 900), min_size=1, max_size=60))
def test_what_comes_back_makes_no_list_too_long(instants):
    """However much is put off and given back, a list is as long as it may be."""
    found = lows.noted((), 10_000, (500.0,), (1.0,))
    for instant in instants:
        found = lows.lowered(found, instant, 0.5, 1_000 + instant)

        assert len(found) <= lows.LONGEST
        assert [low.at for low in found] == sorted(low.at for low in found)


@given(st.lists(st.tuples(st.floats(0, 10), st.floats(0, 10)), max_size=80))
def test_several_rates_have_a_low_each(levels):
    """Each level is told by itself."""
    found = ()
    for at, pair in enumerate(levels):
        found = lows.noted(found, at, pair, (0.1, 0.1))
    for i in range(2):
        told = lows.since(found, -1, (10.0, 10.0))[i]
        assert told == min((pair[i] for pair in levels), default=10.0)
        assert len(found) <= lows.LONGEST


# The promise.


class Part:
    """An amount that somebody takes of a stretch, and what it is worth."""

    def __init__(self, amount: float, end: float) -> None:
        self.amount = amount
        self.end = end
        self.due: int | None = None
        self.span = 0
        self.kept = amount


class Fleet:
    """Processes that book, take, settle, refund and pause; all hear of all at once."""

    def __init__(
        self, seed: int, size: int | None = None, *, any_size: bool = False
    ) -> None:
        self.random = random.Random(seed)
        self.any_size = any_size
        size = size or self.random.choice([1, 1, 1, 2])
        self.own = self.terms = self.some(size)
        self.now = NOW
        # Which terms were in force, since when, and whether of an empty bucket.
        self.past: list[tuple[int, Terms, bool]] = [(0, self.terms, True)]
        self.state: State | None = None
        self.given = 0.0
        # Booked, not due yet: the reply and its parts; granted, not settled.
        self.ahead: list[tuple] = []
        self.running: list[tuple[int, Part]] = []
        self.granted: list[Part] = []

    def some(self, size: int) -> Terms:
        """Any rates."""
        return Terms(
            tuple(10 ** self.random.uniform(-6, -3) for _ in range(size)),
            tuple(self.random.choice([1.0, 5.0, 40.0, 7.3]) for _ in range(size)),
        )

    def others(self) -> Terms:
        """Others in their place."""
        sizes = [1, 1, 2, 3] if self.any_size else [len(self.own.rates)]
        return self.some(self.random.choice(sizes))

    @property
    def most(self) -> float:
        """The largest amount that fits."""
        return min(self.terms.caps)

    def trip(self, **wanted):
        """Serve, and let everybody know."""
        # No store does two things in one microsecond.
        self.now += 1
        own = self.own
        request = Request(own, slots.empty(own), **wanted)
        changed, reply = serve(self.state, self.now, request)
        self.state = changed or self.state
        self.given = reply.given
        terms = reply.force.terms if reply.force else own
        if terms != self.terms:
            self.terms = terms
            self.past.append((self.now, terms, False))
        void = max(reply.raised, reply.changed)
        untaken = tuple(
            Settlement(sum(p.amount for p in parts) * -1.0, reply.changed, booked.now)
            for booked, _, parts in self.ahead
            if reply.raised <= booked.now < reply.changed
        )
        self.ahead = [s for s in self.ahead if s[0].now >= void]
        # Of several rates nothing is given back.
        if untaken and len(self.terms.rates) == 1:
            self.trip(settlements=untaken)
        return reply

    def change(self) -> None:
        """Change the rates for all, or take that back."""
        terms = self.random.choice([None, self.others(), self.others()])
        periods = (1.0,) * len(terms.rates) if terms else ()
        self.trip(change=Change(terms, periods))

    def roll_out(self) -> None:
        """Be started with others."""
        self.own = self.others()

    def book(self) -> None:
        """Book for a few, who take it or leave it."""
        groups = tuple(
            Group(self.random.choice([1, 3, 30]), self.amount())
            for _ in range(self.random.randrange(1, 4))
        )
        quantum = self.random.choice([0, 50_000, 1_000_000])
        reply = self.trip(groups=groups, quantum=quantum)
        largest = slots.largest(groups, reply.served)
        parts, taken = [], 0.0
        for group, part in zip(groups, reply.served, strict=False):
            for _ in range(part.number):
                # Who asked before it heard of a smaller burst is turned away.
                if self.random.random() < 0.9 and largest <= self.most:
                    taken += group.amount
                    parts.append(Part(group.amount, taken))
        total = sum(
            g.amount * p.number for g, p in zip(groups, reply.served, strict=False)
        )
        self.ahead.append((reply, reply.given, parts))
        if total > taken and self.random.random() < 0.5:
            refund = Refund(taken, reply.before, reply.after[0], reply.now)
            self.pass_time()
            self.trip(refund=refund)

    def amount(self) -> float:
        """Small, large, or all."""
        return min(
            self.most,
            self.random.choice([1.0, self.most, self.most * self.random.random()]),
        )

    def settle(self) -> None:
        """Some who run cost less, or nothing, or more."""
        settlements = []
        for booked, part in self.running[:]:
            if self.random.random() < 0.5:
                self.running.remove((booked, part))
                cost = part.amount * self.random.choice([0, 0, 0.5, 0.9, 1.2])
                part.kept = min(part.amount, cost)
                settlements.append(Settlement(cost - part.amount, part.due, booked))
        self.trip(settlements=tuple(settlements))

    def pause(self) -> None:
        """Raise the level."""
        self.trip(floors=(Floor(self.random.choice([0.0, 1e5]), 0.0),))

    def reset(self) -> None:
        """Begin anew; what was granted before may still be settled."""
        self.trip(reset=True)
        self.past.append((self.now, self.terms, True))

    def pass_time(self) -> None:
        """Let those run who are due by then."""
        then = self.now + int(self.random.choice([0, 1, 1e3, 1e5, 1e6, 1e7]))
        for reply, given_, parts in self.ahead:
            while parts:
                wait = slots.due(self.terms, reply.before, parts[0].end)
                due = reply.now + ceil(max(0.0, wait - (self.given - given_)))
                due = max(due, self.now)
                if due > then:
                    break
                part = parts.pop(0)
                part.due, part.span = due, len(self.past) - 1
                self.granted.append(part)
                self.running.append((reply.now, part))
        self.now = then

    def excess(self, rounded: float = 1.0) -> float:
        """
        By how much the worst stretch of time is over its bound, in bursts.

        Instants are *rounded*, in microseconds.
        """
        worst, levels = 0.0, (0.0,)
        ends = [at for at, *_ in self.past[1:]] + [inf]
        granted = sorted(self.granted, key=lambda part: (part.due, part.span))
        spans = zip(self.past, ends, strict=True)
        for span, ((since, terms, anew), end) in enumerate(spans):
            levels, last = force.fitted(levels, len(terms.rates)), since
            levels = (0.0,) * len(levels) if anew else levels
            for part in granted:
                if part.span == span:
                    levels = slots.leaked(terms, State(levels, last), part.due)
                    levels = tuple(level + part.kept for level in levels)
                    last = part.due
                    for level, rate, cap in zip(levels, *terms, strict=True):
                        worst = max(worst, (level - rounded * rate) / cap - 1.0)
            levels = slots.leaked(terms, State(levels, last), end)
        return worst


@pytest.mark.parametrize("seed", range(150))
def test_what_was_kept_holds_the_bound(seed):
    """Whatever is booked, left, settled and paused: burst + rate * t, and no more."""
    fleet = Fleet(seed)
    deeds = [fleet.book] * 5 + [fleet.settle] * 3 + [fleet.pause] * (seed % 2)
    for _ in range(120):
        fleet.random.choice(deeds)()
        fleet.pass_time()

    assert fleet.excess() <= 1e-6


@pytest.mark.parametrize("any_size", [False, True], ids=["as many", "any"])
@pytest.mark.parametrize("size", [1, 2, 3])
@pytest.mark.parametrize("seed", range(100))
def test_what_was_kept_holds_the_bound_of_its_time(seed, size, any_size):
    """Changed, taken back, rolled out, reset: what was in force in a stretch holds."""
    fleet = Fleet(seed, size, any_size=any_size)
    deeds = [fleet.book] * 6 + [fleet.settle] * (seed % 4) + [fleet.pause] * (seed % 2)
    deeds += [fleet.change] * 1 + [fleet.roll_out] * (seed % 3)
    deeds += [fleet.reset] * (seed % 5 == 4)
    for _ in range(120):
        fleet.random.choice(deeds)()
        fleet.pass_time()

    # Each change rounds instants, and the fastest rate fills a thousandth of the
    # smallest burst in a microsecond.
    assert fleet.excess(0.0) <= 2e-3
    assert len(fleet.past) > 2
