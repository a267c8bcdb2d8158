"""The shared bucket as arithmetic: what is booked when, and what goes back."""

from __future__ import annotations

import random
from math import inf, isfinite

import pytest
from hypothesis import given, strategies as st

from aiolimiter._core.shared import slots
from aiolimiter._core.shared.slots import serve
from aiolimiter._core.shared.trip import (
    Change,
    Floor,
    Force,
    Group,
    Low,
    Refund,
    Reply,
    Request,
    Served,
    Settlement,
    State,
    Terms,
)

SECOND = 1_000_000
NOW = 1_000 * SECOND

# Who wants nothing, and says what it was started with.
ZERO = (Group(1, 0.0),)
# 10 a second, 10 at once: one takes 100 ms to leak.
TEN = Terms((10 / SECOND,), (10.0,))
# 10 a second and 12 in 2 seconds.
BOTH = Terms((10 / SECOND, 6 / SECOND), (10.0, 12.0))
NOTHING = State((0.0,), 0)


def ask(
    level: float, *groups: Group, terms: Terms = TEN, quantum: int = 0, **rest: object
) -> tuple[State | None, Reply]:
    """Serve *groups* on a bucket that stands at *level* now."""
    state = State((level,) * len(terms.rates), NOW)
    seen = slots.empty(terms)
    request = Request(terms, seen, groups=groups, quantum=quantum, **rest)
    return serve(state, NOW, request)


def dues(terms: Terms, reply: Reply, groups: tuple[Group, ...]) -> list[float]:
    """The waits, in milliseconds, of those who are booked."""
    taken, found = 0.0, []
    for group, part in zip(groups, reply.served, strict=False):
        for _ in range(part.number):
            taken += group.amount
            found.append(round(slots.due(terms, reply.before, taken) / 1000, 3))
    return found


@pytest.mark.parametrize(
    ("level", "quantum_ms", "groups", "booked_ms", "after"),
    [
        # What fits is free, the quantum comes on top of it.
        (0.0, 0, [Group(3, 1.0)], [0, 0, 0], 3.0),
        (0.0, 0, [Group(12, 1.0)], [0] * 10, 10.0),
        (0.0, 300, [Group(20, 1.0)], [0] * 10 + [100, 200, 300], 13.0),
        # The first is booked however far away it is, the second is not.
        (10.0, 0, [Group(5, 1.0)], [100], 11.0),
        (10.0, 50, [Group(1, 10.0), Group(1, 1.0)], [1000], 20.0),
        (15.0, 200, [Group(9, 1.0)], [600, 700], 17.0),
        # Mixed amounts come in their order.
        (8.0, 250, [Group(1, 1.0), Group(1, 3.0), Group(9, 1.0)], [0, 200], 12.0),
        # An amount of nothing is in turn, and takes nothing.
        (9.0, 0, [Group(2, 0.0), Group(1, 1.0), Group(1, 0.0)], [0] * 4, 10.0),
        (9.5, 0, [Group(1, 0.0), Group(1, 1.0)], [0, 50], 10.5),
    ],
)
def test_a_trip_books_what_is_free_and_a_quantum(
    level, quantum_ms, groups, booked_ms, after
):
    """A trip books what fits now, a quantum beyond, and always the first."""
    _, reply = ask(level, *groups, quantum=quantum_ms * 1000)

    assert dues(TEN, reply, tuple(groups)) == booked_ms
    assert reply.after == (pytest.approx(after),)


