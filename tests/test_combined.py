"""Several limits taken as one: all, or nothing."""

from __future__ import annotations

import asyncio
import re

import pytest

from aiolimiter import (
    AsyncLimiter,
    CombinedLimiter,
    Decision,
    KeyedLimiter,
    RateLimitExceeded,
    SlidingWindowLimiter,
)

from .timetable import (
    admission,
    admissions,
    at_the_grant,
    block,
    in_line,
    now,
    spent,
    until,
    virtual,
)


def whole(message: str) -> str:
    return f"^{re.escape(message)}$"


async def test_it_admits_when_all_would():
    """The slower member decides: first its burst, then its rate."""
    both = CombinedLimiter(AsyncLimiter(10, 10), AsyncLimiter(2, 10))

    assert await admissions(both, [0] * 4) == [0, 0, 5, 10]


async def test_it_takes_from_all():
    """Each member pays, at the instant of the admission."""
    first, second = AsyncLimiter(10, 10), SlidingWindowLimiter(5, 10)

    await CombinedLimiter(first, second).acquire(3)

    assert (first.statistics().level, second.statistics().level) == (3, 3)


async def test_amounts_by_name():
    """By name each member is given an amount of its own."""
    requests, tokens = AsyncLimiter(10, 10), AsyncLimiter(1000, 10)
    model = CombinedLimiter(requests=requests, tokens=tokens)

    await model.acquire(requests=1, tokens=900)

    assert requests.statistics().level == 1
    assert tokens.statistics().level == 900
    await model.acquire(requests=1, tokens=300)
    assert now() == 2


async def test_the_plain_amount_is_for_all_that_are_not_named():
    """Who is not named in a call gives the plain amount, which is 1 by default."""
    plain, named = AsyncLimiter(10), AsyncLimiter(10)
    both = CombinedLimiter(plain, named=named)

    await both.acquire()
    await both.acquire(2)
    await both.acquire(3, named=4)

    assert plain.statistics().level == pytest.approx(6)
    assert named.statistics().level == pytest.approx(7)


async def test_one_member():
    """Of one member it is that member."""
    assert await admissions(CombinedLimiter(AsyncLimiter(1, 1)), [0, 0]) == [0, 1]


async def test_a_member_that_is_there_twice():
    """A limiter that is a member twice pays twice, and fits once for both."""
    limiter = AsyncLimiter(4, 4)
    twice = CombinedLimiter(limiter, limiter)

    assert await admissions(twice, [0, 0, 0]) == [0, 0, 2]
    with pytest.raises(ValueError, match=r"^can't acquire 6: .* at most 4"):
        await twice.acquire(3)


async def test_nothing_is_held_while_it_waits():
    """At no instant does a waiting request hold part of what it needs."""
    free, busy = AsyncLimiter(10, 10), await spent(AsyncLimiter(1, 10))
    waiting = await in_line(CombinedLimiter(free, busy))

    for second in range(1, 10):
        await until(second)
        assert free.statistics().level == 0

    assert await waiting == 10
    assert (free.statistics().level, busy.statistics().level) == (1, 1)


async def test_one_blocked_chat_stops_nobody_else():
    """While chat A waits for 60 s, chat B's messages pass at full rate."""
    everyone = AsyncLimiter(30, 1)
    chats = KeyedLimiter(30, 30)
    chats["A"].pause(60)
    blocked = await in_line(CombinedLimiter(everyone, chats["A"]))

    found = await admissions(CombinedLimiter(everyone, chats["B"]), [0] * 33)

    assert found == [0] * 30 + [1, 2, 3]
    assert await blocked == 61


async def test_members_are_used_alone_too():
    """Members stay ordinary limiters, and both bounds hold for all their users."""
    shared, other = AsyncLimiter(2, 2), AsyncLimiter(10, 1)
    both = CombinedLimiter(shared, other)

    alone = asyncio.create_task(admissions(shared, [0, 0, 0]))
    together = await admissions(both, [0, 0, 0])

    assert sorted(await alone + together) == [0, 0, 1, 2, 3, 4]


