"""
The file that several processes of one host keep a bucket in.

A header that says whose file it is and for which limit, one byte, and two
records of the state.  The byte says which record is live: a change writes the
other one and then flips the byte, so a process that is killed half-way leaves
the old state behind and never half of a new one.

``flock`` keeps the processes apart.  The kernel drops it when its holder dies,
and it belongs to the opened file: a descriptor inherited by ``fork`` would
share the lock with the parent and exclude nobody.  So a child opens anew.
"""

from __future__ import annotations

import os
import stat
import time
from math import isfinite
from mmap import mmap
from struct import Struct
from typing import NamedTuple, NoReturn, TypeAlias
from weakref import WeakSet

from aiolimiter._core.errors import BackendError

try:
    from fcntl import LOCK_EX, LOCK_NB, LOCK_UN, flock
except ImportError as error:
    msg = "aiolimiter.local needs POSIX file locks: use aiolimiter.redis here"
    raise ImportError(msg) from error

Record: TypeAlias = tuple[float, float, float, float]

MAGIC = b"aiolimit"
VERSION = 1

_HEADER = Struct("<8sQddd")  # magic, version, max_rate, time_period, burst
_RECORD = Struct("<dddd")  # level, last, given, raised: as in slots.State
_LIVE = _HEADER.size
_RECORDS = (_LIVE + 8, _LIVE + 8 + _RECORD.size)
SIZE = _RECORDS[1] + _RECORD.size
_FLAGS = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
_TRIES = 100
_PAUSE = 0.01


class Contract(NamedTuple):
    """The limit a file was made for."""

    max_rate: float
    time_period: float
    burst: float

    def __str__(self) -> str:
        return f"{self.max_rate:g} per {self.time_period:g} s, burst {self.burst:g}"


def _try_lock(fd: int) -> bool:
    try:
        flock(fd, LOCK_EX | LOCK_NB)
    except BlockingIOError:
        return False
    return True


class StateFile:
    """
    One limit's file, open in this process.

    Args:
        path: Where it is; made with mode 0600 where there is none.
        contract: The limit it is for.

    Raises:
        ValueError: It is not a limiter's file, or one for another limit; it is
            left as it is.
        OSError: It can't be opened.
    """

    __slots__ = ("__weakref__", "_contract", "_fd", "_map", "_path")

    def __init__(self, path: str | os.PathLike[str], contract: Contract) -> None:
        self._fd = -1
        self._path = os.fspath(path)
        self._contract = contract
        self._open()
        _opened.add(self)

    def lock(self) -> bool:
        """Lock the file if nobody else has it; never wait for it."""
        if self._fd < 0:
            self._open()
        return _try_lock(self._fd)

    def unlock(self) -> None:
        """Let others in again."""
        flock(self._fd, LOCK_UN)

    def read(self) -> Record:
        """
        Return the state; only with the lock held.

        Raises:
            BackendError: Somebody wrote something else there.
        """
        record = _RECORD.unpack_from(self._map, _RECORDS[self._map[_LIVE] & 1])
        if not isfinite(sum(record)):
            msg = f"{self._path} is damaged, it holds {record}: remove it, start anew"
            raise BackendError(msg)
        return record

    def write(self, level: float, last: float, given: float, raised: float) -> None:
        """Replace the state; only with the lock held."""
        other = (self._map[_LIVE] & 1) ^ 1
        _RECORD.pack_into(self._map, _RECORDS[other], level, last, given, raised)
        self._map[_LIVE] = other

    def forget(self) -> None:
        """Close what was inherited; the next use opens the file anew."""
        if self._fd >= 0:
            self._map.close()
            os.close(self._fd)
            self._fd = -1

    def __del__(self) -> None:
        self.forget()

    def _open(self) -> None:
        fd = os.open(self._path, _FLAGS, 0o600)
        try:
            self._check(fd)
            self._map = mmap(fd, SIZE)
        except BaseException:
            os.close(fd)
            raise
        self._fd = fd

    def _check(self, fd: int) -> None:
        found = os.fstat(fd)
        if not stat.S_ISREG(found.st_mode):
            self._refuse("not a regular file")
        if found.st_size == 0:
            self._begin(fd)
        head = os.pread(fd, SIZE + 1, 0)
        if len(head) != SIZE or not head.startswith(MAGIC):
            self._refuse("not a limiter's file")
        _, version, *contract = _HEADER.unpack_from(head)
        if version != VERSION:
            self._refuse(f"of version {version}, this is version {VERSION}")
        if Contract(*contract) != self._contract:
            self._refuse(f"for {Contract(*contract)}, wanted {self._contract}")

    def _begin(self, fd: int) -> None:
        # Two processes may find it empty at once; the second finds it begun.
        # One write, because a process killed between two would leave a file
        # that everybody refuses.
        for _ in range(_TRIES):
            if _try_lock(fd):
                break
            time.sleep(_PAUSE)
        else:
            self._refuse("locked by somebody who does not begin it")
        try:
            if os.fstat(fd).st_size == 0:
                header = _HEADER.pack(MAGIC, VERSION, *self._contract)
                os.pwrite(fd, header.ljust(SIZE, b"\0"), 0)
        finally:
            flock(fd, LOCK_UN)

    def _refuse(self, why: str) -> NoReturn:
        msg = (
            f"{self._path} is {why}: use another path, "
            "or remove the file when nobody uses it"
        )
        raise ValueError(msg)


_opened: WeakSet[StateFile] = WeakSet()


def _after_fork() -> None:
    for file in _opened:
        file.forget()


os.register_at_fork(after_in_child=_after_fork)
