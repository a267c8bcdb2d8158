"""The way in and the ways out: what is run, and with which status it ends."""

import errno
import io
import os
import shlex
import signal
import subprocess
import sys
import time
from importlib.metadata import version
from types import SimpleNamespace

import pytest

from aiolimiter._cli import drip, main as cli

COMMAND = (sys.executable, "-m", "aiolimiter")
NO_LIMIT = "must be AMOUNT/SECONDS like 4/8, each from 1e-6 to 1e9"
NO_COUNT = "must be a whole number from 1 to 100000"


@pytest.fixture
def asked(monkeypatch):
    """What the drip command was asked for, instead of dripping."""
    options = []
    monkeypatch.setattr(drip, "run", options.append)
    return options


@pytest.fixture
def start():
    """Start the real thing; whatever a test leaves running is ended."""
    started = []
    # A test run that was started in the background ignores it, and its
    # children would too.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)

    def run(*arguments):
        process = subprocess.Popen(
            [*COMMAND, *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            env={**os.environ, "PYTHONIOENCODING": "utf-8"},
        )
        started.append(process)
        return process

    yield run
    signal.signal(signal.SIGINT, before)
    for process in started:
        process.kill()
        process.communicate()


def first_drip(process):
    """Read up to and with the first row."""
    lines = [process.stdout.readline() for _ in range(5)]
    assert lines[-1].split()[:2] == ["0.00", "1"]
    return lines


@pytest.mark.parametrize("typed", [[], ["drip"], ["drip", "4/8", "--tasks", "10"]])
def test_the_example(asked, typed):
    """Without a command, or without its arguments, the example is run."""
    assert cli.main(typed) == 0

    (options,) = asked
    assert options.limit == (4, 8)
    assert (options.tasks, options.every, options.burst) == (10, 0.01, None)


def test_what_was_typed(asked, monkeypatch):
    """What stands behind the program's name is what is run."""
    typed = "drip 100 --tasks 3 --every 2 --burst 5"
    monkeypatch.setattr(sys, "argv", ["aiolimiter", *typed.split()])
    assert cli.main() == 0

    (options,) = asked
    assert options.limit == (100, 60)
    assert (options.tasks, options.every, options.burst) == (3, 2, 5)


@pytest.mark.parametrize(
    ("typed", "prog", "complaint"),
    [
        ("drip 4/0", " drip", f"argument LIMIT: {NO_LIMIT}, got '4/0'"),
        ("drip x", " drip", f"argument LIMIT: {NO_LIMIT}, got 'x'"),
        ("drip --tasks -1", " drip", f"argument --tasks: {NO_COUNT}, got '-1'"),
        ("drip 4/8 --task 3", "", "unrecognized arguments: --task 3"),
    ],
)
def test_bad_input(capsys, asked, typed, prog, complaint):
    """Bad input is one line that names it and says what would do, and status 2."""
    with pytest.raises(SystemExit) as ending:
        cli.main(typed.split())

    assert ending.value.code == 2
    line = f"python -m aiolimiter{prog}: {complaint} (--help explains)\n"
    assert capsys.readouterr() == ("", line)
    assert asked == []


def test_unknown_command(capsys):
    """A command that does not exist is answered with those that do."""
    with pytest.raises(SystemExit) as ending:
        cli.main(["leak"])

    _, line = capsys.readouterr()
    assert ending.value.code == 2
    assert line.count("\n") == 1
    assert "'leak'" in line
    assert "drip" in line


def test_help_lists_the_commands(capsys):
    """The help says what each command does, and what runs without one."""
    with pytest.raises(SystemExit) as ending:
        cli.main(["--help"])

    text, _ = capsys.readouterr()
    assert ending.value.code == 0
    for name, command in cli.COMMANDS.items():
        assert f"{name}  " in text
        assert command.__doc__.strip().splitlines()[0] in text
    assert "Without a command it runs 'drip'" in text


@pytest.mark.parametrize("name", cli.COMMANDS)
def test_help_explains_a_command(capsys, name):
    """A command's help is its module's docstring, and its arguments."""
    with pytest.raises(SystemExit) as ending:
        cli.main([name, "--help"])

    text, _ = capsys.readouterr()
    assert ending.value.code == 0
    assert cli.COMMANDS[name].__doc__.strip() in text
    assert f"python -m aiolimiter {name}" in text


@pytest.mark.parametrize(
    "error",
    [KeyboardInterrupt(), BaseExceptionGroup("tasks", [KeyboardInterrupt()])],
    ids=["alone", "from a task group"],
)
def test_interruption(monkeypatch, error):
    """An interruption is status 130, also where a task noticed it."""

    def run(_):
        raise error

    command = SimpleNamespace(add_arguments=lambda _: None, run=run)
    monkeypatch.setattr(cli, "COMMANDS", {"stop": command})

    assert cli.main(["stop"]) == 130


def test_reader_gone_in_the_end(monkeypatch):
    """A reader that goes away before the last words is noticed as well."""

    def flush():
        raise BrokenPipeError

    command = SimpleNamespace(add_arguments=lambda _: None, run=lambda _: None)
    monkeypatch.setattr(cli, "COMMANDS", {"whisper": command})
    monkeypatch.setattr(sys, "stdout", SimpleNamespace(flush=flush))

    assert cli.main(["whisper"]) == 141


def test_what_can_not_be_written_is_said(monkeypatch, capsys):
    """A full disk is a line that says so, and status 1."""

    def run(_):
        raise OSError(errno.ENOSPC, "No space left on device")

    command = SimpleNamespace(add_arguments=lambda _: None, run=run)
    monkeypatch.setattr(cli, "COMMANDS", {"fill": command})

    assert cli.main(["fill"]) == 1
    assert capsys.readouterr().err == (
        f"python -m aiolimiter: [Errno {errno.ENOSPC}] No space left on device\n"
    )


def test_an_option_that_is_none_is_named(capsys):
    """Also without a command it is the option that is complained of."""
    with pytest.raises(SystemExit, match=r"^2$"):
        cli.main(["--loud"])

    assert "unrecognized arguments: --loud" in capsys.readouterr().err


def test_closed_streams_are_written_to_in_vain(monkeypatch):
    """Who closes both streams hears nothing, and no complaint either."""
    monkeypatch.setattr(sys, "stdout", None)
    monkeypatch.setattr(sys, "stderr", None)

    def run(_):
        sys.stdout.write("heard by nobody")
        sys.stderr.write("nor this")

    command = SimpleNamespace(add_arguments=lambda _: None, run=run)
    monkeypatch.setattr(cli, "COMMANDS", {"say": command})

    assert cli.main(["say"]) == 0
    assert (sys.stdout, sys.stderr) == (None, None)


def test_an_encoding_that_lacks_a_letter_ends_nothing(monkeypatch):
    """What an encoding can't say is a question mark."""
    bytes_ = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(bytes_, encoding="ascii"))
    command = SimpleNamespace(add_arguments=lambda _: None, run=lambda _: print("…"))
    monkeypatch.setattr(cli, "COMMANDS", {"say": command})

    assert cli.main(["say"]) == 0
    assert bytes_.getvalue() == b"?\n"