async def test_streams_of_one_do_not_starve_who_needs_both():
    """Who needs two is admitted although a stream takes all of each."""
    first, second = AsyncLimiter(1, 1), AsyncLimiter(1, 1)

    async def stream(limiter):
        while True:
            await limiter.acquire()

    streams = [asyncio.create_task(stream(limiter)) for limiter in [first, second] * 3]
    await until(5.5)
    # Alone it would wait for 4 s in each, behind three that wait there.
    found = await admission(CombinedLimiter(first, second))
    for task in streams:
        task.cancel()

    assert found <= 5.5 + 4 + 4


async def test_windows_buckets_and_keys_together():
    """Members may be of any kind."""
    every = CombinedLimiter(
        AsyncLimiter(10, 1), SlidingWindowLimiter(2, 3), KeyedLimiter(10, 5)["key"]
    )

    assert await admissions(every, [0] * 5) == [0, 0, 3, 3, 6]


# The verbs.


async def test_async_with():
    """`async with` takes 1 of each."""
    first, second = AsyncLimiter(1, 3), AsyncLimiter(1, 2)

    async with CombinedLimiter(first, second):
        pass
    async with CombinedLimiter(first, second):
        assert now() == 3


async def test_decorator():
    """It decorates async functions, and nothing else."""
    both = CombinedLimiter(AsyncLimiter(1, 3), AsyncLimiter(1, 2))

    @both
    async def call():
        return now()

    assert [await call(), await call()] == [0, 3]
    with pytest.raises(TypeError, match=r"^only an async function can be limited"):
        both(int)


async def test_try_acquire():
    """try_acquire takes from all, or from none."""
    first, second = AsyncLimiter(10, 10), AsyncLimiter(5, 10)
    both = CombinedLimiter(first, second)

    assert both.try_acquire(3) == Decision(granted=True, retry_after=0.0, remaining=2)
    refused = both.try_acquire(3)

    assert (refused.granted, refused.remaining) == (False, 2)
    assert refused.retry_after == pytest.approx(2)
    assert (first.statistics().level, second.statistics().level) == (3, 3)


async def test_sleeping_retry_after_is_enough():
    """Asking again after retry_after is admitted, whichever member was short."""
    first, second = AsyncLimiter(3, 7), SlidingWindowLimiter(5, 3)
    both = CombinedLimiter(first, second)

    for amount in (2, 3, 1, 2, 3):
        decision = both.try_acquire(amount)
        if not decision:
            await asyncio.sleep(decision.retry_after)
            assert both.try_acquire(amount)


async def test_retry_after_counts_those_who_wait():
    """Those who wait in any of the members are counted."""
    first, second = AsyncLimiter(1, 1), AsyncLimiter(1, 1)
    both = CombinedLimiter(first, second)
    await both.acquire()
    ahead = [await in_line(second), await in_line(second), await in_line(both)]

    decision = both.try_acquire()
    await asyncio.sleep(decision.retry_after)

    assert both.try_acquire()
    assert all(task.done() for task in ahead)


async def test_max_wait():
    """A wait that one member rules out is refused at once, by its message."""
    both = CombinedLimiter(AsyncLimiter(10, 10), await spent(AsyncLimiter(1, 10)))

    with pytest.raises(RateLimitExceeded) as caught:
        await both.acquire(max_wait=9)

    assert now() == 0
    assert str(caught.value) == (
        "can't acquire 1 within 9 s: retry in 10 s, or allow a longer max_wait"
    )
    assert caught.value.retry_after == pytest.approx(10)
    assert await admission(both, max_wait=10) == 10


@pytest.mark.parametrize("paused", [0, 1])
async def test_a_deadline(paused):
    """A wait that becomes hopeless in any member ends at its deadline."""
    members = await spent(AsyncLimiter(1, 2)), await spent(AsyncLimiter(1, 3))
    both = CombinedLimiter(*members)
    waiting = await in_line(both, max_wait=4)

    members[paused].pause(10)

    with pytest.raises(RateLimitExceeded):
        await waiting
    assert now() == 4
    assert [member.statistics().waiting for member in members] == [0, 0]
    assert await admission(members[1 - paused]) <= 5


