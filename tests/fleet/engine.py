"""The real servers the fleet is tested on: one alone, a cluster, a replica."""

from __future__ import annotations

import contextlib
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import redis

from aiolimiter._cli.engine import Server, find_redis, find_valkey

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

FINDERS = {"valkey": find_valkey, "redis": find_redis}
SLOTS = 16384


@contextlib.contextmanager
def short_directory() -> Iterator[Path]:
    """A directory whose name leaves room for a unix socket's 107 bytes."""
    path = Path(tempfile.mkdtemp(prefix="al", dir="/tmp"))
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


@contextlib.contextmanager
def running(
    binary: Path, *, port: int = 0, options: Sequence[str] = ()
) -> Iterator[Server]:
    """A server in a directory of its own, gone with the block."""
    with (
        short_directory() as directory,
        Server(binary, directory, port=port, options=options) as server,
    ):
        yield server


def admin(server: Server) -> redis.Redis:
    """A plain client to look at the server with, and to change it by hand."""
    return redis.Redis(unix_socket_path=str(server.socket), decode_responses=True)


def free_ports(count: int) -> list[int]:
    """Ports on 127.0.0.1 that nobody listened on a moment ago."""
    with contextlib.ExitStack() as stack:
        lines = [stack.enter_context(socket.socket()) for _ in range(count)]
        for line in lines:
            line.bind(("127.0.0.1", 0))
        return [line.getsockname()[1] for line in lines]


def until(truth: Callable[[], bool], seconds: float = 20.0) -> None:
    """Wait until *truth* says so, and fail after *seconds*."""
    deadline = time.monotonic() + seconds
    while not truth():
        assert time.monotonic() < deadline, f"{truth} is still not so"
        time.sleep(0.02)


@contextlib.contextmanager
def cluster(binary: Path) -> Iterator[list[Server]]:
    """Three nodes that share the slots between them."""
    ports = free_ports(6)
    with contextlib.ExitStack() as stack:
        nodes = [
            stack.enter_context(
                running(binary, port=port, options=_cluster_options(bus))
            )
            for port, bus in zip(ports[:3], ports[3:], strict=True)
        ]
        _introduce(nodes, ports[3:])
        yield nodes


def _cluster_options(bus: int) -> list[str]:
    return [
        *("--cluster-enabled", "yes", "--cluster-port", str(bus)),
        *("--cluster-config-file", "nodes", "--cluster-node-timeout", "2000"),
    ]


def _introduce(nodes: list[Server], buses: list[int]) -> None:
    clients = [admin(node) for node in nodes]
    for i, client in enumerate(clients):
        first, last = SLOTS * i // 3, SLOTS * (i + 1) // 3 - 1
        client.execute_command("CLUSTER SET-CONFIG-EPOCH", i + 1)
        client.execute_command("CLUSTER ADDSLOTSRANGE", first, last)
        client.execute_command("CLUSTER MEET", "127.0.0.1", nodes[0].port, buses[0])
    for client in clients:
        until(lambda client=client: "cluster_state:ok" in _info(client))
        client.close()


def _info(client: redis.Redis) -> str:
    answer = client.execute_command("CLUSTER INFO")
    return (
        "\n".join(f"{k}:{v}" for k, v in answer.items())
        if isinstance(answer, dict)
        else str(answer)
    )


@contextlib.contextmanager
def sentinel(binary: Path, primary: Server) -> Iterator[int]:
    """A Sentinel that watches *primary* under the name ``main``; its port."""
    (port,) = free_ports(1)
    with short_directory() as directory:
        config = directory / "config"
        config.write_text(
            f"port {port}\nbind 127.0.0.1\ndir {directory}\n"
            f"sentinel monitor main 127.0.0.1 {primary.port} 1\n"
            "sentinel down-after-milliseconds main 300\n"
        )
        command = [str(binary), str(config), "--sentinel"]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
            try:
                with redis.Redis(port=port, decode_responses=True) as client:
                    until(lambda: _knows_a_replica(client))
                yield port
            finally:
                process.kill()


def _knows_a_replica(client: redis.Redis) -> bool:
    with contextlib.suppress(redis.ConnectionError):
        return len(client.sentinel_slaves("main")) == 1
    return False


def follow(replica: Server, primary: Server) -> None:
    """Make *replica* copy *primary*, and wait until it does."""
    with admin(replica) as client:
        client.replicaof("127.0.0.1", primary.port)
        until(lambda: client.info("replication")["master_link_status"] == "up")


def promote(replica: Server) -> None:
    """Make *replica* a primary of its own, with what it holds by now."""
    with admin(replica) as client:
        client.replicaof("NO", "ONE")
