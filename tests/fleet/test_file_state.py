"""The file a bucket is kept in: whose it is, who may write, what a kill leaves."""

from __future__ import annotations

import contextlib
import os
import signal
import stat
import struct
import subprocess
import sys
import time

import pytest
from hypothesis import given, strategies as st

from aiolimiter import BackendError
from aiolimiter._core.shared import lows
from aiolimiter._core.shared.trip import Low
from aiolimiter.local import _agreed, _file, _lows
from aiolimiter.local._file import SIZE, Contract, StateFile, _after_fork
from aiolimiter.local._place import Place

pytestmark = pytest.mark.real_time

CONTRACT = Contract(10.0, 60.0, 10.0)


def state_file(path, contract=CONTRACT, mode=0o600):
    """Open the file of a limit."""
    return StateFile(Place(path, mode), contract)


@pytest.fixture
def path(tmp_path):
    """Where a limiter's file may go."""
    return tmp_path / "limit"


@pytest.fixture(autouse=True)
def umask():
    """Files that a test makes are for us alone, wherever the tests run."""
    before = os.umask(0o077)
    yield
    os.umask(before)


def test_a_new_file_is_empty_and_nobody_elses_business(path):
    """A new file holds an empty bucket, and only its owner may read it."""
    file = state_file(path)

    assert file.read()[:4] == (0.0, 0.0, 0.0, 0.0)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_an_empty_file_is_taken_as_new(path):
    """A file with nothing in it, as mkstemp leaves one, becomes a limiter's."""
    path.touch()

    assert state_file(path).read()[:4] == (0.0, 0.0, 0.0, 0.0)


def test_what_is_written_is_what_others_read(path):
    """Two openings of one file see the same state."""
    one, two = state_file(path), state_file(path)
    one.write(1.5, 2.5, 3.5, 0.0)
    seen = two.read()[:4]
    two.write(4.5, 5.5, 6.5, 1.0)

    assert seen == (1.5, 2.5, 3.5, 0.0)
    assert one.read()[:4] == (4.5, 5.5, 6.5, 1.0)


def test_how_low_it_has_been_is_kept_with_the_state(path):
    """The lows are part of the record, up to as many as there can be."""
    file = state_file(path)
    for known in (b"", _lows.packed((Low(3, (1.5,)), Low(5, (2.0,)))), bytes(32 * 16)):
        record = (1.0, 2.0, 3.0, 4.0, 5.0, bytes(range(64)), known)
        file.write(*record)

        assert state_file(path).read() == record


@given(st.lists(st.integers(0, 40), max_size=120))
def test_the_short_way_notes_what_the_long_one_notes(levels):
    """Written lows are those that the arithmetic keeps, whatever the levels."""
    written, known = b"", ()
    for at, level in enumerate(levels):
        when = at // 2
        written = _lows.noted(written, when, float(level), 1.5)
        known = lows.noted(known, when, (float(level),), (1.5,))

        assert _lows.unpacked(written) == known
        assert _lows.packed(known) == written


def test_one_at_a_time(path):
    """While one opening has the lock no other one gets it."""
    one, two = state_file(path), state_file(path)

    assert one.lock()
    assert not two.lock()
    one.unlock()
    assert two.lock()


@pytest.mark.parametrize(
    "content",
    [b"x", b"#!/bin/sh\n" * 10, b"aiolimit", b"\0" * SIZE, b"aiolimit" * 100],
    ids=["byte", "script", "cut short", "zeros", "too long"],
)
def test_a_file_that_is_not_a_limiters_is_refused_and_left_alone(path, content):
    """A file of somebody else's is refused, and not a byte of it changes."""
    path.write_bytes(content)

    with pytest.raises(ValueError, match=r"^/.* is not a limiter's file: use another"):
        state_file(path)
    assert path.read_bytes() == content


def test_a_later_version_is_refused(path):
    """A file of a version this one does not know is refused."""
    state_file(path)
    content = bytearray(path.read_bytes())
    content[8] = 9
    path.write_bytes(content)

    with pytest.raises(ValueError, match=r"is of version 9, this is version 4: "):
        state_file(path)


def test_a_file_keeps_what_it_was_made_for(path):
    """Whoever opens it with another limit leaves that as it is."""
    state_file(path)
    other = state_file(path, Contract(10.0, 1.0, 10.0))
    for _ in range(2):
        other.read()
        other.write(1.0, 2.0, 3.0, 4.0)

    assert _file.contract_of(path) == CONTRACT


def test_what_is_no_rate_is_no_state():
    """A rate of nothing, or none at all, is not taken as one in force."""
    for rate in (0.0, float("nan")):
        with pytest.raises(ValueError, match="not a rate in force"):
            _agreed.unpacked(struct.pack("<dddddddd", 1, 0, rate, 1, 0, 0, 0, 0), 0.0)