async def test_a_deadline_after_a_move():
    """Who has moved to another queue gives up in that one, and only there."""
    first, second = await spent(AsyncLimiter(10, 10)), await spent(AsyncLimiter(10, 5))
    moving = await in_line(CombinedLimiter(first, second), 5, max_wait=6)
    second.pause(8)  # it is due in the first one at 5, and moves
    await until(5.5)

    block(1)
    first.pause(0)

    with pytest.raises(RateLimitExceeded):
        await moving

    assert now() == pytest.approx(6.5)
    assert [member.statistics().waiting for member in (first, second)] == [0, 0]


async def test_has_no_capacity_of_its_own():
    """Statistics are those of the member with the least left."""
    first, second = AsyncLimiter(10, 10), AsyncLimiter(5, 10)
    both = CombinedLimiter(first, second)
    await both.acquire(4)
    waiting = await in_line(both, 2)

    found = both.statistics()

    assert (found.level, found.available) == (4, 1)
    assert (found.waiting, found.amount_waiting) == (1, 2)
    assert found.seconds_to_next == 2
    await waiting
    assert both.statistics().waiting == 0
    assert both.statistics().seconds_to_next is None


def test_the_repr():
    """The repr names the members."""
    both = CombinedLimiter(AsyncLimiter(1), tokens=AsyncLimiter(5, 2))

    assert repr(both) == (
        "CombinedLimiter(<AsyncLimiter(1, 60) level=0 waiting=0>, "
        "tokens=<AsyncLimiter(5, 2) level=0 waiting=0>)"
    )


# Reserving.


async def test_settling_by_name():
    """A reservation settles each member by its name; the others keep theirs."""
    requests, tokens = AsyncLimiter(10, 10), AsyncLimiter(1000, 10)
    model = CombinedLimiter(requests=requests, tokens=tokens)

    async with model.reserve(requests=1, tokens=900) as reservation:
        reservation.settle(tokens=250)

    assert (requests.statistics().level, tokens.statistics().level) == (1, 250)


@pytest.mark.parametrize(("actual", "level"), [(0, 0), (2, 2), (5, 5), (12, 12)])
async def test_settling_all(actual, level):
    """A plain actual is for all members that are not named."""
    first, second = AsyncLimiter(10, 10), SlidingWindowLimiter(10, 10)

    async with CombinedLimiter(first, second).reserve(5) as reservation:
        reservation.settle(actual)

    assert (first.statistics().level, second.statistics().level) == (level, level)


async def test_settling_a_member_that_is_there_twice():
    """A member that is there twice settles the sum."""
    limiter = AsyncLimiter(10, 10)

    async with CombinedLimiter(limiter, other=limiter).reserve(2, other=5) as taken:
        taken.settle(1, other=3)

    assert limiter.statistics().level == 4


async def test_leaving_without_settling():
    """Leaving without settling, also by an error, keeps what was reserved."""
    first, second = AsyncLimiter(10, 10), AsyncLimiter(10, 10)

    with pytest.raises(KeyError):
        async with CombinedLimiter(first, second).reserve(5):
            raise KeyError

    assert (first.statistics().level, second.statistics().level) == (5, 5)


async def test_a_reservation_that_waited():
    """A reservation that had to wait gives back to all members."""
    first, second = AsyncLimiter(10, 10), await spent(AsyncLimiter(5, 10))

    async with CombinedLimiter(first, second).reserve(5) as reservation:
        assert now() == 10
        reservation.settle(1)

    assert (first.statistics().level, second.statistics().level) == (1, 1)


