"""
How programs use aiolimiter 1.x, as far as many of them do.

Each fact is taken from what public programs do, told in our own words; which
kinds of programs do it, its docstring says.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import random
from collections import defaultdict
from unittest import mock

import pytest

import aiolimiter
from aiolimiter import AsyncLimiter

from .timetable import block, now

OLD_WAY = pytest.mark.filterwarnings("ignore:_[a-z_]+ is private:DeprecationWarning")


async def times(count, enter):
    """Enter *count* times at once; return when each went through."""

    async def one():
        await enter()
        return now()

    return sorted(await asyncio.gather(*(one() for _ in range(count))))


async def block_of(limiter):
    async with limiter:
        pass


async def test_a_bot_limits_all_messages_and_each_group():
    """A chat bot enters the limiter of a group, if it is one, and then everyone's."""
    everyone = AsyncLimiter(max_rate=3, time_period=1)
    groups = {}

    async def send(chat):
        group = contextlib.nullcontext()
        if chat < 0:
            group = groups.setdefault(chat, AsyncLimiter(2, 10))
        async with group, everyone:
            return now()

    private = [await send(1) for _ in range(2)]
    group = [await send(-1) for _ in range(3)]

    assert private == [0, 0]
    assert group == pytest.approx([0, 1 / 3, 5])


async def test_a_bot_forgets_groups_that_are_as_good_as_new():
    """It drops limiters of groups that have their full capacity."""
    groups = {chat: AsyncLimiter(20, 60) for chat in range(3)}
    await groups[1].acquire()
    for chat, limiter in list(groups.items()):
        if limiter.has_capacity(limiter.max_rate):
            del groups[chat]

    assert list(groups) == [1]


@OLD_WAY
async def test_a_bot_starts_without_a_burst():
    """A bot that is started anew fills its bucket: the server still remembers."""
    limiter = AsyncLimiter(30, 1)
    limiter._level = limiter.max_rate

    assert await times(3, limiter.acquire) == pytest.approx([1 / 30, 2 / 30, 3 / 30])


async def test_a_transport_enters_before_each_request():
    """An HTTP transport that wraps another one enters a limiter, and passes errors."""

    class Transport:
        def __init__(self, limiter):
            self.limiter = limiter

        async def handle(self, request):
            async with self.limiter:
                if request is None:
                    raise ConnectionError
                return now()

    transport = Transport(AsyncLimiter(1, 2))
    assert await transport.handle("/") == 0
    with pytest.raises(ConnectionError):
        await transport.handle(None)
    assert await transport.handle("/") == 4


async def test_a_transport_composes_context_managers():
    """A stack of managers leaves its limiter by the names of the arguments."""

    class Several:
        def __init__(self, *limiters):
            self.limiters = limiters

        async def __aenter__(self):
            for limiter in self.limiters:
                await limiter.__aenter__()

        async def __aexit__(self, exc_type, exc, tb):
            for limiter in self.limiters:
                await limiter.__aexit__(exc_type=exc_type, exc=exc, tb=tb)

    several = Several(AsyncLimiter(1, 1), AsyncLimiter(2, 8))

    assert await times(3, lambda: block_of(several)) == [0, 1, 4]


async def test_a_client_picks_a_limiter_or_none():
    """A client whose server has no limit enters a null context instead."""
    for rate, expected in [(1, [0, 60]), (None, [60, 60])]:
        limiter = AsyncLimiter(rate) if rate else contextlib.nullcontext()
        assert await times(2, lambda limiter=limiter: block_of(limiter)) == expected


async def test_a_crawler_sets_a_rate_of_0_for_no_limit():
    """A subclass of a downloader takes 0 for no limit, in its own `acquire`."""

    class Limiter(AsyncLimiter):
        __slots__ = ()

        async def acquire(self, amount=1):
            if self.max_rate == 0:
                return
            await super().acquire(amount)

    assert (
        await times(3, lambda: block_of(Limiter(max_rate=0, time_period=1))) == [0] * 3
    )
    paced = Limiter(max_rate=1, time_period=1 / 4)
    assert await times(3, lambda: block_of(paced)) == [0, 0.25, 0.5]


async def test_a_crawler_waits_a_random_while_more():
    """A crawler lets people, and itself, pause at random before it enters."""
    limiter, chance = AsyncLimiter(2, 4), random.Random(1)

    async def visit():
        await asyncio.sleep(chance.uniform(0, 1))
        async with limiter:
            pass

    assert (await times(4, visit))[-1] < 5


async def test_limiters_by_host():
    """A crawler keeps a limiter for each host in a dictionary that makes them."""
    hosts = defaultdict(lambda: AsyncLimiter(1, 3))

    assert await times(2, lambda: block_of(hosts["a"])) == [0, 3]
    assert await times(1, lambda: block_of(hosts["b"])) == [3]


@OLD_WAY
async def test_a_model_client_takes_the_servers_word():
    """A client of language models sets the level to what the server says is left."""
    limiter = AsyncLimiter(1000, 60)
    if limiter.max_rate < 2000:
        limiter.max_rate = 2000
    before = limiter.max_rate - limiter._level
    limiter._level = max(0, limiter.max_rate - 500)
    limiter._loop.call_soon(limiter._wake_next)
    waiting = asyncio.create_task(limiter.acquire(600))
    await waiting

    assert before == 2000
    assert now() == pytest.approx(3)


@OLD_WAY
async def test_a_model_client_gives_tokens_back():
    """After the answer, a client takes off the level what it estimated too much."""
    limiter = AsyncLimiter(1000, 1000)
    await limiter.acquire(900)
    limiter._level = max(0.0, limiter._level - 400.0)
    await limiter.acquire(500)

    assert now() == 0


