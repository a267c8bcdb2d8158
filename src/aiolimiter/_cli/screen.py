"""What there is to see of a shared limit: on a terminal, or in a line."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any, TextIO

from . import extra
from .lately import Lately
from .sight import Sight

_BAR = 40


@contextmanager
def screen(out: TextIO) -> Generator[Callable[[Sight], None]]:
    """Give what draws a *Sight* over the one before; the last one stays."""
    console = extra.need("rich.console").Console(file=out)
    live = extra.need("rich.live").Live(console=console, auto_refresh=False)
    lately = Lately()
    with live:
        yield lambda sight: live.update(_drawn(sight, lately.rate(sight)), refresh=True)


def line(sight: Sight) -> str:
    """Return all of it in a line."""
    return f"{sight.name}  {', '.join(words(sight))}"


def words(sight: Sight) -> list[str]:
    """Return what there is to say."""
    if sight.burst is None:
        told = ["nothing used; of how much, --limit would tell"]
    else:
        told = [
            f"{sight.level:.4g} of {sight.burst:g} used",
            f"{sight.max_rate:g} each {sight.time_period:g} s",
        ]
    if sight.waits:
        told.append("somebody waits")
    if sight.wait:
        told.append(f"{'paused' if sight.paused else 'full'} for {sight.wait:.3g} s")
    if sight.raised_ago is not None:
        told.append(f"paused, restricted or reset {sight.raised_ago:.0f} s ago")
    return told


def _drawn(sight: Sight, rate: float | None) -> Any:
    text = extra.need("rich.text").Text
    rows = extra.need("rich.table").Table.grid()
    rows.add_row(text(sight.name, style="bold"))
    if sight.burst is not None:
        rows.add_row(_bar(sight.level, sight.burst))
    for told in words(sight):
        rows.add_row(text(told))
    if rate is not None:
        rows.add_row(text(f"{rate:.3g} a second lately, or more"))
    return rows


def _bar(level: float, burst: float) -> Any:
    # What is above the burst is no longer bar, but another colour.
    style = "red" if level > burst else "cyan"
    return extra.need("rich.progress_bar").ProgressBar(
        total=burst,
        completed=min(level, burst),
        width=_BAR,
        complete_style=style,
        finished_style=style,
    )