async def test_a_reservation_of_a_key_that_is_entered_later():
    """A reservation counts for its key, however much later it is entered."""
    everyone, chats = AsyncLimiter(10), KeyedLimiter(10, 10)
    reservation = CombinedLimiter(everyone, chats["a"]).reserve(6)
    for key in range(100):
        chats[key].try_acquire()

    async with reservation:
        for key in range(100):
            chats[key].try_acquire()
        reservation.settle(3)

    assert chats["a"].statistics().level == 3


async def test_a_reservation_of_what_no_longer_fits():
    """Granted is granted: also what does not fit any more when it is entered."""
    first, second = AsyncLimiter(10, 10), await spent(AsyncLimiter(5, 10))
    entering = asyncio.create_task(enter(CombinedLimiter(first, second), 5))
    await asyncio.sleep(0)

    await at_the_grant(second, lambda: setattr(first, "burst", 3))

    assert await entering == 10
    assert first.statistics().level == 5


async def test_misuse_of_a_reservation():
    """It is entered once, and settled once inside of its block."""
    reservation = CombinedLimiter(AsyncLimiter(10)).reserve()

    with pytest.raises(RuntimeError, match=r"^can't settle: its block is not entered"):
        reservation.settle(0)
    async with reservation:
        with pytest.raises(ValueError, match=r"^actual must be 0 or more, got -1$"):
            reservation.settle(-1)
        reservation.settle(0)
        with pytest.raises(RuntimeError, match=r"^can't settle: it is settled already"):
            reservation.settle(0)
    with pytest.raises(RuntimeError, match=r"^can't enter a reservation twice"):
        await reservation.__aenter__()


# Cancelling.


async def enter(both, amount=1):
    async with both.reserve(amount):
        return now()


@pytest.mark.parametrize("ask", [admission, enter])
async def test_cancelled_while_it_waits(ask):
    """Who is cancelled while waiting took nothing, and is in no queue any more."""
    first, second = AsyncLimiter(10, 10), await spent(AsyncLimiter(1, 10))
    task = asyncio.create_task(ask(CombinedLimiter(first, second)))
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])

    assert task.cancelled()
    assert first.statistics().level == 0
    assert second.statistics().waiting == 0
    assert await admission(second) == 10


async def test_who_is_cancelled_is_in_nobodys_way():
    """Who is cancelled is not counted any more, also before its task knows."""
    first, second = AsyncLimiter(10, 10), await spent(AsyncLimiter(5, 10))
    task = await in_line(CombinedLimiter(first, second), 5)

    task.cancel()

    assert second.statistics().waiting == 0
    assert await admission(second, 1, max_wait=2) == 2


@pytest.mark.parametrize("ask", [admission, enter])
async def test_cancelled_after_its_grant(ask):
    """Who is cancelled after the grant and before it runs gives back to all."""
    first, second = AsyncLimiter(10, 10), await spent(AsyncLimiter(1, 10))
    task = asyncio.create_task(ask(CombinedLimiter(first, second)))
    await asyncio.sleep(0)
    following = await in_line(second)

    await at_the_grant(second, task.cancel)

    assert await following == 10
    assert task.cancelled()
    assert first.statistics().level == 0


async def test_cancelled_with_a_promise_out():
    """Who is cancelled after it moved to another queue leaves no promise behind."""
    first, second = await spent(AsyncLimiter(10, 10)), await spent(AsyncLimiter(10, 5))
    both = CombinedLimiter(first, second)
    moving = await in_line(both, 5)  # due at 5 in the first one
    second.pause(8)
    await until(6)  # by now it waits in the second one
    assert second.statistics().waiting == 1

    moving.cancel()
    await asyncio.wait([moving])

    assert first.statistics().available == pytest.approx(6)
    assert first.try_acquire(6)
    assert second.statistics().waiting == 0


async def test_a_promise_keeps_room():
    """Who waits elsewhere finds room when it is due, whoever came since."""
    first, second = await spent(AsyncLimiter(10, 10)), await spent(AsyncLimiter(10, 5))
    moving = await in_line(CombinedLimiter(first, second), 10)  # due at 10 in the first
    await until(1)
    second.pause(10)  # and in the second at 11 + 5

    small = await admissions(first, [11] * 10)

    assert await moving == 16
    # Ten fit before 16, when there must be room for 10.
    assert sum(instant <= 16 for instant in small) <= 6


