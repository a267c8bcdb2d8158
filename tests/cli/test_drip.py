"""The example of the documentation, live."""

import asyncio
import io

import pytest

from aiolimiter import AsyncLimiter
from aiolimiter._cli.drip import drip

EXAMPLE = """\
AsyncLimiter(4, 8): a bucket that holds 4 and leaks 1 each 2 s.
10 tasks come 0.01 s apart; each pours in 1 as soon as that fits.

    time  task  bucket          waiting  0 s                              12 s
    0.00     1  [███         ]        0  ●
    0.01     2  [██████      ]        0  ●
    0.02     3  [█████████   ]        0  ●
    0.03     4  [████████████]        0  ●
    2.00     5  [████████████]        5  └─────●
    4.00     6  [████████████]        4        └─────●
    6.00     7  [████████████]        3              └─────●
    8.00     8  [████████████]        2                    └─────●
   10.00     9  [████████████]        1                          └─────●
   12.00    10  [████████████]        0                                └─────●

The last came at 0.09 s and went through at 12 s.
"""


def seen(text):
    """What is on a terminal's screen after it was sent *text*."""
    return "\n".join(line.rpartition("\r")[2].rstrip() for line in text.split("\n"))


def column(text, name):
    """The column *name* of a drawing, down to the blank line."""
    heading, *rows = text.split("\n\n")[1].splitlines()
    return [row.split("]")[0].split()[heading.split().index(name)] for row in rows]


async def test_example():
    """Four of ten tasks go at once, and then one each 2 s."""
    out = io.StringIO()
    await drip(AsyncLimiter(4, 8), 10, 0.01, out=out)

    assert out.getvalue() == EXAMPLE


async def test_example_on_a_terminal(terminal):
    """A terminal shows the same in the end, but it moved on the way."""
    await drip(AsyncLimiter(4, 8), 10, 0.01, out=terminal)

    assert seen(terminal.getvalue()) == EXAMPLE
    assert terminal.getvalue().count("\r") > 200


async def test_leaking_is_seen(terminal):
    """Between two drips the level on a terminal falls, by 1 in all."""
    await drip(AsyncLimiter(4, 8), 6, 0.01, out=terminal)

    last = terminal.getvalue().split("\n\n")[1].split("\n")[-1].split("\r")
    bars = [frame.partition("[")[2].partition("]")[0] for frame in last]
    falling = bars[: bars.index("█" * 12)]
    assert falling == sorted(falling, key=_height, reverse=True)
    assert _height(falling[0]) == pytest.approx(12, abs=0.2)
    assert _height(falling[-1]) == pytest.approx(9, abs=0.2)


def _height(bar):
    return sum(" ▏▎▍▌▋▊▉█".index(cell) / 8 for cell in bar)


async def test_pace():
    """With a burst of 1 there is no rush at the start either."""
    out = io.StringIO()
    await drip(AsyncLimiter(4, 8, burst=1), 4, 0, out=out)

    assert column(out.getvalue(), "time") == ["0.00", "2.00", "4.00", "6.00"]
    assert out.getvalue().startswith(
        "AsyncLimiter(4, 8, burst=1): a bucket that holds 1 and leaks 1 each 2 s.\n"
        "4 tasks come at once; "
    )


async def test_room_for_all():
    """Tasks that come no faster than the bucket leaks never wait."""
    out = io.StringIO()
    await drip(AsyncLimiter(20, 10), 4, 1.5, out=out)

    assert column(out.getvalue(), "time") == ["0.00", "1.50", "3.00", "4.50"]
    assert "leaks 2 a second" in out.getvalue()


async def test_one_task():
    """A single task goes at once, and the sentences fit it."""
    out = io.StringIO()
    await drip(AsyncLimiter(4, 8), 1, 0, out=out)

    assert column(out.getvalue(), "time") == ["0.00"]
    assert "\n1 task comes at once; " in out.getvalue()
    assert out.getvalue().endswith("The last came at 0 s and went through at 0 s.\n")


async def test_same_time_from_a_later_start():
    """Instants count from the start of the drawing, not of the loop."""
    await asyncio.sleep(1000)
    out = io.StringIO()
    await drip(AsyncLimiter(4, 8), 10, 0.01, out=out)

    assert out.getvalue() == EXAMPLE


async def test_nothing_stays_behind(terminal):
    """When the last task went through, no other is left."""
    await drip(AsyncLimiter(4, 8), 5, 0.01, out=terminal)
    await asyncio.sleep(0)

    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_interrupted(terminal):
    """Stopped midway, it ends the line it was drawing and takes its tasks along."""
    limiter = AsyncLimiter(4, 8)
    task = asyncio.create_task(drip(limiter, 10, 0.01, out=terminal))
    await asyncio.sleep(5)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await asyncio.sleep(0)

    assert terminal.getvalue().endswith("└──\n")
    assert limiter.statistics().waiting == 0
    assert asyncio.all_tasks() == {asyncio.current_task()}
