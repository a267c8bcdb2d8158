"""
The laws of several limits at once.

`Crowd` checks most of them at each event: all or nothing, every member's bound,
the order, deadlines, timers, statistics, and that nothing stays behind.
"""

from __future__ import annotations

from hypothesis import example, given, settings, strategies as st

from aiolimiter import AsyncLimiter, CombinedLimiter, KeyedLimiter

from .crowd import Crowd, Member
from .lengths import long_lines
from .model import SLACK
from .profile import examples
from .street import Street

NAMES = "abcde"
PARTS = (1 / 8, 1 / 4, 1 / 2, 1.0)
SECONDS = (0.0, 0.01, 0.1, 0.25, 0.5, 1.0, 2.0, 7.0)
WAITS = (None, None, None, None, 0.0, 0.5, 2.0, 5.0)
COSTS = (0.0, 0.5, 1.0, 1.5)

CALM = (
    *("come", "come", "come", "single", "single", "reserve", "ask"),
    *("cancel", "settle", "leave", "busy", "turn", "fire", "sleep", "sleep", "sleep"),
)
WILD = (*CALM, "pause", "restrict", "grow", "speed_up")
SINGLES = ("single", "single", "pause", "restrict", "cancel", "busy", "sleep")

RATES = st.sampled_from([0.5, 1.0, 2.0, 3.0, 10.0])
BURSTS = st.sampled_from([1.0, 2.0, 3.0, 5.0])
KINDS = st.tuples(st.sampled_from(["bucket", "window", "key"]), RATES, BURSTS)
BUCKETS = st.tuples(st.just("bucket"), RATES, BURSTS)
FEW = st.lists(KINDS, min_size=1, max_size=5)
STARTS = st.sampled_from([0.0, 0.0, 1e8])
LONG = st.sampled_from([0, 32])