async def test_a_promise_that_is_no_longer_needed():
    """Whoever a promise held back goes at once when it is dropped."""
    first, second = await spent(AsyncLimiter(10, 10)), await spent(AsyncLimiter(10, 5))
    moving = await in_line(CombinedLimiter(first, second), 10)
    await until(1)
    second.pause(10)
    small = asyncio.create_task(admissions(first, [11] * 10))
    await until(12)
    assert first.statistics().waiting > 0

    moving.cancel()

    assert max(await small) == 12


async def test_its_place_is_that_of_its_shortest_leaking_time():
    """In each queue its place is its arrival plus its shortest leaking time."""
    first, second = AsyncLimiter(10, 10), await spent(AsyncLimiter(10, 10))
    model = CombinedLimiter(first=first, second=second)
    both = asyncio.create_task(model.acquire(first=1, second=10))  # its place is at 1

    single = await admissions(second, [(2, 5)])  # its place is at 7

    await both
    assert single == [15]


async def test_who_asks_just_before_a_promise_is_kept():
    """In the instant a promise falls due, the room is for whom it was made to."""
    first, second = await spent(AsyncLimiter(10, 10)), await spent(AsyncLimiter(10, 5))
    moving = await in_line(CombinedLimiter(first, second), 10)
    await until(1)
    second.pause(10)  # it is due in the second one at 16
    await until(15.9)

    block(0.2)
    decision = first.try_acquire(5)

    assert not decision
    assert decision.retry_after == pytest.approx(5)
    assert await moving == pytest.approx(16.1)
    await asyncio.sleep(decision.retry_after)
    assert first.try_acquire(5)


async def test_who_was_about_to_come_and_is_held_up():
    """Who waits for somebody about to come need not, when that one is held up."""
    first, second = await spent(AsyncLimiter(10, 10)), await spent(AsyncLimiter(10, 5))
    moving = await in_line(CombinedLimiter(first, second), 10)
    await until(1)
    second.pause(10)  # it is due in the second one at 16
    await until(15.9)

    block(0.2)
    other = asyncio.create_task(admission(first, 5))
    asyncio.get_running_loop().call_soon(second.pause, 60)

    assert await other == pytest.approx(16.1)
    assert await moving > 70


async def test_retry_after_counts_what_is_promised():
    """Who asks again after retry_after comes after whom room was promised to."""
    first, second = await spent(AsyncLimiter(10, 10)), await spent(AsyncLimiter(10, 5))
    moving = await in_line(CombinedLimiter(first, second), 10)
    await until(1)
    second.pause(10)  # it is due in the second one at 16
    await until(12)

    decision = first.try_acquire(8)
    await asyncio.sleep(decision.retry_after)

    assert await moving == 16
    assert first.try_acquire(8)


async def test_a_promise_binds_by_the_key_of_today():
    """A rate change that puts a request behind another one lets that pass."""
    first, second = AsyncLimiter(1, 1, burst=10), AsyncLimiter(10, 1)
    await first.acquire(2)
    waiting = await in_line(CombinedLimiter(first=first, second=second), 1, first=10)
    second.pause(5)
    await until(3)  # it was due in the first one at 2, and is in the second at 5
    assert not first.try_acquire(6)

    second.time_period = 1000  # its place is 10 now, by the first one

    assert first.try_acquire(6)
    assert not waiting.done()


async def test_statistics_count_what_is_promised():
    """Who is held back by a promise is next when that is kept, not before."""
    first, second = await spent(AsyncLimiter(10, 10)), await spent(AsyncLimiter(10, 5))
    await in_line(CombinedLimiter(first, second), 10)
    await until(1)
    second.pause(10)  # it is due in the second one at 16
    await until(12)

    await in_line(first, 8)

    assert first.statistics().seconds_to_next == 4


