"""What is drawn."""

import io

import pytest
from hypothesis import given, strategies as st

from aiolimiter import LimiterStatistics
from aiolimiter._cli.chart import ASCII, BLOCKS, Chart, filled


def now(level=0.0, waiting=0):
    """A limiter's state, as far as a chart shows it."""
    return LimiterStatistics(level, 0.0, waiting, float(waiting), None)


def chart(out, *, burst=4.0, horizon=12.0, leak=2.0, width=80):
    """A chart of the well-known example."""
    return Chart(out, burst=burst, horizon=horizon, leak=leak, width=width)


def rows(out):
    """What was drawn below the heading."""
    return out.getvalue().rstrip("\n").split("\n")[1:]


@pytest.mark.parametrize(
    ("part", "bar"),
    [
        (0.0, "    "),
        (1 / 32, "▏   "),
        (0.25, "█   "),
        (0.6, "██▍ "),
        (1.0, "████"),
        (1e300, "████"),  # a pause is a debt: more is in the bucket than it holds
        (-0.5, "    "),  # a late timer makes up for it: less than nothing is in it
    ],
)
def test_bar(part, bar):
    """A bar fills by eighths of a cell, and never beyond its ends."""
    assert filled(part, 4, BLOCKS) == bar


@given(part=st.floats(-1, 2), more=st.floats(0, 1), width=st.integers(1, 30))
def test_bars_compare(part, more, width):
    """Of two bars of one width the fuller one is never drawn shorter."""
    less, fuller = filled(part, width, ASCII), filled(part + more, width, ASCII)

    assert len(less) == len(fuller) == width
    assert less.count("#") <= fuller.count("#")


def test_row():
    """A row has the instant, the task, the level, who waits, and a step."""
    out = io.StringIO()
    chart(out).drip(5, 2.0, now(level=3.0, waiting=7))

    assert rows(out) == ["    2.00     5  [█████████   ]        7  └─────●"]


def test_steps_start_where_the_last_one_ended():
    """A step is as long as the time since the row above."""
    out = io.StringIO()
    drawn = chart(out)
    for who, at in enumerate([0.0, 0.01, 2.0, 6.0], 1):
        drawn.drip(who, at, now())

    stairs = [row[41:] for row in rows(out)]
    assert stairs == ["●", "●", "└─────●", "      └───────────●"]


@pytest.mark.parametrize("width", [80, 81, 100, 137, 30, 1])
def test_equal_times_are_equal_steps(width):
    """Whatever the width, what takes equally long is drawn equally long."""
    out = io.StringIO()
    drawn = chart(out, width=width)
    for who in range(7):
        drawn.drip(who, 2.0 * who, now())

    lengths = {len(row[41:].strip()) for row in rows(out)[1:]}
    assert len(lengths) == 1
    assert lengths.pop() > 1


def test_more_steps_than_columns():
    """A chart of more steps than columns still ends within its width."""
    out = io.StringIO()
    drawn = chart(out, horizon=1000.0, leak=1.0)
    drawn.drip(1, 500.0, now())
    drawn.drip(2, 1000.0, now())

    assert [len(row) for row in rows(out)] == [60, 79]


def test_beyond_the_horizon():
    """What comes later than foreseen is drawn in the last column."""
    out = io.StringIO()
    drawn = chart(out)
    drawn.drip(1, 12.0, now())
    drawn.drip(2, 13.0, now())

    first, second = rows(out)
    assert len(first) == len(second) == 78


def test_heading():
    """The heading names the columns, and the staircase's ends in seconds."""
    out = io.StringIO()
    chart(out)

    left, right = out.getvalue()[:44], out.getvalue()[44:]
    assert left == "    time  task  bucket          waiting  0 s"
    assert right == "12 s\n".rjust(35)


def test_milliseconds():
    """Instants have milliseconds when units follow each other so quickly."""
    out = io.StringIO()
    chart(out, horizon=0.01, leak=0.001).drip(1, 0.0021, now())

    assert rows(out)[0].split()[0] == "0.002"


def test_plain_characters():
    """An output that knows only ASCII gets only ASCII."""
    raw = io.BytesIO()
    out = io.TextIOWrapper(raw, encoding="ascii", newline="\n")
    drawn = chart(out)
    drawn.drip(1, 0.0, now(level=1.0))
    drawn.drip(2, 2.0, now(level=4.0))

    assert raw.getvalue().decode("ascii").splitlines()[1:] == [
        "    0.00     1  [###         ]        0  o",
        "    2.00     2  [############]        0  `-----o",
    ]


def test_growing(terminal):
    """On a terminal the next row grows in place, until its drip falls."""
    drawn = chart(terminal)
    drawn.drip(1, 0.0, now(level=4.0))
    drawn.grow(1.0, now(level=3.5, waiting=2))
    drawn.drip(2, 2.0, now(level=4.0, waiting=1))
    drawn.close()

    _, second = rows(terminal)
    assert second.split("\r") == [
        "    1.00        [██████████▌ ]        2  └──",
        "    2.00     2  [████████████]        1  └─────●",
    ]


def test_shrinking(terminal):
    """A row that covers a longer one leaves nothing of it."""
    drawn = chart(terminal)
    drawn.grow(12.0, now())
    drawn.drip(1, 0.0, now())

    grown, dripped = rows(terminal)[0].split("\r")
    assert len(dripped) == len(grown)
    assert dripped.rstrip().endswith("●")


def test_narrow_terminal(terminal):
    """A growing row is never longer than the terminal, where it would wrap."""
    chart(terminal, width=30).grow(12.0, now())

    assert [len(row) for row in rows(terminal)] == [29]


@pytest.mark.parametrize(("grown", "ends"), [(True, "└──\n"), (False, "12 s\n")])
def test_close(terminal, grown, ends):
    """Stopped while a row grows, the cursor is left on a line of its own."""
    drawn = chart(terminal)
    if grown:
        drawn.grow(1.0, now())
    drawn.close()

    assert terminal.getvalue().endswith(ends)