def steps_of(kinds, most=80):
    """What happens, to which members, how much of each, and a number for more."""
    who, parts = st.integers(1, 31), st.integers(0, 1023)
    step = st.tuples(st.sampled_from(kinds), who, parts, st.integers(0, 7))
    # Longer than Hypothesis would make them: alone, a step does little.
    return st.lists(step, min_size=most // 4, max_size=most)


def crowd_of(kinds, start=0.0):
    members = {name: Member(*kind) for name, kind in zip(NAMES, kinds, strict=False)}
    return Crowd(members, start)


def amounts_of(crowd, who, parts):
    """Want a part of the burst of each member whose bit is set; of one at least."""
    members = list(crowd.members.items())
    chosen = [at for at in range(len(members)) if who >> at & 1] or [0]
    return {
        members[at][0]: members[at][1].burst * PARTS[parts >> 2 * at & 3]
        for at in chosen
    }


def take_step(crowd, step):
    kind, who, parts, number = step
    name = sorted(crowd.members)[who % len(crowd.members)]
    if kind in {"come", "reserve", "single"}:
        amounts = amounts_of(crowd, who, parts)
        if kind == "single":
            amounts = dict(list(amounts.items())[:1])
        called = "acquire" if kind == "come" else kind
        crowd.come(amounts, called, WAITS[number])
    elif kind == "ask":
        crowd.ask(amounts_of(crowd, who, parts))
    elif kind in {"pause", "restrict"}:
        getattr(crowd, kind)(name, SECONDS[number])
    elif kind in {"grow", "speed_up"}:
        crowd.change(name, kind, 0.5 if number % 2 else 2.0)
    elif kind in {"busy", "sleep"}:
        getattr(crowd, kind)(SECONDS[number])
    else:
        step_inside(crowd, kind, who, parts)


def step_inside(crowd, kind, who, parts):
    """Do what needs somebody or something to do it to, if there is any."""
    if kind == "turn":
        if crowd.loop.ready:
            crowd.turn()
    elif kind == "fire":
        if crowd.loop.timers:
            crowd.fire()
    elif kind == "cancel":
        there = [g for g in crowd.people if g.state in {"waiting", "granted"}]
        if there:
            crowd.cancel(there[parts % len(there)])
    else:
        there = [g for g in crowd.people if g.state == "inside"]
        if there and kind == "leave":
            crowd.leave(there[parts % len(there)])
        elif there and not there[parts % len(there)].settled:
            guest = there[parts % len(there)]
            costs = {n: a * COSTS[who % 4] for n, a in guest.amounts.items()}
            crowd.settle(guest, costs)


# One passes another who wants so much that it comes only much later.
BEFORE_A_LARGE_ONE = [
    ("come", 1, 3, 0),
    ("come", 1, 0, 0),
    ("come", 1, 3, 0),
    ("sleep", 1, 0, 6),
    ("come", 1, 0, 7),
]


# One gives up whose key is that of many, who stand in several rows.
ONE_OF_MANY = [
    *[("come", 1, 0, 0)] * 13,
    *[("come", 1, 0, 4)] * 2,
    ("come", 1, 1, 0),
    ("ask", 1, 0, 0),
    ("come", 1, 0, 0),
    ("cancel", 1, 104, 0),
    ("come", 1, 0, 0),
]


# What was foretold when nobody waited is asked of by one who comes much later.
LONG_AGO = [
    *[("come", 1, 0, 0)] * 8,
    *[("ask", 1, 0, 0)] * 3,
    ("sleep", 1, 0, 6),
    ("come", 1, 0, 0),
    ("sleep", 1, 0, 6),
    *[("come", 1, 0, 0)] * 2,
    ("come", 1, 1, 0),
    ("come", 1, 2, 0),
    ("single", 1, 0, 0),
    ("come", 1, 0, 4),
]


@given(kinds=FEW, start=STARTS, steps=steps_of(CALM), long=LONG)
@example(kinds=[("window", 0.5, 1.0)], start=0.0, steps=LONG_AGO, long=0)
@example(kinds=[("bucket", 0.5, 1.0)], start=0.0, steps=ONE_OF_MANY, long=0)
@example(kinds=[("window", 1.0, 5.0)], start=0.0, steps=BEFORE_A_LARGE_ONE, long=0)
@settings(max_examples=examples(100))
def test_all_or_nothing(kinds, start, steps, long):
    """Levels tell of full admissions only; in order, in time, and with no traces."""
    crowd = crowd_of(kinds, start)
    with long_lines(long):
        for step in steps:
            take_step(crowd, step)
        crowd.finish()


# Of what is settled up, the key is forgotten meanwhile.
FORGOTTEN = [
    ("reserve", 1, 1, 0),
    ("sleep", 0, 0, 7),
    ("reserve", 1, 1, 0),
    ("leave", 0, 1, 0),
    ("sleep", 0, 0, 7),
    ("sleep", 0, 0, 0),
    ("settle", 3, 0, 0),
]
# One waits in the first member, and never fits into the second any more.
TOO_MUCH = [("single", 1, 3, 0), ("come", 3, 15, 0), ("grow", 1, 0, 1)]
# One is due and about to come, keeps another one waiting, and is held up.
HELD_UP = [
    ("single", 1, 3, 0),
    ("single", 2, 12, 0),
    ("come", 3, 15, 0),
    ("sleep", 0, 0, 7),
    ("pause", 1, 0, 7),
    ("sleep", 0, 0, 7),
    ("sleep", 0, 0, 6),
    ("sleep", 0, 0, 6),
    ("busy", 0, 0, 6),
    ("single", 1, 2, 0),
    ("pause", 1, 0, 7),
    ("sleep", 0, 0, 0),
]


@given(kinds=FEW, start=STARTS, steps=steps_of(WILD), long=LONG)
@example(kinds=[("key", 1.0, 1.0)], start=0.0, steps=FORGOTTEN, long=32)
@example(kinds=[("bucket", 1.0, 1.0)] * 2, start=0.0, steps=TOO_MUCH, long=32)
@example(
    kinds=[("bucket", 1.0, 10.0), ("bucket", 2.0, 10.0)],
    start=0.0,
    steps=HELD_UP,
    long=32,
)
@settings(max_examples=examples(100))
def test_nobody_is_stranded(kinds, start, steps, long):
    """Whatever happens to the members meanwhile, all are served or told why not."""
    crowd = crowd_of(kinds, start)
    with long_lines(long):
        for step in steps:
            take_step(crowd, step)
        crowd.finish()


@given(
    kinds=st.lists(KINDS, min_size=1, max_size=4),
    start=STARTS,
    steps=steps_of(SINGLES, most=20),
    who=st.integers(1, 15),
    parts=st.integers(0, 255),
)
@settings(max_examples=examples(60))
def test_sleeping_retry_after_is_enough(kinds, start, steps, who, parts):
    """Who sleeps retry_after and asks again, and nobody else came, is admitted."""
    crowd = crowd_of(kinds, start)
    for step in steps:
        take_step(crowd, step)
    crowd.sleep(0.0)
    amounts = amounts_of(crowd, who, parts)
    decision = crowd.ask(amounts)
    again = crowd.loop.now + decision.retry_after
    crowd.sleep(decision.retry_after)
    crowd.loop.now = again

    assert decision or crowd.ask(amounts)


# How long one may wait.


@given(
    kinds=st.lists(BUCKETS, min_size=2, max_size=4),
    steps=steps_of(["come", "single", "single", "sleep"], most=60),
)
@settings(max_examples=examples(60))
def test_the_bound_of_a_wait(kinds, steps):
    """It waits no longer than in all full members together, with all before it."""
    crowd = crowd_of(kinds)
    for kind, who, parts, number in steps:
        # Nobody gives up: who does is in the way until then.
        take_step(crowd, (kind, who, parts, number % 7 if kind == "sleep" else 0))
    crowd.finish()

    for guest in crowd.people:
        waited = guest.admitted_at - guest.arrived
        assert waited <= bound_of(crowd, guest) + SLACK * max(1.0, waited)


def bound_of(crowd, guest):
    return sum(alone(crowd, other) for other in chain_of(crowd, guest))


def alone(crowd, guest):
    """What it would wait in each of its members if that were full, in sum."""
    waits = 0.0
    for name, amount in guest.amounts.items():
        member = crowd.members[name]
        debt = max(0.0, guest.found[name] - member.burst)
        ahead = sum(
            other.amounts[name]
            for other in crowd.people
            if name in other.amounts and is_ahead(crowd, other, guest)
        )
        waits += (debt + ahead + amount) / member.rate
    return waits


def is_ahead(crowd, other, guest):
    met = other is not guest and guest.admitted_before <= other.place
    return met and crowd.key(other) <= crowd.key(guest) + SLACK


def chain_of(crowd, guest):
    """It, and those who want several and are ahead, from member to member."""
    chain, fresh = {guest}, {guest}
    while fresh:
        fresh = {
            other
            for other in crowd.people
            if len(other.amounts) > 1
            and any(one.needs(other) and is_ahead(crowd, other, one) for one in fresh)
        } - chain
        chain |= fresh
    return chain


@given(
    rates=st.tuples(st.integers(1, 8), st.integers(1, 8)),
    spent=st.tuples(st.integers(1, 8), st.integers(1, 8)),
    eighths=st.integers(1, 8),
)
@example(rates=(1, 1), spent=(4, 8), eighths=4)
@settings(max_examples=examples(30))
def test_greedy_ones_do_not_starve_who_needs_several(rates, spent, eighths):
    """Others ask each member again and again: it waits as long as in both, in sum."""
    street = Street()
    members = [AsyncLimiter(rate, 1, burst=1) for rate in rates]
    for member, part in zip(members, spent, strict=True):
        street.call(member.try_acquire, part / 8)
    admitted = []
    street.come(
        CombinedLimiter(*members), then=lambda: admitted.append(street.loop.now)
    )
    pause = eighths / 64 / max(rates)
    while not admitted and street.loop.now < 10.0:
        for member in members:
            street.call(member.try_acquire)
        street.sleep(pause)

    assert admitted[0] <= sum(1 / rate for rate in rates) + pause


# One who has to wait does not block the others.


@given(
    rate=st.integers(2, 30),
    blocked=st.integers(1, 20),
    messages=st.integers(1, 40),
    moved=st.booleans(),
)
@example(rate=2, blocked=5, messages=20, moved=True)
@settings(max_examples=examples(30))
def test_one_chat_does_not_stop_another(rate, blocked, messages, moved):
    """With chat A paused for 60 s, chat B's messages go at the full rate."""
    street = Street()
    everyone = AsyncLimiter(rate, 1)
    chats = KeyedLimiter(1000, 1)
    if moved:
        # A's messages wait for everyone first, and leave promises there.
        street.call(everyone.try_acquire, rate)
    else:
        street.call(chats["A"].pause, 60)
    for _ in range(blocked):
        street.come(CombinedLimiter(everyone, chats["A"]))
    if moved:
        street.call(chats["A"].pause, 60)
        street.sleep(blocked / rate + 1.0)
        assert bool(everyone._line.promises)
    start, at = street.loop.now, []
    for _ in range(messages):
        street.come(
            CombinedLimiter(everyone, chats["B"]),
            then=lambda: at.append(street.loop.now),
        )
    street.sleep(50.0 - start)

    expected = [start + max(0, nth - rate + 1) / rate for nth in range(messages)]
    assert [round(instant, 6) for instant in at] == [round(e, 6) for e in expected]
    street.sleep(1000.0)
    assert all(task.done() for task in street.tasks)


def test_who_is_cancelled_after_the_grant_gives_all_back():
    """Granted and not yet run, a cancelled request leaves all members as before."""
    street = Street()
    one, other = AsyncLimiter(1, 1), AsyncLimiter(1, 1)
    for limiter in (one, other):
        street.call(limiter.try_acquire)
    task = street.come(CombinedLimiter(one, other))
    for _ in range(9):
        if not street.loop.ready:
            street.loop.now = street.loop.alarm()
            street.loop.fire()
    task.cancel()
    street.run()

    assert task.cancelled()
    for limiter in (one, other):
        assert street.call(limiter.statistics).level == 0.0


def test_who_is_due_in_one_waits_for_the_other():
    """Due in one member while another is full: it takes from none, and waits."""
    street = Street()
    one, other = AsyncLimiter(1, 1), AsyncLimiter(1, 1)
    for limiter in (one, other):
        street.call(limiter.try_acquire)
    street.come(other)
    at = []
    both = CombinedLimiter(one, other)
    street.come(both, then=lambda: at.append(street.loop.now))
    street.sleep(1.75)
    assert street.call(one.try_acquire)
    street.sleep(5.0)

    assert [round(instant, 6) for instant in at] == [2.75]
    assert not one._line.promises
    assert not other._line.promises
