"""What `watch` sees of a shared limit, and that it changes nothing by looking."""

from __future__ import annotations

import asyncio
import io
import json
import time
from pathlib import Path

import pytest
from rich.console import Console

from aiolimiter._cli import main as cli, sight, watch
from aiolimiter._cli.lately import Lately
from aiolimiter._cli.screen import _drawn, screen, words
from aiolimiter._cli.sight import Sight
from aiolimiter.local import FileLimiter


@pytest.fixture
def path(tmp_path):
    """A file whose limit of 10 a minute has 4 in use."""
    path = tmp_path / "github.limit"
    limiter = FileLimiter(path, 10, 60)
    assert limiter._take(4)
    return path


def told(capsys, *arguments) -> dict:
    """What the command says about it, as JSON."""
    assert cli.main(["watch", *arguments, "--once", "--json"]) == 0
    return json.loads(capsys.readouterr().out)


@pytest.mark.real_time
def test_a_file_is_looked_at_and_stays_as_it_is(path, capsys):
    """Its limit is known from the file, and not a byte of it changes."""
    before = path.read_bytes()
    seen = told(capsys, str(path))

    assert path.read_bytes() == before
    assert seen == {
        "name": str(path),
        "max_rate": 10,
        "time_period": 60,
        "burst": 10,
        "level": pytest.approx(4, abs=0.5),
        "available": pytest.approx(6, abs=0.5),
        "wait": 0,
        "waits": False,
        "paused": False,
        "raised_ago": None,
        "at": pytest.approx(time.monotonic(), abs=5),
    }


@pytest.mark.real_time
def test_a_pause_is_seen(path, capsys):
    """A paused limit is full, says for how long, and since when."""
    asyncio.run(FileLimiter(path, 10, 60).pause(100))
    assert cli.main(["watch", str(path), "--once"]) == 0
    line = capsys.readouterr().out

    assert "of 10 used, 10 each 60 s, paused for 100 s" in line
    assert "paused, restricted or reset 0 s ago" in line
    assert "somebody waits" not in line


@pytest.mark.real_time
async def test_whoever_waits_is_seen(path):
    """A limit that is full because somebody waits is not paused."""
    limiter = FileLimiter(path, 10, 60)
    limiter._take(6)
    waiting = asyncio.create_task(limiter.acquire(5))
    while not (seen := sight.of_file(str(path))).waits:
        await asyncio.sleep(0.01)
    waiting.cancel()

    assert (seen.paused, seen.level) == (False, pytest.approx(15, abs=0.5))
    assert "somebody waits" in words(seen)
    assert "full for 30 s" in words(seen)


@pytest.mark.real_time
async def test_whoever_waits_for_the_end_of_a_pause_is_seen(tmp_path):
    """While it lasts, both are told; afterwards only who waits is."""
    path = tmp_path / "github.limit"
    limiter = FileLimiter(path, 10, 1, burst=1)
    await limiter.pause(0.4)
    waiting = [asyncio.create_task(limiter.acquire()) for _ in range(9)]
    while not (seen := sight.of_file(str(path))).waits:
        await asyncio.sleep(0.01)
    paused = seen.paused
    await waiting[0]
    after = sight.of_file(str(path))
    await asyncio.gather(*waiting)
    ended = sight.of_file(str(path))

    assert (paused, after.waits) == (True, True)
    assert (ended.waits, ended.paused) == (False, False)


def stop_after(monkeypatch, looks):
    """Let whoever watches be interrupted after so many *looks*."""
    seen = []

    async def sleep(_):
        seen.append(1)
        if len(seen) == looks:
            raise KeyboardInterrupt

    monkeypatch.setattr(watch.asyncio, "sleep", sleep)


def test_it_goes_on_until_it_is_stopped(path, capsys, monkeypatch):
    """It is a line a look."""
    stop_after(monkeypatch, 3)
    assert cli.main(["watch", str(path)]) == 130

    assert capsys.readouterr().out.count("of 10 used, 10 each 60 s\n") == 3


def test_in_a_terminal_it_is_drawn_over(path, monkeypatch, terminal):
    """A bar and what there is to say live there, and the last of it stays."""
    stop_after(monkeypatch, 3)
    monkeypatch.setattr("sys.stdout", terminal)
    assert cli.main(["watch", str(path)]) == 130
    drawn = terminal.getvalue()

    assert drawn.count("of 10 used") >= 3
    assert drawn.count("0 a second lately, or more") >= 2
    assert "━" in drawn
    assert "\x1b[1A" in drawn