@OLD_WAY
async def test_a_model_client_resets_its_limits():
    """A client that is told new limits sets all three numbers, one after the other."""
    limiter = AsyncLimiter(10, 10)
    await limiter.acquire(10)
    limiter.max_rate = 20
    limiter.time_period = 5
    limiter._rate_per_sec = 20 / 5

    await limiter.acquire(20)
    assert now() == pytest.approx(2.5)


@OLD_WAY
async def test_a_node_client_slows_down_and_recovers():
    """A client lowers its rate at each 429, and adds to the level."""
    limiter = AsyncLimiter(10, 1)
    original = limiter.max_rate / limiter.time_period
    limiter._rate_per_sec *= 0.5
    limiter._level += 10
    limiter._last_updated_at = now()
    await limiter.acquire(5)

    assert now() == pytest.approx(1)
    assert limiter._rate_per_sec < original
    assert 1 / limiter._rate_per_sec == 0.2


@OLD_WAY
async def test_a_client_goes_on_after_a_fork():
    """A worker takes level and instant over from its parent's limiter."""
    parent, child = AsyncLimiter(10, 10), AsyncLimiter(10, 10)
    await parent.acquire(7)
    child._level = parent._level
    child._last_check = parent._last_check

    assert not child.has_capacity(4)


async def test_a_server_refuses_at_once():
    """A server that asks and then acquires answers 429 to whom it has no room for."""
    limiter = AsyncLimiter(2, 60)

    async def answer():
        if not limiter.has_capacity():
            return 429
        await limiter.acquire()
        return 200

    assert [await answer() for _ in range(3)] == [200, 200, 429]


async def test_a_subclass_tells_who_waits():
    """A subclass logs before it waits, and how long about."""
    told = []

    class Telling(AsyncLimiter):
        async def acquire(self, amount=1):
            if not self.has_capacity():
                told.append(1 / self._rate_per_sec * amount)
            await super().acquire(amount)

    limiter = Telling(1, 2)
    assert await times(2, lambda: block_of(limiter)) == [0, 2]
    assert told == [2]


async def test_waits_with_a_timeout():
    """A client gives up after a while, by either of asyncio's ways."""
    limiter = AsyncLimiter(1, 60)
    async with limiter:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(limiter.acquire(), timeout=2)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(limiter.__aenter__(), timeout=2)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(2), limiter:
                pass
    assert now() == 6
    await limiter.acquire()
    assert now() == 60


async def test_a_retry_takes_a_new_turn():
    """A client enters its limiter anew at each attempt."""
    limiter, attempts = AsyncLimiter(1, 5), []

    async def attempt():
        async with limiter:
            attempts.append(now())
            if len(attempts) < 3:
                raise OSError

    while True:
        with contextlib.suppress(OSError):
            await attempt()
            break

    assert attempts == [0, 5, 10]


async def test_a_limiter_at_import_serves_many_loops(new_virtual_loop):
    """A limiter made at import serves one `asyncio.run` after the other."""
    limiter = AsyncLimiter(3, 60)

    def run():
        with asyncio.Runner(loop_factory=new_virtual_loop) as runner:
            return runner.run(times(2, limiter.acquire))

    assert await asyncio.to_thread(run) == [0, 0]
    assert (await asyncio.to_thread(run))[0] == 0


async def test_requests_in_batches():
    """A client asks for as many numbers as its rate, as a count."""
    limiter = AsyncLimiter(4, 8)
    done = [await limiter.acquire() for _ in range(limiter.max_rate)]

    assert done == [None] * 4
    assert (limiter.max_rate, limiter.time_period) == (4, 8)
    assert isinstance(limiter.max_rate, int)
    assert isinstance(limiter.time_period, int)
    assert repr(AsyncLimiter(0.5, 2.5).max_rate) == "0.5"


async def test_numbers_are_given_back_after_a_change():
    """What was set is what is read, for all three numbers."""
    limiter = AsyncLimiter(4, 8, burst=2)
    limiter.max_rate, limiter.time_period, limiter.burst = 6, 7, 3

    assert (limiter.max_rate, limiter.time_period, limiter.burst) == (6, 7, 3)
    assert {type(limiter.max_rate), type(limiter.burst)} == {int}


async def test_a_test_that_patches_the_limiter():
    """A program's tests put `acquire` out of work, of a limiter or of all."""
    limiter = AsyncLimiter(1, 60)
    with mock.patch.object(limiter, "acquire", mock.AsyncMock()) as acquire:
        assert await times(3, lambda: block_of(limiter)) == [0, 0, 0]
    assert acquire.await_count == 3
    with mock.patch("aiolimiter.AsyncLimiter", autospec=True) as made:
        assert await times(2, lambda: block_of(aiolimiter.AsyncLimiter(1))) == [0, 0]
    made.assert_called_with(1)


async def test_a_busy_program():
    """A program whose callbacks block the loop gets its rate all the same."""
    limiter = AsyncLimiter(10, 1)

    async def work():
        async with limiter:
            block(0.005)

    assert (await times(30, work))[-1] == pytest.approx(2, abs=0.1)


@pytest.mark.parametrize("module", ["aiolimiter", "aiolimiter.leakybucket"])
def test_where_it_is_imported_from(module):
    """The class is in the package, and in the module that it once had."""
    assert importlib.import_module(module).AsyncLimiter is AsyncLimiter


def test_it_is_annotated_and_looked_at():
    """Frameworks look for it by its name, and at its constructor."""
    assert AsyncLimiter.__name__ == "AsyncLimiter"
    assert isinstance(AsyncLimiter(1), contextlib.AbstractAsyncContextManager)
    assert bool(AsyncLimiter(1))
