"""A limit that processes share, in their HTTP clients: real store, real server."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from pathlib import Path

import pytest
from aiohttp import web
from redis.asyncio import Redis

from aiolimiter import BackendError
from aiolimiter.redis import RedisKeyedLimiter, RedisLimiter

from . import neighbour

pytestmark = pytest.mark.real_time

PROGRAM = Path(neighbour.__file__)


class Site:
    """
    A server of a real kind.

    Attributes:
        seen: When it was asked, on the loop's clock.
        answers: What it says next, before it says 200.
    """

    def __init__(self):
        self.seen, self.answers = [], []
        self.before = lambda: None

    async def answer(self, _):
        """Answer a request."""
        self.seen.append(asyncio.get_running_loop().time())
        self.before()
        status, fields = self.answers.pop(0) if self.answers else (200, {})
        return web.Response(status=status, headers=fields)


@pytest.fixture
async def site():
    """A site on 127.0.0.1."""
    site = Site()
    app = web.Application()
    app.router.add_get("/", site.answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    site.port = runner.addresses[0][1]
    site.url = f"http://127.0.0.1:{site.port}/"
    yield site
    await runner.cleanup()


@pytest.fixture(params=["httpx2", "httpx", "aiohttp"])
def library(request):
    """The client's library."""
    return request.param


@contextlib.asynccontextmanager
async def another(valkey, name, site, library):
    """Another process: what is returned has it ask once, and tells the status."""
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, PROGRAM, valkey.socket, name, site.url, library),
        stdin=pipe,
        stdout=pipe,
    )

    async def ask():
        process.stdin.write(b"\n")
        return int(await process.stdout.readline())

    try:
        yield ask
    finally:
        process.stdin.close()
        await process.wait()


async def test_the_fleet_hears_of_one_429(valkey, name, site, library):
    """What one process is refused, another does not ask before the pause is over."""
    async with (
        another(valkey, name, site, library) as one,
        another(valkey, name, site, library) as two,
    ):
        assert (await one(), await two()) == (200, 200)
        site.answers = [(429, {"Retry-After": "1"})]
        assert await one() == 429
        assert await two() == 200

    assert site.seen[-1] - site.seen[-2] >= 0.98


async def test_processes_share_one_limit_in_their_clients(valkey, name, site, library):
    """Two clients of one limit send together at its rate."""
    async with contextlib.AsyncExitStack() as stack:
        clients = []
        for _ in range(2):
            store = await stack.enter_async_context(
                Redis(unix_socket_path=str(valkey.socket))
            )
            limiter = RedisLimiter(store, name, 20, 1, burst=1)
            session = neighbour.session(library, limiter)
            clients.append(await stack.enter_async_context(session))
        asked = [neighbour.status(client, site.url) for client in clients * 4]
        assert await asyncio.gather(*asked) == [200] * 8

    # Eight of them at 20 a second; the first may be late on a busy machine.
    assert site.seen[-1] - site.seen[0] >= 0.25


async def test_what_one_process_is_told_is_left_is_left_for_all(
    client, name, site, library
):
    """A server that says that nothing is left has the whole fleet wait."""
    limiter = RedisLimiter(client, name, 10, 1e6)
    other = RedisLimiter(client, name, 10, 1e6)
    site.answers = [(200, {"RateLimit": '"default";r=0'})]
    async with neighbour.session(library, limiter) as session:
        assert await neighbour.status(session, site.url) == 200

    assert not await other.try_acquire()


async def test_a_429_on_one_host_does_not_slow_another(client, name, site, library):
    """With a limit for each host a fleet's pause is of one."""
    limits = RedisKeyedLimiter(client, name, 10, 1)
    site.answers = [(429, {"Retry-After": "60"})]
    async with neighbour.session(library, limits) as session:
        assert await neighbour.status(session, site.url) == 429
        there = site.url.replace("127.0.0.1", "localhost")
        assert await neighbour.status(session, there) == 200

    assert not await limits[f"127.0.0.1:{site.port}"].has_capacity()


async def test_a_store_that_is_away_does_not_hide_the_response(
    own, name, site, library, caplog
):
    """A refusal that comes when the store has died is the caller's all the same."""
    site.before = own.kill
    site.answers = [(429, {"Retry-After": "1"})]
    async with Redis(unix_socket_path=str(own.socket)) as store:
        limiter = RedisLimiter(store, name, 10, 1, timeout=0.5)
        async with neighbour.session(library, limiter) as session:
            assert await neighbour.status(session, site.url) == 429
            with pytest.raises(BackendError):
                await neighbour.status(session, site.url)

    warned = [r for r in caplog.records if r.levelname == "WARNING"]
    told = [r.getMessage() for r in warned if r.name == "aiolimiter.http"]
    assert len(told) == 1
    assert told[0].startswith("the fleet was not told of the server's word: ")
    assert len(site.seen) == 1
