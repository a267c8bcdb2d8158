"""Trying a limit from the command line: what is printed, and what is refused."""

from __future__ import annotations

import csv
import errno
import io
import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from aiolimiter._cli import extra, main as cli, simulate
from aiolimiter._sim.log import Log
from aiolimiter._sim.run import Simulation

BURST = ("--arrivals", "burst:10@0s")


class Terminal(io.StringIO):
    """A text file that is looked at by a person."""

    def isatty(self):
        return True


def out_of(capsys, *typed):
    """What `simulate` prints."""
    assert cli.main(["simulate", *typed]) == 0
    return capsys.readouterr().out


def test_the_numbers_that_matter_are_printed(capsys):
    """A column for each limit says what it did."""
    out = out_of(capsys, "4/8", *BURST, "--versus", "window:4/8")
    rows = {line[:18].strip(): line[18:].split() for line in out.splitlines()}

    assert "AsyncLimiter(4, 8)" in out
    assert "SlidingWindowLimiter(4, 8)" in out
    assert rows["admitted"] == ["10", "10"]
    assert rows["longest"] == ["12", "s", "16", "s"]
    assert rows["429s"] == ["-", "-"]


def test_a_terminal_gets_curves(monkeypatch):
    """On a terminal arrivals, admissions, queue and level are drawn over time."""
    out = Terminal()
    monkeypatch.setattr(sys, "stdout", out)

    assert cli.main(["simulate", "4/8", "--for", "1m"]) == 0

    for name in ("arrived", "admitted", "waiting", "level"):
        assert name in out.getvalue()


def test_progress_is_shown_on_a_terminal(monkeypatch, capsys):
    """On a terminal standard error shows how far it is, and is cleared."""
    monkeypatch.setattr(sys, "stderr", Terminal())

    out = out_of(capsys, "100/1", "--for", "1m")

    assert "admitted" in out
    assert "simulating" in sys.stderr.getvalue()


def test_json_has_everything(capsys):
    """With --json a program gets each number, and what happened when."""
    (told,) = json.loads(out_of(capsys, "4/8", *BURST, "--json"))

    assert told["admitted"] == 10
    assert told["limit"] == "AsyncLimiter(4, 8)"
    assert sum(row["admitted"] for row in told["rows"]) == 10


def test_csv_has_a_row_a_limit(capsys):
    """With --csv each limit is a row."""
    out = out_of(capsys, "4/8", *BURST, "--versus", "8/8", "--csv")
    first, second = csv.DictReader(io.StringIO(out))

    assert (first["longest"], second["limit"]) == ("12.0", "AsyncLimiter(8, 8)")


@pytest.mark.parametrize("suffix", ["svg", "png", "html"])
def test_a_picture_is_drawn(capsys, tmp_path, suffix):
    """--plot writes what its name says."""
    file = tmp_path / f"limit.{suffix}"

    out_of(capsys, "4/8", *BURST, "--versus", "window:4/8", "--plot", str(file))

    head = {"svg": b"<?xml", "png": b"\x89PNG", "html": b"<!doctype html>"}
    assert file.read_bytes().startswith(head[suffix])


def test_a_picture_is_not_told_of_in_what_a_program_reads(capsys, tmp_path):
    """With --json a picture is drawn, and what is printed is JSON alone."""
    file = tmp_path / "limit.svg"

    assert json.loads(out_of(capsys, "4/8", *BURST, "--json", "--plot", str(file)))
    assert file.exists()


@pytest.mark.parametrize("suffix", ["svg", "html"])
def test_a_picture_goes_with_its_page(tmp_path, suffix, capsys):
    """What is drawn is dark where the page is, and the same each time."""
    one, two = (tmp_path / f"{name}.{suffix}" for name in ("one", "two"))
    for file in (one, two):
        out_of(capsys, "4/8", *BURST, "--plot", str(file))
    picture = one.read_text("utf-8")

    assert one.read_bytes() == two.read_bytes()
    assert "prefers-color-scheme: dark" in picture
    # Of white paper and black ink nothing is left but the two in the style.
    assert "#000000" not in picture
    assert picture.count("#ffffff") == 1


@pytest.mark.parametrize("suffix", ["svg", "png", "html"])
def test_a_picture_that_can_not_be_written_is_named(tmp_path, suffix, capsys):
    """The numbers are printed all the same, then a line; status 2."""
    file = tmp_path / "nowhere" / f"limit.{suffix}"

    with pytest.raises(SystemExit, match=r"^2$"):
        cli.main(["simulate", "4/8", *BURST, "--plot", str(file)])

    out, err = capsys.readouterr()
    assert "admitted" in out
    assert f"argument --plot: can't write {file}: No such file" in err
    assert err.count("\n") == 1


def test_a_file_that_fails_while_it_is_read_is_named(tmp_path, monkeypatch, capsys):
    """The system does not say which file it was; the line does."""

    def requests(*_):
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(Log, "requests", requests)

    with pytest.raises(SystemExit, match=r"^2$"):
        cli.main(["simulate", "1/1", "--arrivals", f"file:{tmp_path / 'log'}"])

    assert f"can't read {tmp_path / 'log'}: Input" in capsys.readouterr().err