@pytest.mark.parametrize(
    ("level", "group", "served"),
    [
        (0.0, Group(3, 1.0, 0.0), Served(3, refused=False)),
        (8.0, Group(3, 1.0, 0.0), Served(2, refused=True)),
        (10.0, Group(1, 1.0, 0.0), Served(0, refused=True)),
        # Due after 100 ms: exactly that is in time.
        (10.0, Group(1, 1.0, 99_000.0), Served(0, refused=True)),
        (10.0, Group(1, 1.0, 100_000.0), Served(1, refused=False)),
        (10.0, Group(5, 1.0, 300_000.0), Served(1, refused=False)),
        (10.0, Group(5, 1.0, 100_000.0), Served(1, refused=True)),
    ],
)
def test_a_wait_that_can_not_be_is_refused_by_the_store(level, group, served):
    """A wait that is too short is refused, and nothing is taken for it."""
    state, reply = ask(level, group)

    assert reply.served == (served,)
    assert reply.after == (pytest.approx(level + served.number),)
    assert (state is None) == (served.number == 0)


def test_a_refused_head_leaves_its_place_to_the_next():
    """Behind a head that is refused, the next one is booked in any case."""
    _, reply = ask(10.0, Group(1, 5.0, 0.0), Group(2, 1.0))

    assert reply.served == (Served(0, refused=True), Served(1, refused=False))