def test_what_no_rate_is_told_of_has_no_bar(monkeypatch, terminal):
    """Where there is no key it says so much, and what would tell the rest."""
    with screen(terminal) as show:
        show(seen_at(0.0, 0.0, max_rate=None, time_period=None, burst=None))
        show(seen_at(1.0, 0.0, max_rate=None, time_period=None, burst=None))

    assert "nothing used; of how much, --limit would tell" in terminal.getvalue()
    assert "━" not in terminal.getvalue()
    assert "lately" not in terminal.getvalue()


def seen_at(at, level, **more):
    """A look at a limit of 10 a second."""
    sight = Sight(
        name="github",
        max_rate=10.0,
        time_period=1.0,
        burst=100.0,
        level=level,
        available=100.0 - level,
        wait=0.0,
        waits=False,
        paused=False,
        raised_ago=None,
        at=at,
    )
    return sight._replace(**more)


def test_what_went_through_lately_is_told_by_two_looks():
    """What leaked meanwhile counts, for ten seconds; a pause does not."""
    lately = Lately()
    assert lately.rate(seen_at(0.0, 50.0)) is None
    assert lately.rate(seen_at(1.0, 50.0)) == pytest.approx(10.0)
    assert lately.rate(seen_at(2.0, 40.0)) == pytest.approx(5.0)
    assert lately.rate(seen_at(3.0, 100.0, raised_ago=0.5)) == pytest.approx(5.0)
    assert lately.rate(seen_at(3.0, 100.0)) == pytest.approx(5.0)
    assert lately.rate(seen_at(13.0, 20.0)) == pytest.approx(20.0 / 10.0)
    assert lately.rate(seen_at(14.0, 20.0, max_rate=9.0)) == pytest.approx(2.0)


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["nowhere.limit"], "No such file"),
        (["x", "--key", "y"], "argument --key: a file is the limit of one"),
        (["x", "--redis", "nonsense", "--limit", "1/1"], "must specify one of"),
        (
            ["x", "--redis", "unix://nowhere.sock", "--limit", "1/1"],
            "can't look at 'x' on unix://nowhere.sock",
        ),
        (["x", "--limit", "nonsense"], "nonsense"),
        (["x", "--limit", "window:1/1"], "must be a bucket"),
    ],
)
def test_what_can_not_be_looked_at_is_said_in_a_line(arguments, complaint, capsys):
    """Status 2, and one line on standard error."""
    with pytest.raises(SystemExit, match=r"^2$"):
        cli.main(["watch", *arguments, "--once"])
    said = capsys.readouterr().err

    assert complaint in said
    assert said.count("\n") == 1


def test_another_file_is_no_limit(tmp_path, capsys):
    """A file that is no limiter's, or of another version, is refused and kept."""
    for content in (b"", b"x" * 500, b"aiolimit" + b"\xff" * 400):
        path = tmp_path / "other"
        path.write_bytes(content)
        with pytest.raises(SystemExit, match=r"^2$"):
            cli.main(["watch", str(path), "--once"])

        assert "is not a limiter's file of version" in capsys.readouterr().err
        assert path.read_bytes() == content


def test_a_file_that_stays_locked_is_said(path, monkeypatch, capsys):
    """Whoever holds the lock for long is stopped; it is not waited for."""
    monkeypatch.setattr(sight, "_NAP", 0)
    other = FileLimiter(path, 10, 60)
    assert other._store._file.lock()
    with pytest.raises(SystemExit, match=r"^2$"):
        cli.main(["watch", str(path), "--once"])
    other._store._file.unlock()

    assert "is locked all the time" in capsys.readouterr().err


def test_the_page_shows_what_is_drawn():
    """What docs/signals.md shows is what a terminal would, but for the colours."""
    sight = seen_at(0.0, 3512.0, max_rate=5000.0, time_period=3600.0, burst=5000.0)
    out = io.StringIO()
    Console(file=out, width=80).print(_drawn(sight, 1.2))
    drawn = "\n".join(line.rstrip() for line in out.getvalue().splitlines())
    page = Path(__file__).parents[2] / "docs" / "signals.md"

    assert f"```text\n{drawn}\n```" in page.read_text("utf-8")
