"""What a change of all keys costs, and a key after many: the same, however many."""

from __future__ import annotations

from math import inf

import pytest

from aiolimiter._core.keyed.levels import Levels
from aiolimiter._core.keyed.logs import Logs
from aiolimiter._core.keyed.terms import Terms

from .steps import instructions


@pytest.mark.parametrize("counted", [inf, 1e9], ids=["all", "counted"])
@pytest.mark.parametrize("make", [Levels, Logs])
@pytest.mark.parametrize("what", ["rate", "period", "function", "unlimited", "clear"])
def test_a_change_takes_as_many_steps_whatever_the_number_of_keys(make, counted, what):
    """With twice the keys about as many, and tens of thousands at most."""

    def cost(keys):
        ledger = make(Terms(3.0, 1e6, None), counted)
        ledger.advance(0.0)
        for key in range(keys):
            ledger.take(key, 1.0, 3.0)
        change = {
            "rate": Terms(2.0, 1e6, None),
            "period": Terms(3.0, 2e6, None),
            "function": Terms(lambda key: 3.0, 1e6, None),
            "unlimited": Terms(inf, 1e6, None),
            "clear": None,
        }[what]
        return (
            instructions(ledger.clear)
            if change is None
            else instructions(ledger.change, change)
        )

    few, many = cost(2000), cost(4000)
    # Shards are not all as full; a cost for each key would double it.
    assert many <= 1.4 * few
    assert many < 60_000


def test_a_key_takes_as_many_steps_whatever_the_number_of_changes():
    """Of what was before, what is needed is found at once."""

    def cost(changes):
        ledger = Levels(Terms(3.0, 1e6, None), inf)
        ledger.advance(0.0)
        for key in range(20_000):
            ledger.take(key, 1.0, 3.0)
        for turn in range(changes):
            ledger.advance(float(turn))
            ledger.change(Terms(3.0, 1e6 + turn, None))
        return max(instructions(ledger.level, key) for key in range(0, 20_000, 999))

    assert cost(400) <= 1.3 * cost(100)
