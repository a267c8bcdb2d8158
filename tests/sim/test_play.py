"""What the playground calls: text in, JSON out."""

from __future__ import annotations

import asyncio
import json

import pytest

from aiolimiter._sim.play import play


def test_what_is_drawn_is_what_happened():
    """Each arrival and each admission has its instant."""
    found = json.loads(play("4/8", "burst:6@0s", "1m"))

    assert found["came"] == [0.0] * 6
    assert found["went"] == pytest.approx([0, 0, 0, 0, 2, 4])
    assert found["limit"] == "AsyncLimiter(4, 8)"
    assert sum(row["admitted"] for row in found["rows"]) == 6


def test_instants_can_be_given():
    """What was clicked in comes at these instants; max_wait refuses."""
    found = json.loads(play("1/8", [3, 1, 2], "1m", "5s"))

    assert found["came"] == [1, 2, 3]
    assert (found["admitted"], found["refused"]) == (1, 2)


@pytest.mark.parametrize("typed", [("x", "steady:1/s", "1m"), ("1/1", "x", "1m")])
def test_what_can_not_be_understood_is_told(typed):
    """An error is a text for the page, not a traceback."""
    assert json.loads(play(*typed))["error"].startswith("must be")


def test_more_than_can_be_drawn_is_refused():
    """A page is not filled with millions."""
    told = json.loads(play("1/1", "steady:1000/s", "1h"))

    assert told["error"] == "must be at most 20,000 requests to be drawn, got 3,600,000"


async def test_it_runs_inside_of_a_loop():
    """A browser's loop always runs; the simulation's runs inside of it."""
    loop = asyncio.get_running_loop()
    found = loop.create_future()

    loop.call_soon(lambda: found.set_result(play("4/8", "burst:6@0s", "1m")))

    assert json.loads(await found)["admitted"] == 6
    assert asyncio.get_running_loop() is loop
