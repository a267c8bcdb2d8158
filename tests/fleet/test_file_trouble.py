"""A limiter's file in use, and what becomes of it: healed, or a clear error."""

from __future__ import annotations

import asyncio
import copy
import os
import pickle
import time

import pytest

from aiolimiter import BackendError
from aiolimiter.local import FileLimiter, _place
from aiolimiter.local._file import SIZE

pytestmark = pytest.mark.real_time

# As long as the short way may not notice, in seconds.
UNNOTICED = 0.012


@pytest.fixture(autouse=True)
def umask():
    """Files that a test makes are for us alone, wherever the tests run."""
    before = os.umask(0o077)
    yield
    os.umask(before)


@pytest.fixture
def path(tmp_path):
    """Where a limiter's file may go."""
    return tmp_path / "limit"


@pytest.fixture
async def full(path):
    """A limiter of ten a minute that has given all ten."""
    limiter = FileLimiter(path, 10, 60)
    await limiter.acquire(10)
    return limiter


async def taken(*limiters):
    """How many of a dozen the limiters admit in turn."""
    asked = [await limiters[i % len(limiters)].try_acquire() for i in range(12)]
    return sum(map(bool, asked))


async def test_an_emptied_file_is_a_new_one(full, path):
    """``: > file``, as people reset it: an empty bucket for all, and nobody dies."""
    other = FileLimiter(path, 10, 60)
    os.truncate(path, 0)

    assert await taken(full, other) == 10
    assert path.stat().st_size == SIZE


async def test_an_emptied_file_while_somebody_waits(full, path):
    """Who waits is served, and the file is whole again."""
    waiting = asyncio.create_task(full.acquire(0.1))
    await asyncio.sleep(0.05)
    os.truncate(path, 0)
    await asyncio.wait_for(waiting, 2)
    await full.try_acquire()

    assert path.stat().st_size == SIZE


@pytest.mark.parametrize("size", [1, SIZE - 1, SIZE + 1, 10 * SIZE])
async def test_a_file_cut_short_or_grown_is_an_error_until_it_is_gone(path, size):
    """What is not a limiter's any more is left alone; removed, it is begun anew."""
    limiter = FileLimiter(path, 10, 60)
    os.truncate(path, size)
    for ask in (limiter.acquire, limiter.try_acquire, limiter.statistics):
        with pytest.raises(BackendError, match="is not a limiter's file: use another"):
            await ask()
    assert path.stat().st_size == size

    path.unlink()
    await asyncio.sleep(UNNOTICED)
    assert await limiter.try_acquire()


async def test_a_file_written_over_is_an_error(full, path):
    """Somebody else's content in the file is an error, and stays."""
    path.write_bytes(b"x" * SIZE)
    with pytest.raises(BackendError, match="is not a limiter's file"):
        await full.try_acquire()

    assert path.read_bytes() == b"x" * SIZE


async def test_a_file_that_is_removed_is_made_again(full, path):
    """All who used it meet again in the new one."""
    other = FileLimiter(path, 10, 60)
    path.unlink()
    await asyncio.sleep(UNNOTICED)

    assert await taken(full, other) == 10


async def test_a_file_that_is_replaced_is_followed(full, path):
    """Another file put in its place is the limit from then on."""
    spare = path.with_name("spare")
    other = FileLimiter(spare, 10, 60)
    await other.acquire(7)
    spare.rename(path)
    await asyncio.sleep(UNNOTICED)

    assert await taken(full) == 3


async def test_a_directory_that_is_gone_is_an_error_until_it_is_back(tmp_path):
    """Where the file can't be made, callers hear of it; where it can again, it is."""
    place = tmp_path / "there"
    place.mkdir()
    limiter = FileLimiter(place / "limit", 10, 60)
    place.rename(tmp_path / "elsewhere")
    await asyncio.sleep(UNNOTICED)
    with pytest.raises(BackendError, match="No such file or directory") as caught:
        await limiter.acquire()
    assert isinstance(caught.value.__cause__, FileNotFoundError)

    place.mkdir()
    await asyncio.sleep(0.15)
    assert await limiter.try_acquire()


async def test_a_file_that_can_not_be_written_is_an_error(full, monkeypatch):
    """A file system that became read-only is an error for each caller, no crash."""

    def refuse(*_):
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(os, "pwrite", refuse)
    await asyncio.sleep(0.1)
    for ask in (full.acquire, full.try_acquire):
        with pytest.raises(BackendError, match="Read-only file system"):
            await ask(0.01)


async def test_permissions_taken_away_are_an_error(path):
    """A file that others may write since is not used before that is mended."""
    limiter = FileLimiter(path, 10, 60)
    path.chmod(0o622)
    await asyncio.sleep(UNNOTICED)
    message = (
        r"is writable by others, its mode is 0o622: "
        r"chmod it to 0o600, or pass mode=0o622 if they may$"
    )
    with pytest.raises(BackendError, match=message):
        await limiter.acquire()

    path.chmod(0o600)
    assert await limiter.try_acquire()


async def test_a_daemon_that_closes_everything_harms_nobody(full, path, tmp_path):
    """A descriptor that names another file by now is not written to, nor closed."""
    with path.open("rb") as known:
        found = os.fstat(known.fileno())
    os.close(_number_of(found))
    assert not await full.try_acquire()

    await asyncio.sleep(0.05)
    again = _number_of(found)
    strange = os.open(tmp_path / "strange", os.O_RDWR | os.O_CREAT)
    os.dup2(strange, again)
    os.close(strange)
    assert not await full.try_acquire(9)
    del full

    assert (tmp_path / "strange").read_bytes() == b""
    os.close(again)