def test_a_directory_a_pipe_and_a_link_are_refused(tmp_path, path):
    """Only a regular file, named by itself, can be a limiter's."""
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to(path)

    with pytest.raises(ValueError, match="is not a regular file: "):
        state_file(tmp_path / "pipe")
    with pytest.raises(OSError, match="Is a directory"):
        state_file(tmp_path)
    with pytest.raises(OSError, match="symbolic links"):
        state_file(tmp_path / "link")
    assert not path.exists()


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_a_damaged_state_is_an_error(path, value):
    """A state that is no number is an error, not a wait without end."""
    file = state_file(path)
    file.write(value, 0.0, 0.0, 0.0)

    with pytest.raises(BackendError, match=r"is damaged, .*: remove it, start anew$"):
        file.read()


def test_an_empty_file_that_somebody_keeps_locked_is_not_waited_for(path):
    """Opening it takes no time; to its user it is an empty bucket, and filled."""
    fcntl = pytest.importorskip("fcntl")
    with path.open("wb") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        start = time.monotonic()
        file = state_file(path)
        took = time.monotonic() - start
        locked = file.lock()
        fcntl.flock(other, fcntl.LOCK_UN)

    assert took < 0.1
    assert not locked
    assert path.read_bytes() == b""
    assert file.lock()
    assert file.read()[:4] == (0.0, 0.0, 0.0, 0.0)
    file.write(1.0, 2.0, 3.0, 4.0)
    assert state_file(path).read()[:4] == (1.0, 2.0, 3.0, 4.0)


def test_a_file_that_somebody_begins_meanwhile_is_theirs_too(path, monkeypatch):
    """Of two processes that find the file empty one begins it, and both use it."""
    begun = path.with_name("begun")
    state_file(begun).write(1.0, 2.0, 3.0, 4.0)
    path.touch()
    real = _file.flock

    def slow(fd, how):
        real(fd, how)
        if how != fcntl.LOCK_UN:
            path.write_bytes(begun.read_bytes())

    fcntl = pytest.importorskip("fcntl")
    monkeypatch.setattr(_file, "flock", slow)

    assert state_file(path).read()[:4] == (1.0, 2.0, 3.0, 4.0)


def test_a_path_that_is_none_is_an_error():
    """What can't be a path is refused, and nothing is left to be closed."""
    with pytest.raises(TypeError, match=r"^expected str, bytes or os\.PathLike"):
        state_file(None)


def test_what_a_child_does_first(path):
    """What a fork does to every open file: it is closed, and opened by its next use."""
    file = state_file(path)
    file.write(1.0, 2.0, 3.0, 4.0)
    _after_fork()
    _after_fork()

    assert not file.lock()
    file.follow()
    assert file.lock()
    assert file.read()[:4] == (1.0, 2.0, 3.0, 4.0)
    assert not state_file(path).lock()


def test_a_child_opens_the_file_anew(path):
    """After a fork parent and child exclude each other, and share the state."""
    file = state_file(path)
    file.write(1.0, 2.0, 3.0, 4.0)
    assert file.lock()
    child = os.fork()
    if child == 0:
        with contextlib.suppress(BaseException):
            file.follow()
            # Locked by the parent: refused.  An inherited lock would be shared.
            os._exit(
                0 if not file.lock() and file.read()[:4] == (1.0, 2.0, 3.0, 4.0) else 1
            )
        os._exit(2)

    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


KILLED = """
import os, sys
from aiolimiter.local._file import StateFile, Contract
from aiolimiter.local._place import Place
file = StateFile(Place(sys.argv[1], 0o600), Contract(10.0, 60.0, 10.0))
print("ready", flush=True)
n = 0
while True:
    if file.lock():
        n += 1
        file.write(n, n, n, n)
        file.unlock()
"""


def test_a_kill_at_any_moment_leaves_a_whole_state_and_no_lock(path):
    """A writer killed with -9 leaves one of its states, whole, and no lock."""
    for _ in range(8):
        command = [sys.executable, "-c", KILLED, str(path)]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as writer:
            writer.stdout.readline()
            time.sleep(0.02)
            writer.send_signal(signal.SIGKILL)
            writer.wait()
        file = state_file(path)

        assert file.lock()
        level, last, given, raised, *_ = file.read()
        assert 0.0 < level == last == given == raised


def test_without_file_locks_the_import_says_what_to_use():
    """Where there is no fcntl the import fails, and names the way out."""
    code = "import sys; sys.modules['fcntl'] = None; import aiolimiter.local._file"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )

    assert done.stderr.endswith(
        "ImportError: aiolimiter.local needs POSIX file locks: "
        "use aiolimiter.redis here\n"
    )
