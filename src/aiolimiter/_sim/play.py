"""One limit and its traffic, for a page that draws them: text in, JSON out."""

from __future__ import annotations

import json
from collections.abc import Sequence

from .arrivals import Given, arrivals
from .limits import limit
from .quantities import duration
from .run import Simulation
from .trial import Plan

# More than that can't be told apart on a page.
_MOST = 20_000


def play(
    limit_: str, who: str | Sequence[float], until: str, max_wait: str = ""
) -> str:
    """
    Simulate, and return what happened as JSON.

    Args:
        limit_: As the command line takes it, such as ``100/60 burst=10``.
        who: Likewise, such as ``poisson:3/s``; or instants that were clicked in.
        until: How long requests come.
        max_wait: The longest wait; nothing for any.

    Returns:
        The fields of a `Report`, and ``came`` and ``went``: the instants.  Or
        ``error``, which says what can't be understood.
    """
    try:
        return json.dumps(_play(limit_, who, until, max_wait))
    except ValueError as error:
        return json.dumps({"error": str(error)})


def _play(
    limit_: str, who: str | Sequence[float], until: str, max_wait: str
) -> dict[str, object]:
    source = arrivals(who) if isinstance(who, str) else Given([float(at) for at in who])
    plan = Plan(
        until=duration(until), max_wait=duration(max_wait) if max_wait else None
    )
    came = [one.at for one in source.requests(plan.until, plan.wanted, plan.seed)]
    if len(came) > _MOST:
        msg = f"must be at most {_MOST:,} requests to be drawn, got {len(came):,}"
        raise ValueError(msg)
    went: list[float] = []
    simulation = Simulation(
        [limit(limit_)], source, plan, seen=lambda _, at, __: went.append(at)
    )
    (report,) = simulation.run()
    rows = [row._asdict() for row in report.rows]
    return {**report._asdict(), "rows": rows, "came": came, "went": went}
