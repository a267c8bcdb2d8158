"""
Processes that do anything at any time, on real stores: what is booked is held.

Some are killed, tasks give up in every state, settle, hurry and pause.  The slots
of all that counts, on the clock of the store, are then poured into one bucket.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from .replay import excess

pytestmark = pytest.mark.real_time

ROVER = Path(__file__).with_name("rover.py")
RATE, BURST = 100.0, 25.0
ONE = [(RATE, 1.0)]
# 100 a second with a burst of 25, and in the long run 60: the slow one puts off.
SEVERAL = [(25.0, 0.25), (60.0, 1.0)]
# Instants are whole microseconds, and there are a few hundred.
ROUNDED = 1e-3


@pytest.fixture(params=["valkey", "redis", "file"])
def where(request, name, tmp_path):
    """Where the limit is kept."""
    if request.param == "file":
        return {"path": str(tmp_path / "limit")}
    server = request.getfixturevalue("shared_server")(request.param)
    return {"socket": str(server.socket), "name": name}


def rove(where, directory, seconds=1.6, **deeds):
    """Let four processes rove, kill one, start another; what they noted and told."""
    spec = {"limits": ONE, "burst": BURST, "tasks": 12, "grace": 10, **deeds}
    outs = [directory / f"rover{i}" for i in range(5)]

    def start(index, seconds):
        told = {"out": str(outs[index]), "seed": 100 * index, "seconds": seconds}
        command = [sys.executable, str(ROVER), json.dumps({**where, **spec, **told})]
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    crew = [start(index, seconds) for index in range(4)]
    try:
        assert [rover.stdout.readline() for rover in crew] == [b"ready\n"] * 4
        time.sleep(seconds / 2)
        crew[0].kill()
        crew.append(start(4, seconds / 2))
        assert crew[4].stdout.readline() == b"ready\n"
        told = [rover.communicate(timeout=60) for rover in crew]
    finally:
        for rover in crew:
            rover.kill()
    return [line for out in outs for line in noted(out)], told[1:]


def noted(out):
    """Of one process: slots in seconds, what counts, by how much it ran early."""
    entries = {}
    # A last line cut short by a kill does not count.
    for line in out.read_text().split("\n")[:-1]:
        entry, due, amount, early = map(float, line.split())
        _, _, before = entries.get(entry, (0, 0, early))
        # Settled: the same slot again, with what it cost.
        entries[entry] = (due / 1e6, amount, before)
    return entries.values()


def test_slots_keep_the_bound_whatever_the_rate_is_changed_to(where, tmp_path):
    """Changed again and again, below the limit and up to it: no slots beyond it."""
    entries, told = rove(where, tmp_path, settles=0, changes=2)
    slots = [(due, amount) for due, amount, _ in entries]

    assert excess(slots, RATE, BURST) <= RATE * 0.75 + ROUNDED
    assert [json.loads(out) for out, _ in told] == [{"stranded": 0, "errors": []}] * 4
    assert [errors for _, errors in told] == [b""] * 4
    assert len(slots) > 30


@pytest.fixture(params=["valkey", "redis"])
def server_of_several(request, name, shared_server):
    """Where a limit of several rates is kept: a file keeps one."""
    return {"socket": str(shared_server(request.param).socket), "name": name}


@pytest.mark.parametrize(
    ("deeds", "more"),
    [
        ({"settles": 0}, 1.0),
        ({"settles": 5}, RATE * 0.75),
        ({"settles": 0, "changes": 2}, RATE * 0.75),
        ({"settles": 3, "changes": 2}, RATE * 0.75),
    ],
    ids=["taking", "settling", "changing", "everything"],
)
def test_slots_keep_the_bound_of_each_of_several_rates(
    server_of_several, tmp_path, deeds, more
):
    """Of several rates, settled, given up and changed, slots keep to each."""
    entries, told = rove(server_of_several, tmp_path, limits=SEVERAL, **deeds)
    slots = [(due, amount) for due, amount, _ in entries]

    for burst, period in SEVERAL:
        assert excess(slots, burst / period, burst) <= more + ROUNDED
    assert max(early for _, _, early in entries) <= 0
    assert [json.loads(out) for out, _ in told] == [{"stranded": 0, "errors": []}] * 4
    assert [errors for _, errors in told] == [b""] * 4
    assert len(slots) > 30


def test_several_rates_that_are_reset_strand_nobody(server_of_several, tmp_path):
    """Reset too, with changes to one rate more or less: all come to an end."""
    deeds = {"settles": 2, "changes": 1, "resets": 2}
    entries, told = rove(server_of_several, tmp_path, limits=SEVERAL, **deeds)

    assert max(early for _, _, early in entries) <= 0
    assert [json.loads(out) for out, _ in told] == [{"stranded": 0, "errors": []}] * 4
    assert [errors for _, errors in told] == [b""] * 4
    assert len(entries) > 50


def test_resets_strand_nobody(where, tmp_path):
    """Reset, changed, settled and given up in bulk: all come to an end, none early."""
    entries, told = rove(where, tmp_path, settles=2, changes=1, resets=2)

    assert max(early for _, _, early in entries) <= 0
    assert [json.loads(out) for out, _ in told] == [{"stranded": 0, "errors": []}] * 4
    assert [errors for _, errors in told] == [b""] * 4
    assert len(entries) > 50


@pytest.mark.parametrize(
    ("settles", "more"),
    # Who gives back after its slot moves up all that is booked, and who is booked
    # hears of it within three quarters of a second.  By chance somebody is cancelled
    # as it is granted, which is that too.
    [(0, 1.0), (5, RATE * 0.75)],
    ids=["taking", "settling"],
)
def test_whatever_processes_do_the_slots_keep_the_bound(where, tmp_path, settles, more):
    """Killed, cancelled, paused, settled: in no stretch are there too many slots."""
    entries, told = rove(where, tmp_path, settles=settles)
    slots = [(due, amount) for due, amount, _ in entries]

    assert excess(slots, RATE, BURST) <= more + ROUNDED
    # Nobody ran before its slot.
    assert max(early for _, _, early in entries) <= 0
    # Nobody is stranded, nothing went wrong, and nothing was written of it.
    assert [json.loads(out) for out, _ in told] == [{"stranded": 0, "errors": []}] * 4
    assert [errors for _, errors in told] == [b""] * 4
    assert len(slots) > 50
