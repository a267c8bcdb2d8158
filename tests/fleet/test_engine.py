"""The servers the fleet is tested on do what the tests ask of them."""

from __future__ import annotations

import pytest

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