def test_a_terminal_without_dots_gets_no_curves(monkeypatch):
    """Where the encoding has no dots, that is said, and the numbers are there."""
    written = io.BytesIO()
    out = io.TextIOWrapper(written, encoding="ascii")
    monkeypatch.setattr(out, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(sys, "stdout", out)

    assert cli.main(["simulate", "4/8", "--for", "1m"]) == 0

    text = written.getvalue().decode("ascii")
    assert "admitted" in text
    assert "no curves: ascii has no dots to draw with" in text


def test_a_server_says_how_much_slower(capsys):
    """Where a server refuses, the rate that it accepts is told."""
    typed = ("window:12/60", "--arrivals", "steady:1/s", "--server", "window:10/60")

    out = out_of(capsys, *typed)

    assert out.endswith("at 91% of the rate (10.92/60) the server refuses nothing\n")


def test_where_no_rate_is_slow_enough_that_is_said(capsys):
    """A burst that the server does not take is no matter of the rate."""
    out = out_of(capsys, "10/60", *BURST, "--server", "window:5/60")

    assert "no lower rate helps" in out
    assert "burst=1" in out


def test_a_burst_can_be_given(capsys):
    """--burst is what the bucket holds."""
    out = out_of(capsys, "4/8", *BURST, "--burst", "1", "--for", "1m")

    assert "AsyncLimiter(4, 8, burst=1)" in out


def test_workers_come_instead_of_arrivals(capsys):
    """--workers ask again and again, for as long as --for says."""
    typed = ("1/1", "--workers", "3", "--service", "100ms", "--for", "10s", "--json")
    (told,) = json.loads(out_of(capsys, *typed))

    assert told["admitted"] == pytest.approx(12, abs=2)


def test_a_file_is_read_whole(capsys, tmp_path):
    """A file is read to its end, with amounts from a column; bad lines are told."""
    log = tmp_path / "log"
    log.write_text("0 2\n1 2\nx\n4000 1\n")
    typed = ("4/8", "--arrivals", f"file:{log}", "--amount", "column:2", "--skip-bad")

    out = out_of(capsys, *typed)

    assert "1 lines of" in out
    assert "arrived" in out


def test_standard_input_is_read_once(capsys, monkeypatch):
    """What is piped in can't be tried at another rate."""
    monkeypatch.setattr(sys, "stdin", io.StringIO("0\n" * 20))
    typed = ("20/8", "--arrivals", "file:-", "--server", "window:10/8")

    assert "of the rate (" not in out_of(capsys, *typed)


def test_an_interruption_prints_what_was_found(capsys, monkeypatch):
    """Ctrl-C ends with status 130, after what has been found so far."""
    run = Simulation.run

    def interrupted(self):
        run(self)
        raise KeyboardInterrupt

    monkeypatch.setattr(Simulation, "run", interrupted)

    assert cli.main(["simulate", "4/8", *BURST]) == 130
    assert "admitted" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("typed", "why"),
    [
        (["x"], "argument LIMIT: must be AMOUNT/SECONDS like 100/60"),
        (["1/1", "--arrivals", "x"], "argument --arrivals: must be steady:3/s"),
        (["1/1", "--arrivals", "file:/no/such"], "argument --arrivals: can't read"),
        (["1/1", "--amount", "x"], "argument --amount: must be a number, uniform:"),
        (["1/1", "--amount", "column:x"], "argument --amount: a column is one of"),
        (["1/1", "--key", "x"], "argument --key: a column is one of a file"),
        (["1/1", "--workers", "1.5"], "argument --workers: must be a whole number"),
        (["1/1", "--workers", "2", *BURST], "argument --workers: not with --arrivals"),
        (["1/1 + 2/2", "--burst", "2"], "argument --burst: must be above 0"),
        (["window:1/1", "--burst", "2"], "argument --burst: must be above 0"),
        (["1/1", "--plot", "x.jpg"], "argument --plot: must end in .svg, .png, .html"),
    ],
)
def test_bad_input_is_one_line(capsys, typed, why):
    """What can't be understood is named, with what would do; status 2."""
    with pytest.raises(SystemExit) as stopped:
        cli.main(["simulate", *typed])

    err = capsys.readouterr().err
    assert stopped.value.code == 2
    assert why in err
    assert err.count("\n") == 1


def test_a_bad_line_of_a_file_is_named(capsys, tmp_path):
    """The file's name and the number of the line are told."""
    log = tmp_path / "log"
    log.write_text("0\nx\n")

    with pytest.raises(SystemExit):
        cli.main(["simulate", "1/1", "--arrivals", f"file:{log}"])

    assert f"{log}, line 2: must be an instant" in capsys.readouterr().err


def test_without_the_extra_it_says_what_to_install(capsys, monkeypatch):
    """What is missing is told with the line that installs it."""
    monkeypatch.setitem(sys.modules, "rich", None)

    with pytest.raises(SystemExit) as stopped:
        extra.need("rich")

    assert stopped.value.code == 2
    assert "pip install 'aiolimiter[cli]'" in capsys.readouterr().err


def test_the_command_line_imports_no_extra_before_it_is_asked():
    """`drip` works where nothing is installed."""
    script = (
        "import sys; import aiolimiter._cli.main; "
        "assert not {'rich', 'matplotlib', 'plotille'} & set(sys.modules)"
    )

    subprocess.run([sys.executable, "-c", script], check=True)


def test_help_shows_the_examples(capsys):
    """The help begins with what to type."""
    with pytest.raises(SystemExit):
        cli.main(["simulate", "--help"])

    assert "simulate 100/60 --burst 10" in capsys.readouterr().out
    assert simulate.__doc__ is not None


def test_the_page_shows_what_is_printed(capsys, monkeypatch):
    """The table of docs/simulator.md is the one that its command prints."""
    monkeypatch.setenv("COLUMNS", "80")
    page = (Path(__file__).parents[2] / "docs" / "simulator.md").read_text("utf-8")
    shape = r"aiolimiter (simulate .*)\n```\n\n```text\n([^`]+)"
    ((command, shown),) = re.findall(shape, page)
    assert cli.main(shlex.split(command)) == 0
    printed = capsys.readouterr().out

    assert shown == "".join(f"{line.rstrip()}\n" for line in printed.splitlines())