@given(n=st.integers(1, 10_000), period=st.floats(1e-3, 1e6))
def test_a_shared_burst_is_whole(n, period):
    """An empty bucket of n books n at one instant, and not one more."""
    terms = Terms((n / period / SECOND,), (float(n),))
    state = None
    for _ in range(3):
        part = Group(max(1, n // 3), 1.0, 0.0)
        state, _ = serve(state, NOW, Request(terms, NOTHING, groups=(part,)))
    left = Group(n, 1.0, 0.0)
    changed, reply = serve(state, NOW, Request(terms, NOTHING, groups=(left,)))

    assert (changed or state).levels[0] == n
    assert reply.served[0].refused or n == reply.served[0].number


def test_ten_tenths_fit_into_one():
    """Sums that round up do not cost the last of a burst."""
    terms = Terms((1 / SECOND,), (1.0,))
    state = None
    for _ in range(10):
        group = Group(1, 0.1, 0.0)
        state, reply = serve(state, NOW, Request(terms, NOTHING, groups=(group,)))

        assert reply.served == (Served(1, refused=False),)


# Several rates.


def test_several_rates_are_kept_at_once():
    """Of 10 a second and 12 in 2 seconds the slower binds from the 16th on."""
    groups = (Group(17, 1.0),)
    _, reply = ask(0.0, *groups, terms=BOTH, quantum=900_000)

    late = dues(BOTH, reply, groups)[10:]
    assert late == [100, 200, 300, 400, 500, 666.667, 833.333]


def test_what_a_slow_rate_puts_off_fills_a_fast_one_at_its_time():
    """An amount that a slow rate books late is in the fast bucket when it is due."""
    state = State((0.0, 12.0), NOW)
    request = Request(BOTH, slots.empty(BOTH), groups=(Group(1, 6.0),))
    changed, _ = serve(state, NOW, request)
    late = slots.leaked(BOTH, changed, NOW + SECOND)

    assert late == (pytest.approx(6.0), pytest.approx(12.0))


@pytest.mark.parametrize("level", [0.0, 1.0, 3.0])
def test_a_slow_rate_that_is_nearly_empty_can_not_leak_while_a_fast_one_puts_off(level):
    """However little a slow rate holds when a fast one owes, its burst is one burst."""
    terms = Terms((10 / SECOND, 1 / SECOND), (10.0, 5.0))
    groups = (Group(40, 1.0),)
    state = State((100.0, level), NOW)
    request = Request(terms, slots.empty(terms), groups=groups, quantum=60 * SECOND)
    _, reply = serve(state, NOW, request)
    late = dues(terms, reply, groups)

    # The fast one owes 9 s; from then on the slow one lets 5 through, and 1 a second.
    assert late[:5] == [9100, 9200, 9300, 9400, 9500]
    assert all(late[n + 5] - late[n] >= 1000 for n in range(len(late) - 5))


FAST, SLOW = (100 / SECOND, 100.0), (1 / SECOND, 60.0)


@pytest.mark.parametrize(
    ("before", "levels", "after", "kept"),
    [
        # Ten are put off for ten seconds: in the fast one that is no water.
        ((FAST, SLOW), (1010.0, 70.0), (SLOW,), (100.0,)),
        ((FAST, SLOW), (1010.0, 130.0), (SLOW,), (130.0,)),
        ((FAST, SLOW), (1010.0, 70.0), (SLOW, FAST), (100.0, 70.0)),
        ((SLOW, FAST), (70.0, 1010.0), (FAST, SLOW), (70.0, 100.0)),
        # The slowest has all; a debt is one.
        ((FAST, SLOW), (30.0, 70.0), (SLOW,), (30.0,)),
        ((FAST, SLOW), (30.0, 70.0), (SLOW, FAST), (70.0, 70.0)),
        ((FAST,), (250.0,), (SLOW,), (250.0,)),
        ((FAST,), (250.0,), (SLOW, FAST), (250.0, 250.0)),
    ],
)
def test_several_rates_keep_their_water_in_a_change(before, levels, after, kept):
    """What was put off for a slow rate is not owed at the next ones; a debt is."""
    old, new = (Terms(*zip(*each, strict=True)) for each in (before, after))
    change = Change(new, (1.0,) * len(after))
    request = Request(old, slots.empty(old), change=change)
    _, reply = serve(State(levels, NOW, force=Force(old)), NOW, request)

    assert reply.after == kept


def test_a_rate_without_a_level_starts_from_the_last_one():
    """While a second rate is rolled out, it starts as full as the first one is."""
    state = State((7.0,), NOW)
    state = state._replace(force=Force(TEN))
    _, reply = serve(state, NOW, Request(BOTH, slots.empty(BOTH), groups=ZERO))

    assert reply.after == (7.0, 7.0)


def test_a_level_without_a_rate_is_left_out():
    """While a second rate is rolled back, its level is ignored."""
    state = State((7.0, 9.0), NOW, force=Force(BOTH))
    _, reply = serve(state, NOW, Request(TEN, NOTHING, groups=ZERO))

    assert reply.after == (7.0,)


# The clock.


@pytest.mark.parametrize(
    ("seconds", "level"), [(0.0, 8.0), (0.3, 5.0), (60.0, 0.0), (-3600.0, 8.0)]
)
def test_the_level_leaks_and_a_clock_that_steps_back_leaks_nothing(seconds, level):
    """The level falls at the rate to nothing, and stays when the clock steps back."""
    state = State((8.0,), NOW)
    now = NOW + int(seconds * SECOND)
    changed, reply = serve(state, now, Request(TEN, NOTHING))

    assert reply.after == (pytest.approx(level),)
    kept = State((8.0,), now, lows=(Low(now, (8.0,)),))
    kept = kept._replace(force=changed and changed.force)
    assert changed == (kept if now < NOW else None)


def test_a_clock_that_stepped_back_is_the_clock_from_then_on():
    """After a step back by an hour the new clock counts, also if nobody gets in."""
    now = NOW - 3600 * SECOND
    request = Request(TEN, NOTHING, groups=(Group(1, 6.0, 0.0),))
    state, refused = serve(State((5.0,), NOW), now, request)
    _, reply = serve(state, now + SECOND // 2, Request(TEN, NOTHING))

    assert refused.served[0].refused
    assert state.last == now
    assert reply.after == (pytest.approx(0.0),)


# What the store lost.


def test_who_comes_first_heals_a_store_that_lost_its_key():
    """A lost level comes back from the first caller who saw it, less what leaked."""
    seen = State((9.0,), NOW - SECOND // 10)
    group = Group(5, 1.0, 0.0)
    state, reply = serve(None, NOW, Request(TEN, seen, groups=(group,)))

    assert reply.served == (Served(2, refused=True),)
    assert state.levels == (pytest.approx(10.0),)


def test_a_state_that_is_newer_than_what_was_seen_is_believed():
    """What others have changed since is not undone by an older view of it."""
    seen = State((9.0,), NOW - 1)
    _, reply = serve(State((1.0,), NOW), NOW, Request(TEN, seen))

    assert reply.after == (1.0,)


# Giving back.


def test_a_tail_is_refunded():
    """What was booked last and is not wanted leaves no trace."""
    refund = Refund(1.0, (4.0,), 8.0, NOW)
    state, reply = ask(8.0, refund=refund)

    assert reply.refunded
    assert state.levels == (5.0,)


def test_of_several_rates_another_may_be_the_slowest_without_the_tail():
    """What is kept of a stretch is booked as if the rest had never been."""
    groups = (Group(16, 1.0),)
    state, reply = ask(0.0, *groups, terms=BOTH, quantum=10 * SECOND)
    kept, _ = ask(0.0, Group(11, 1.0), terms=BOTH, quantum=10 * SECOND)
    refund = Refund(11.0, reply.before, reply.after[0], NOW)
    left, _ = serve(state, NOW, Request(BOTH, slots.empty(BOTH), refund=refund))

    assert left.levels == kept.levels


def test_what_is_left_after_a_refund_is_as_low_as_it_was():
    """What is booked in the trip of a refund does not hide how low that left it."""
    refund = Refund(1.0, (4.0,), 8.0, NOW)
    state, _ = ask(8.0, Group(3, 1.0), refund=refund)

    assert state.lows == (Low(NOW, (5.0,)),)


def test_of_several_rates_one_may_run_dry_while_the_other_puts_off():
    """Nothing is assumed of how low several rates run before what is put off."""
    state, _ = ask(9.0, Group(9, 1.0), terms=BOTH, quantum=SECOND)

    assert state.lows[-1].at > NOW
    assert state.lows[-1].levels == (0.0, 0.0)


@pytest.mark.parametrize(
    "refund", [Refund(1.0, (4.0,), 8.0, NOW - 1), Refund(1.0, (4.0,), 7.0, NOW)]
)
def test_what_is_not_the_tail_is_not_refunded(refund):
    """What others have booked behind stays booked."""
    state, reply = ask(8.0, refund=refund)

    assert not reply.refunded
    assert state is None


@pytest.mark.parametrize(
    ("low", "level", "amount", "ago_ms", "after", "moved_ms"),
    [
        # Nobody is ahead: what has not leaked since goes back.
        (5.0, 8.0, -3.0, 0, 5.0, 0),
        (5.0, 8.0, -3.0, 100, 5.0, 0),
        (2.5, 8.0, -3.0, 500, 5.5, 0),
        (0.0, 8.0, -3.0, 500, 8.0, 0),
        (5.0, 2.0, -3.0, 0, 0.0, 0),
        # No more has leaked than the rate makes leak.
        (0.0, 8.0, -3.0, 100, 6.0, 0),
        # Somebody is booked ahead, and moves up.
        (5.0, 12.0, -3.0, 0, 9.0, 300),
        (1.0, 12.0, -3.0, 100, 10.0, 200),
        (5.0, 12.0, -3.0, 100, 9.0, 300),
        # More than was booked is a debt.
        (5.0, 8.0, 5.0, 0, 13.0, 0),
        # The clock stepped back since: nobody can say what has leaked.
        (5.0, 8.0, -3.0, -100, 8.0, 0),
    ],
)
def test_settling(  # noqa: PLR0917 -- a table
    low, level, amount, ago_ms, after, moved_ms
):
    """Settling for less gives back what has not leaked, and moves up who is ahead."""
    due = NOW - ago_ms * 1000
    state = State((level,), NOW, lows=(Low(NOW, (low,)),))
    settlements = (Settlement(amount, due, NOW - SECOND),)
    _, reply = serve(state, NOW, Request(TEN, NOTHING, settlements=settlements))

    assert reply.after == (pytest.approx(after),)
    assert reply.given == pytest.approx(moved_ms * 1000)


def test_settling_two_rates_with_somebody_ahead_moves_both_by_one_time():
    """With somebody ahead, no rate gets more back than all of them can stand."""
    settlement = Settlement(-3.0, NOW - 100_000, NOW - SECOND)
    state = State((13.0, 13.0), NOW, lows=(Low(NOW, (0.0, 0.0)),))
    request = Request(BOTH, slots.empty(BOTH), settlements=(settlement,))
    _, reply = serve(state, NOW, request)

    # 2 of 3 are left of the faster rate: 200 ms; 2.4 of the slower: 400 ms.
    assert reply.given == pytest.approx(200_000)
    assert reply.after == (pytest.approx(11.0), pytest.approx(11.8))


def test_what_was_booked_before_a_pause_gives_nothing_back():
    """A pause swallows what is settled down after it."""
    settlement = Settlement(-3.0, NOW, NOW - SECOND)
    state = State((8.0,), NOW, raised=NOW - 1)
    _, reply = serve(state, NOW, Request(TEN, NOTHING, settlements=(settlement,)))

    assert reply.after == (8.0,)


# Pausing and restricting.


@pytest.mark.parametrize(
    ("level", "floor", "after", "raised"),
    [
        (3.0, Floor(2.0 * SECOND, 0.0), 30.0, True),
        # All that is booked is void, also where the level is high already.
        (40.0, Floor(2.0 * SECOND, 0.0), 40.0, True),
        (3.0, Floor(0.0, 4.0), 6.0, True),
        (7.0, Floor(0.0, 4.0), 7.0, False),
        (0.0, Floor(0.0, 40.0), 0.0, False),
    ],
)
def test_a_pause_and_a_restriction_raise_the_level(level, floor, after, raised):
    """A pause leaves nothing until its end, a restriction what it says."""
    _, reply = ask(level, floors=(floor,))

    assert reply.after == (after,)
    assert reply.raised == (NOW if raised else 0)


def test_after_a_pause_the_first_is_due_one_leaking_time_later():
    """A pause of two seconds at 10 a second lets the first one go after 2.1."""
    groups = (Group(1, 1.0),)
    _, reply = ask(0.0, *groups, floors=(Floor(2.0 * SECOND, 0.0),))

    assert dues(TEN, reply, groups) == [2100]


@pytest.mark.parametrize(
    "rest",
    [
        {"floors": (Floor(inf, 0.0),)},
        {"settlements": (Settlement(1.7e308, NOW, NOW),) * 2},
        {"floors": (Floor(1e12 * SECOND, 0.0),) * 3},
    ],
    ids=["pause", "debts", "pauses"],
)
def test_no_debt_is_without_end(rest):
    """Whatever is told, the state is finite, drains in 285 years, and goes on."""
    state, reply = ask(5.0, Group(1, 1.0), terms=BOTH, **rest)
    again, _ = serve(state, NOW, Request(BOTH, state, groups=(Group(3, 2.0),)))

    assert again is not None
    assert slots.drain(BOTH, again.levels) <= slots.LONGEST * 1.01
    assert all(map(isfinite, (*again.levels, again.given, again.raised)))
    assert reply.served == (Served(1, refused=False),)


def test_two_rates_as_large_as_can_be_stay_finite():
    """Levels of rates at the end of what a float can hold add up to a number."""
    terms = Terms((1e300, 1e302), (1.7e308, 1e308))
    settlement = Settlement(1.7e308, NOW, NOW)
    state, _ = ask(
        1e307, Group(2, 1e308), terms=terms, settlements=(settlement, settlement)
    )

    assert all(map(isfinite, state.levels))


def test_moving_up_without_end_is_bounded():
    """What all have moved up by is counted to the end, and stays a number."""
    state = State((12.0,), NOW, given=slots.LONGEST)
    settlement = Settlement(-3.0, NOW, NOW - 1)
    changed, reply = serve(state, NOW, Request(TEN, NOTHING, settlements=(settlement,)))

    assert changed.levels == (pytest.approx(9.0),)
    assert reply.given == slots.LONGEST


@pytest.mark.parametrize(("raised", "found"), [(NOW + SECOND, NOW), (-5, 0), (3, 3)])
def test_a_pause_was_never_made_later_than_now(raised, found):
    """After the clock stepped back, a pause of before is one of now."""
    state = State((12.0,), NOW, raised=raised)
    _, reply = serve(state, NOW, Request(TEN, NOTHING))

    assert reply.raised == found


def test_a_reset_forgets_all_of_before():
    """After a reset the bucket is empty, what was booked is void and gives nothing."""
    state = State((50.0,), NOW - 1, 7.0, 5, (Low(NOW - 1, (3.0,)),))
    changed, reply = serve(state, NOW, Request(TEN, NOTHING, reset=True))

    assert changed == State((0.0,), NOW, 7.0, NOW, force=changed.force)
    assert reply.raised == NOW

    settlement = Settlement(-3.0, NOW - 1, NOW - 1)
    full = changed._replace(levels=(5.0,))
    _, reply = serve(full, NOW, Request(TEN, NOTHING, settlements=(settlement,)))
    assert reply.after == (5.0,)


def test_a_pause_of_the_same_trip_outlasts_a_reset():
    """Told at once, a reset does not undo a pause: the careful one counts."""
    _, reply = ask(5.0, reset=True, floors=(Floor(SECOND, 0.0),))

    assert reply.after == (pytest.approx(20.0),)


def test_how_long_a_state_matters():
    """A state is needed until the slowest of its levels has drained."""
    assert slots.drain(BOTH, (10.0, 12.0)) == pytest.approx(2 * SECOND)


# The promise.


class Fleet:
    """Processes that book at random, and what they were granted when."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        size = self.random.choice([1, 1, 2, 3])
        self.terms = Terms(
            tuple(10 ** self.random.uniform(-6, -3) for _ in range(size)),
            tuple(self.random.choice([1.0, 5.0, 40.0, 7.3]) for _ in range(size)),
        )
        self.now = NOW
        self.state: State | None = None
        self.granted: list[tuple[float, float]] = []

    def trip(self) -> None:
        """One process books, and divides its stretch as it likes."""
        most = min(self.terms.caps)
        size = self.random.randrange(1, 5)
        groups = tuple(self.group(most) for _ in range(size))
        seen = slots.empty(self.terms)
        quantum = self.random.choice([0, 50_000, SECOND])
        request = Request(self.terms, seen, groups=groups, quantum=quantum)
        changed, reply = serve(self.state, self.now, request)
        self.state = changed or self.state
        booked = sum(
            group.amount * part.number
            for group, part in zip(groups, reply.served, strict=False)
        )
        taken = 0.0
        while taken < booked:
            # One that gave up took nothing; those behind it moved up.
            amount = min(most * self.random.choice([1.0, 0.3, 0.01]), booked - taken)
            taken += amount
            wait = slots.due(self.terms, reply.before, taken)
            if self.random.random() < 0.9:
                self.granted.append((self.now + wait, amount))

    def group(self, most: float) -> Group:
        """A few or many of one amount."""
        amount = self.random.choice([1.0, most, most * self.random.random()])
        return Group(self.random.choice([1, 3, 100]), min(amount, most))

    def excess(self) -> float:
        """By how much the worst stretch of time is over its bound, in bursts."""
        self.granted.sort()
        worst = 0.0
        for rate, cap in zip(*self.terms, strict=True):
            level, last = 0.0, 0.0
            for due, amount in self.granted:
                level = max(0.0, level - (due - last) * rate) + amount
                last = due
                worst = max(worst, level / cap - 1.0)
        return worst


@pytest.mark.parametrize("seed", range(200))
def test_no_stretch_of_time_holds_more_than_burst_and_rate(seed):
    """However processes book and divide, nothing is due beyond burst + rate * t."""
    fleet = Fleet(seed)
    for _ in range(60):
        fleet.trip()
        fleet.now += int(fleet.random.choice([0, 1, 1e3, 1e5, 1e6, 1e7]))

    assert fleet.granted
    assert fleet.excess() <= 1e-6