def _number_of(found):
    def names(fd):
        try:
            return os.path.samestat(os.fstat(fd), found)
        except OSError:
            return False

    return next(fd for fd in range(3, 1000) if names(fd))


async def test_whoever_makes_a_limiter_on_a_locked_empty_file_does_not_wait(path):
    """The loop is not held up; callers wait as for any lock, and are served."""
    fcntl = pytest.importorskip("fcntl")
    with path.open("wb") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        start = time.monotonic()
        limiter = FileLimiter(path, 10, 60)
        waiting = asyncio.create_task(limiter.try_acquire())
        took = time.monotonic() - start
        await asyncio.sleep(0.1)
        still = not waiting.done()
        fcntl.flock(other, fcntl.LOCK_UN)
        decision = await asyncio.wait_for(waiting, 0.5)

    assert took < 0.1
    assert still
    assert decision
    assert path.stat().st_size == SIZE


async def test_a_stuck_lock_ends_with_the_file(full, path):
    """Who waits for the lock of a removed file waits for nothing: it is made anew."""
    fcntl = pytest.importorskip("fcntl")
    with path.open("rb") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        waiting = asyncio.create_task(full.acquire())
        await asyncio.sleep(0.05)
        still = not waiting.done()
        path.unlink()
        await asyncio.wait_for(waiting, 0.5)

    assert still


def test_a_relative_path_stays_what_it_was(tmp_path, monkeypatch):
    """After a change of directory and a fork the child has the same file."""
    (tmp_path / "there").mkdir()
    monkeypatch.chdir(tmp_path)
    limiter = FileLimiter("limit", 10, 60)
    assert limiter.path == str(tmp_path / "limit")
    assert asyncio.run(taken(limiter)) == 10

    monkeypatch.chdir("there")
    child = os.fork()
    if child == 0:
        try:
            os._exit(asyncio.run(taken(limiter)))
        finally:
            os._exit(99)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert list((tmp_path / "there").iterdir()) == []


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o660, 0o666])
def test_a_new_file_gets_its_mode_whatever_the_umask(path, mode):
    """The file is made with the mode that is given, and opened again with it."""
    FileLimiter(path, 10, 60, mode=mode)
    FileLimiter(path, 10, 60, mode=mode)

    assert path.stat().st_mode & 0o777 == mode


def test_a_file_that_others_may_write_is_refused_unless_asked_for(path):
    """With what to do; with a mode that says so it is used."""
    FileLimiter(path, 10, 60, mode=0o620)
    with pytest.raises(ValueError, match="is writable by others, its mode is 0o620"):
        FileLimiter(path, 10, 60)
    with pytest.raises(ValueError, match="is writable by others, its mode is 0o620"):
        FileLimiter(path, 10, 60, mode=0o602)

    assert FileLimiter(path, 10, 60, mode=0o660).path == str(path)


def test_a_file_of_somebody_else_is_refused_unless_asked_for(path, monkeypatch):
    """Another user's file needs a mode that lets others write."""
    FileLimiter(path, 10, 60)
    owner = path.stat().st_uid
    monkeypatch.setattr(_place.os, "geteuid", lambda: owner + 1)
    with pytest.raises(
        ValueError, match=rf"of user {owner}, and this is user {owner + 1}: "
    ):
        FileLimiter(path, 10, 60)

    assert FileLimiter(path, 10, 60, mode=0o660).path == str(path)


@pytest.mark.parametrize("mode", [0, 0o400, 0o066, 0o1600, -1])
def test_a_mode_is_permissions_that_its_owner_can_use(path, mode):
    """Anything else is refused, and no file is made."""
    with pytest.raises(ValueError, match=r"^mode must be permissions that let the own"):
        FileLimiter(path, 10, 60, mode=mode)
    with pytest.raises(TypeError, match=r"^mode must be an integer, got 'rw'"):
        FileLimiter(path, 10, 60, mode="rw")

    assert not path.exists()


def test_of_two_who_make_the_file_one_makes_it(path, monkeypatch):
    """A file that appears between looking and making is the file."""
    real = os.open

    def late(name, flags, mode=0o777):
        if flags & os.O_CREAT:
            monkeypatch.setattr(os, "open", real)
            FileLimiter(path, 10, 60)
        return real(name, flags, mode)

    monkeypatch.setattr(os, "open", late)

    assert FileLimiter(path, 10, 60).path == str(path)


async def test_it_pickles_as_its_path_and_numbers(path):
    """What comes back is the same limit; and so is a copy."""
    limiter = FileLimiter(path, 10, 1e6, burst=5, mode=0o640)
    for other in (
        pickle.loads(pickle.dumps(limiter)),
        copy.copy(limiter),
        copy.deepcopy(limiter),
    ):
        assert (other.path, other.max_rate) == (limiter.path, 10)
        assert (other.time_period, other.burst) == (1e6, 5)
        assert await other.try_acquire()
    assert await taken(limiter) == 2

    path.unlink()
    assert pickle.loads(pickle.dumps(limiter)).burst == 5
    assert path.stat().st_mode & 0o777 == 0o640


def test_no_limit_pickles(path):
    """A limiter without a limit is one again."""
    limiter = pickle.loads(pickle.dumps(FileLimiter(path, float("inf"), 60)))

    assert limiter.max_rate == float("inf")