async def test_a_coroutine_that_is_closed():
    """A coroutine that is closed while it waits leaves the queue it is in."""
    first, second = AsyncLimiter(10, 10), await spent(AsyncLimiter(1, 10))
    coroutine = CombinedLimiter(first, second).acquire()
    coroutine.send(None)

    coroutine.close()

    assert second.statistics().waiting == 0


async def test_a_crowd_is_cancelled():
    """After any cancellations the others are admitted, and nothing is left."""
    members = [AsyncLimiter(2, 1), AsyncLimiter(3, 2), SlidingWindowLimiter(4, 2)]
    combinations = [members, members[:2], members[1:], members[::2], members[:1]]
    tasks = [
        asyncio.create_task(admission(CombinedLimiter(*chosen)))
        for chosen in combinations * 10
    ]
    await asyncio.sleep(2)

    for task in tasks[::3]:
        task.cancel()
    await asyncio.wait(tasks)

    assert all(task.done() for task in tasks)
    assert [member.statistics().waiting for member in members] == [0, 0, 0]
    await asyncio.sleep(10)
    assert [member.statistics().level for member in members] == [0, 0, 0]
    timers = asyncio.get_running_loop()._scheduled
    assert [timer for timer in timers if not timer.cancelled()] == []


async def test_a_change_of_a_member_while_it_waits():
    """A member's rate may change while requests of several wait for it."""
    first, second = AsyncLimiter(10, 10), await spent(AsyncLimiter(1, 10))
    waiting = await in_line(CombinedLimiter(first, second))

    second.time_period = 2

    assert await waiting == 2


async def test_who_can_no_longer_fit_is_told():
    """Who can never fit into a member any more gets the error of an arrival."""
    first, second = AsyncLimiter(10, 10), await spent(AsyncLimiter(10, 10))
    waiting = await in_line(CombinedLimiter(first, second), 5)

    second.max_rate = 3

    with pytest.raises(ValueError, match=r"^can't acquire 5: .* at most 3; "):
        await waiting
    assert now() == 0
    assert first.statistics().level == 0


async def test_who_can_no_longer_fit_elsewhere_is_told():
    """Who waits in one member learns when due that it never fits another one."""
    first, second = await spent(AsyncLimiter(10, 10)), AsyncLimiter(10, 10)
    waiting = await in_line(CombinedLimiter(first, second), 5)

    second.burst = 3

    with pytest.raises(ValueError, match=r"^can't acquire 5: .* at most 3; "):
        await waiting
    assert now() == 5
    assert first.statistics().level == 5


async def test_a_promise_that_can_never_be_kept():
    """A promise of more than a member holds by now keeps nobody from it."""
    first, second = await spent(AsyncLimiter(10, 10)), await spent(AsyncLimiter(10, 5))
    moving = await in_line(CombinedLimiter(first, second), 5)
    second.pause(20)
    await until(6)  # by now it waits in the second one

    first.burst = 3

    assert await admission(first, 3) == 10
    with pytest.raises(ValueError, match=r"^can't acquire 5: .* at most 3; "):
        await moving


# Bad input.


def test_nothing_to_combine():
    """There must be a member."""
    message = "nothing to combine: give at least one limiter"

    with pytest.raises(TypeError, match=whole(message)):
        CombinedLimiter()


@pytest.mark.parametrize(
    "member", [7, KeyedLimiter(1), CombinedLimiter(AsyncLimiter(1))]
)
def test_what_is_no_member(member):
    """Only limiters with a limit of their own can be combined."""
    with pytest.raises(TypeError, match=r"^only an AsyncLimiter, .+, got .+"):
        CombinedLimiter(AsyncLimiter(1), member)


@pytest.mark.parametrize("name", ["amount", "actual", "max_wait"])
def test_names_that_are_taken(name):
    """A member can't be called like an argument."""
    message = f"a member can't be called '{name}': choose another name"

    with pytest.raises(ValueError, match=whole(message)):
        CombinedLimiter(**{name: AsyncLimiter(1)})