@pytest.mark.real_time
@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="Linux only")  # noqa: PTH110
@pytest.mark.parametrize("typed", ["drip 100/1", "simulate 4/8", "--version"])
@pytest.mark.parametrize("how", [">/dev/full", ">&-", "| true", "2>&-"])
def test_an_output_that_takes_nothing(typed, how):
    """Whatever becomes of the output, no traceback tells of it."""
    line = f"set -o pipefail; {shlex.join(COMMAND)} {typed} {how}"
    # Or it would be written at once, and the interpreter's end would not be seen.
    env = {key: value for key, value in os.environ.items() if key != "PYTHONUNBUFFERED"}
    done = subprocess.run(
        ["bash", "-c", line], env=env, capture_output=True, text=True, check=False
    )

    wanted = {">/dev/full": {1}, ">&-": {0}, "| true": {0, 141}, "2>&-": {0}}[how]
    assert done.returncode in wanted
    assert done.stderr.count("\n") <= 1
    assert "Exception" not in done.stderr


@pytest.mark.real_time
@pytest.mark.parametrize("name", cli.COMMANDS)
def test_help_in_any_encoding(name):
    """The help of every command can be read where there is nothing but ASCII."""
    done = subprocess.run(
        [*COMMAND, name, "--help"],
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
        capture_output=True,
        encoding="ascii",
        check=True,
    )

    assert f"python -m aiolimiter {name}" in done.stdout
    assert done.stderr == ""


@pytest.mark.real_time
def test_a_simulation_that_is_interrupted(start):
    """Ctrl-C in a long run prints what was found so far; status 130, no traceback."""
    process = start("simulate", "100/1", "--for", "1000h")
    # It says nothing while it runs, so its imports have to be given their time.
    time.sleep(3)
    process.send_signal(signal.SIGINT)
    text, errors = process.communicate(timeout=20)

    assert process.returncode == 130
    assert "admitted" in text
    assert errors == ""


@pytest.mark.real_time
def test_a_small_amount(capsys):
    """A limit below 1 gets a bucket that holds 1, or no task could go."""
    assert cli.main(["drip", "0.5/0.01", "--tasks", "2", "--every", "0"]) == 0

    text, errors = capsys.readouterr()
    assert text.startswith("AsyncLimiter(0.5, 0.01, burst=1): a bucket that holds 1 ")
    assert errors == ""


@pytest.mark.real_time
def test_real_time(start):
    """On the clock on the wall the tasks go no earlier than they may."""
    process = start("drip", "2/0.2", "--tasks", "4", "--every", "0")
    text, errors = process.communicate(timeout=20)

    times = [float(row.split()[0]) for row in text.splitlines()[4:8]]
    assert process.returncode == 0
    assert errors == ""
    assert times == sorted(times)
    assert times[2] >= 0.1
    assert times[3] >= 0.2


@pytest.mark.real_time
def test_control_c(start):
    """Ctrl-C ends it at once, with status 130 and without a word."""
    process = start()
    first_drip(process)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=5)

    assert process.returncode == 130
    assert errors == ""


@pytest.mark.real_time
def test_reader_gone(start):
    """A reader that goes away ends it, with status 141 and without a word."""
    process = start("drip", "100/1", "--tasks", "20", "--every", "0.05")
    first_drip(process)
    process.stdout.close()
    errors = process.stderr.read()

    assert process.wait(timeout=5) == 141
    assert errors == ""


@pytest.mark.real_time
def test_bad_input_to_the_real_thing(start):
    """The status of bad input reaches the shell."""
    process = start("drip", "nan/1")
    text, errors = process.communicate(timeout=20)

    assert process.returncode == 2
    assert text == ""
    assert errors.count("\n") == 1


def test_it_tells_its_version(capsys):
    """It is the one of the installed package."""
    with pytest.raises(SystemExit, match=r"^0$"):
        cli.main(["--version"])

    assert capsys.readouterr().out == f"aiolimiter {version('aiolimiter')}\n"
