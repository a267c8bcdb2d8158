"""The file a bucket is kept in: whose it is, who may write, what a kill leaves."""

from __future__ import annotations

import contextlib
import os
import signal
import stat
import subprocess
import sys
import threading
import time

import pytest

from aiolimiter import BackendError
from aiolimiter.local._file import SIZE, Contract, StateFile, _after_fork

pytestmark = pytest.mark.real_time

CONTRACT = Contract(10.0, 60.0, 10.0)


@pytest.fixture
def path(tmp_path):
    """Where a limiter's file may go."""
    return tmp_path / "limit"


def test_a_new_file_is_empty_and_nobody_elses_business(path):
    """A new file holds an empty bucket, and only its owner may read it."""
    file = StateFile(path, CONTRACT)

    assert file.read() == (0.0, 0.0, 0.0, 0.0)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_an_empty_file_is_taken_as_new(path):
    """A file with nothing in it, as mkstemp leaves one, becomes a limiter's."""
    path.touch()

    assert StateFile(path, CONTRACT).read() == (0.0, 0.0, 0.0, 0.0)


def test_what_is_written_is_what_others_read(path):
    """Two openings of one file see the same state."""
    one, two = StateFile(path, CONTRACT), StateFile(path, CONTRACT)
    one.write(1.5, 2.5, 3.5, 0.0)
    seen = two.read()
    two.write(4.5, 5.5, 6.5, 1.0)

    assert seen == (1.5, 2.5, 3.5, 0.0)
    assert one.read() == (4.5, 5.5, 6.5, 1.0)


def test_one_at_a_time(path):
    """While one opening has the lock no other one gets it."""
    one, two = StateFile(path, CONTRACT), StateFile(path, CONTRACT)

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
        StateFile(path, CONTRACT)
    assert path.read_bytes() == content


def test_a_later_version_is_refused(path):
    """A file of a version this one does not know is refused."""
    StateFile(path, CONTRACT)
    content = bytearray(path.read_bytes())
    content[8] = 9
    path.write_bytes(content)

    with pytest.raises(ValueError, match=r"is of version 9, this is version 1: "):
        StateFile(path, CONTRACT)


def test_a_file_for_another_limit_is_refused(path):
    """Two configurations on one file are a mistake, and both are named."""
    StateFile(path, CONTRACT)

    message = (
        r" is for 10 per 60 s, burst 10, wanted 10 per 1 s, burst 10: "
        r"use another path, or remove the file when nobody uses it$"
    )
    with pytest.raises(ValueError, match=message):
        StateFile(path, Contract(10.0, 1.0, 10.0))


def test_a_directory_a_pipe_and_a_link_are_refused(tmp_path, path):
    """Only a regular file, named by itself, can be a limiter's."""
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to(path)

    with pytest.raises(ValueError, match="is not a regular file: "):
        StateFile(tmp_path / "pipe", CONTRACT)
    with pytest.raises(OSError, match="Is a directory"):
        StateFile(tmp_path, CONTRACT)
    with pytest.raises(OSError, match="symbolic links"):
        StateFile(tmp_path / "link", CONTRACT)
    assert not path.exists()


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_a_damaged_state_is_an_error(path, value):
    """A state that is no number is an error, not a wait without end."""
    file = StateFile(path, CONTRACT)
    file.write(value, 0.0, 0.0, 0.0)

    with pytest.raises(BackendError, match=r"is damaged, .*: remove it, start anew$"):
        file.read()


def test_an_empty_file_that_somebody_keeps_locked_is_refused(path):
    """A new file is begun as soon as its lock is free, and refused if it never is."""
    fcntl = pytest.importorskip("fcntl")
    with path.open("wb") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        timer = threading.Timer(0.1, fcntl.flock, (other, fcntl.LOCK_UN))
        timer.start()
        StateFile(path, CONTRACT)
        timer.join()
        path.write_bytes(b"")
        fcntl.flock(other, fcntl.LOCK_EX)

        with pytest.raises(ValueError, match="is locked by somebody who does not"):
            StateFile(path, CONTRACT)


def test_a_file_that_somebody_begins_meanwhile_is_theirs_too(path):
    """Of two processes that find the file empty one begins it, and both use it."""
    fcntl = pytest.importorskip("fcntl")
    begun = path.with_name("begun")
    StateFile(begun, CONTRACT).write(1.0, 2.0, 3.0, 4.0)
    with path.open("wb", buffering=0) as other:
        fcntl.flock(other, fcntl.LOCK_EX)

        def begin():
            other.write(begun.read_bytes())
            fcntl.flock(other, fcntl.LOCK_UN)

        timer = threading.Timer(0.1, begin)
        timer.start()
        file = StateFile(path, CONTRACT)
        timer.join()

    assert file.read() == (1.0, 2.0, 3.0, 4.0)


def test_a_path_that_is_none_is_an_error():
    """What can't be a path is refused, and nothing is left to be closed."""
    with pytest.raises(TypeError, match=r"^expected str, bytes or os\.PathLike"):
        StateFile(None, CONTRACT)


def test_what_a_child_does_first(path):
    """What a fork does to every open file: it is closed, and opened by its next use."""
    file = StateFile(path, CONTRACT)
    file.write(1.0, 2.0, 3.0, 4.0)
    _after_fork()
    _after_fork()

    assert file.lock()
    assert file.read() == (1.0, 2.0, 3.0, 4.0)
    assert not StateFile(path, CONTRACT).lock()


def test_a_child_opens_the_file_anew(path):
    """After a fork parent and child exclude each other, and share the state."""
    file = StateFile(path, CONTRACT)
    file.write(1.0, 2.0, 3.0, 4.0)
    assert file.lock()
    child = os.fork()
    if child == 0:
        with contextlib.suppress(BaseException):
            # Locked by the parent: refused.  An inherited lock would be shared.
            os._exit(
                0 if not file.lock() and file.read() == (1.0, 2.0, 3.0, 4.0) else 1
            )
        os._exit(2)

    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


KILLED = """
import os, sys
from aiolimiter.local._file import StateFile, Contract
file = StateFile(sys.argv[1], Contract(10.0, 60.0, 10.0))
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
        file = StateFile(path, CONTRACT)

        assert file.lock()
        level, last, given, raised = file.read()
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
