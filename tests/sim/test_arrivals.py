"""Who comes when: as typed, and from files."""

from __future__ import annotations

import io
from math import inf

import pytest

from aiolimiter._sim.amounts import amounts
from aiolimiter._sim.arrivals import Given, arrivals
from aiolimiter._sim.log import Log, read

ONE = amounts("1")


def instants(text, until=10.0, seed=0):
    """When they come."""
    return [one.at for one in arrivals(text).requests(until, ONE, seed)]


def test_steady_arrivals_are_evenly_spaced():
    """Steady arrivals start at 0 and come at even distances."""
    assert instants("steady:2/s", 2.0) == [0.0, 0.5, 1.0, 1.5]


def test_poisson_arrivals_have_their_rate():
    """Of Poisson arrivals about as many come as their rate says."""
    came = instants("poisson:3/s", 10_000.0)

    assert len(came) == pytest.approx(30_000, rel=0.03)
    assert came == sorted(came)


def test_a_seed_draws_the_same_again():
    """The same seed gives the same arrivals, another one others."""
    assert instants("poisson:3/s", seed=1) == instants("poisson:3/s", seed=1)
    assert instants("poisson:3/s", seed=1) != instants("poisson:3/s", seed=2)


def test_bursts_come_at_their_instants():
    """Bursts come all at once, in the order of time, and not after the end."""
    assert instants("burst:2@4s,1@1s,3", 4.5) == [0.0, 0.0, 0.0, 1.0, 4.0, 4.0]
    assert instants("burst:1@4s,1@11s") == [4.0]


def test_instants_that_are_given_come_in_order():
    """What was clicked in comes in the order of time."""
    came = Given([3.0, 1.0, 99.0]).requests(10.0, ONE, 0)

    assert [one.at for one in came] == [1.0, 3.0]


@pytest.mark.parametrize(
    "text", ["", "steady", "sometimes:3/s", "steady:0/s", "burst:", "burst:x@1s"]
)
def test_what_is_no_arrival_is_refused_with_an_example(text):
    """The error names what works, and what was given."""
    with pytest.raises(ValueError, match=r"^must be"):
        arrivals(text)


@pytest.mark.parametrize("text", ["burst:1.5@1s", "burst:1e9@1s"])
def test_a_burst_is_a_whole_number(text):
    """Half a task does not come, and neither do a thousand million."""
    with pytest.raises(ValueError, match=r"^must be bursts like 50@0s,50@4m"):
        arrivals(text)


def test_amounts_are_drawn_as_they_say():
    """Uniform amounts stay between their ends; lognormal ones have their median."""
    came = [
        a.amount
        for a in arrivals("steady:1/s").requests(2001, amounts("uniform:2,4"), 7)
    ]
    spread = sorted(
        a.amount
        for a in arrivals("steady:1/s").requests(2001, amounts("lognormal:400,1"), 7)
    )

    assert all(2 <= amount <= 4 for amount in came)
    assert spread[1000] == pytest.approx(400, rel=0.1)


@pytest.mark.parametrize(
    "text",
    ["much", "-1", "nan", "uniform:3", "uniform:4,2", "lognormal:0,1", "beta:1,2"],
)
def test_what_is_no_amount_is_refused(text):
    """The error shows the three forms."""
    with pytest.raises(ValueError, match="lognormal:400,1, got"):
        amounts(text)


COMMON = '1.2.3.4 - ann [10/Oct/2025:13:55:36 +0000] "GET /a HTTP/1.1" 200 2326'


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("12.5", 12.5),
        ("12.5, 3", 12.5),
        ("1760104536000", 1760104536),
        ("2025-10-10T13:55:36Z GET", 1760104536),
        (COMMON, 1760104536),
        (COMMON + ' "-" "curl/8"', 1760104536),
        ('{"time": "2025-10-10T13:55:36+00:00", "n": 3}', 1760104536),
        ('{"ts": 1760104536.5}', 1760104536.5),
    ],
)
def test_every_form_of_a_line_tells_its_instant(text, at):
    """Plain instants, the log formats and JSON are told apart by themselves."""
    assert read(text).at == at


@pytest.mark.parametrize(
    "text",
    ["soon", "nan", "{", '{"time": true}', '{"when": 1}', COMMON.replace("Oct", "Okt")],
)
def test_a_line_that_says_nothing_is_refused(text):
    """The error says which forms there are."""
    with pytest.raises(ValueError, match="common or combined log format"):
        read(text)


def test_a_file_is_read_from_its_first_line(tmp_path):
    """The first line is at 0; one that is older than the last counts as of it."""
    file = tmp_path / "log"
    file.write_text("100\n\n102\n101\n103\n")

    came = list(Log(str(file)).requests(inf, ONE, 0))

    assert [one.at for one in came] == [0, 2, 2, 3]
    assert [one.at for one in Log(str(file)).requests(3, ONE, 0)] == [0, 2, 2]


def test_columns_tell_amount_and_key(tmp_path):
    """An access log can say how much each request wants and whose it is."""
    file = tmp_path / "log"
    file.write_text(COMMON + "\n")

    (one,) = Log(str(file), amount="size", key="path").requests(inf, ONE, 0)

    assert (one.amount, one.key) == (2326, "/a")


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("x", "must be an instant"),
        ("5 much", "column 2 must be a number, 0 or more, got 'much'"),
        ("5", "there is no column '2': there is 1"),
    ],
)
def test_a_bad_line_is_named(tmp_path, line, why):
    """The file and the number of the line are in the error."""
    file = tmp_path / "log"
    file.write_text(f"1 2\n{line}\n")

    with pytest.raises(ValueError, match=f"log, line 2: {why}"):
        list(Log(str(file), amount="2").requests(inf, ONE, 0))


def test_bad_lines_can_be_left_out(tmp_path):
    """With skip_bad they are counted, each time anew."""
    file = tmp_path / "log"
    file.write_text("1\nx\n2\ny\n")
    log = Log(str(file), skip_bad=True)

    for _ in range(2):
        assert [one.at for one in log.requests(inf, ONE, 0)] == [0, 1]
        assert log.bad == 2


def test_a_dash_is_standard_input(monkeypatch):
    """The path - reads what is piped in."""
    monkeypatch.setattr("sys.stdin", io.StringIO("1\n2\n"))

    assert [one.at for one in Log("-").requests(inf, ONE, 0)] == [0, 1]