@pytest.mark.parametrize(
    ("members", "there"),
    [({"a": 1, "b": 2}, "a, b"), ({}, "none with a name")],
)
async def test_a_name_that_nobody_has(members, there):
    """An amount for a name that no member has is refused."""
    named = {name: AsyncLimiter(rate) for name, rate in members.items()}
    both = CombinedLimiter(AsyncLimiter(1), **named)
    message = f"no member is called 'c': there is {there}"

    with pytest.raises(TypeError, match=whole(message)):
        await both.acquire(c=1)
    with pytest.raises(TypeError, match=whole(message)):
        both.try_acquire(c=1)
    with pytest.raises(TypeError, match=whole(message)):
        both.reserve(c=1)
    async with both.reserve() as reservation:
        with pytest.raises(TypeError, match=whole(message)):
            reservation.settle(c=1)


@pytest.mark.parametrize("amount", [-1, float("nan"), 6, float("inf"), "1"])
async def test_bad_amounts(amount):
    """An amount that one member refuses is refused, and nothing taken from any."""
    first, second = AsyncLimiter(10), AsyncLimiter(5)
    both = CombinedLimiter(first, second)

    for ask in (both.try_acquire, both.reserve):
        with pytest.raises((ValueError, TypeError), match=r"^amount|^can't acquire 6"):
            ask(amount)
    with pytest.raises((ValueError, TypeError), match=r"^amount|^can't acquire 6"):
        await both.acquire(amount)
    assert (first.statistics().level, second.statistics().level) == (0, 0)


async def test_a_bad_max_wait():
    """A negative wait is a mistake."""
    both = CombinedLimiter(AsyncLimiter(10))

    with pytest.raises(ValueError, match=r"^max_wait must be 0 or more, got -1$"):
        await both.acquire(max_wait=-1)
    with pytest.raises(ValueError, match=r"^max_wait must be 0 or more, got -1$"):
        both.reserve(max_wait=-1)


def test_with_is_a_type_error():
    """`with` says what to write."""
    message = "CombinedLimiter waits in the event loop: use 'async with'"

    with (
        pytest.raises(TypeError, match=whole(message)),
        CombinedLimiter(AsyncLimiter(1)),
    ):
        pass


# Loops.


def test_in_one_loop_after_the_other():
    """In a later loop it goes on from where its members stood."""
    both = CombinedLimiter(AsyncLimiter(1, 1), SlidingWindowLimiter(1, 2))

    assert virtual(admissions(both, [0, 0])) == [0, 2]
    assert virtual(admissions(both, [0, 0])) == [2, 4]


def test_two_open_loops():
    """While tasks of an open loop wait for a member, waiting elsewhere is an error."""
    member = AsyncLimiter(1, 1000)
    both = CombinedLimiter(AsyncLimiter(10), member)
    first = asyncio.new_event_loop()

    async def begin():
        await spent(member)
        return await in_line(both)

    async def end():
        task.cancel()
        await asyncio.wait([task])

    task = first.run_until_complete(begin())
    with pytest.raises(RuntimeError, match=r"^can't wait in this event loop: "):
        asyncio.run(both.acquire())
    first.run_until_complete(end())
    first.close()

    assert member.statistics().waiting == 0


def test_waiters_of_a_closed_loop_are_forgotten():
    """Who waited in a loop that is closed is in nobody's way, nor its promises."""
    first, second = AsyncLimiter(1, 100), AsyncLimiter(1, 50)
    both = CombinedLimiter(first, second)

    async def leave():
        await both.acquire()
        return await in_line(both)

    loop = asyncio.new_event_loop()
    task = loop.run_until_complete(leave())
    # It is pending for ever; asyncio would complain when it goes.
    task._log_destroy_pending = False
    loop.close()

    assert virtual(admissions(both, [0])) == [pytest.approx(100, abs=1)]
    task.get_coro().close()
    assert first.statistics().waiting == second.statistics().waiting == 0
