"""
The file that several processes of one host keep a bucket in.

A header that says whose file it is and for which limit, two records of the
state, and one byte that says which of them is live.  A change is one write,
from the front: it fills the other record and then flips the byte, so a process
that is killed half-way leaves the old state behind and never half of a new one.

It is read and written, not mapped: a mapped file that somebody cuts short kills
whoever looks at it.

``flock`` keeps the processes apart.  The kernel drops it when its holder dies,
and it belongs to the opened file: a descriptor inherited by ``fork`` would
share the lock with the parent and exclude nobody.  So a child opens anew.
"""

from __future__ import annotations

import os
from math import isfinite
from struct import Struct
from typing import TYPE_CHECKING, NamedTuple, TypeAlias
from weakref import WeakSet

from aiolimiter._core.errors import BackendError

from . import _agreed, _lows

if TYPE_CHECKING:
    from ._place import Opened, Place

try:
    from fcntl import LOCK_EX, LOCK_NB, LOCK_UN, flock
except ImportError as error:
    msg = "aiolimiter.local needs POSIX file locks: use aiolimiter.redis here"
    raise ImportError(msg) from error

# level, last, given, raised, heard, what is agreed, and the lows: as in trip.State.
Record: TypeAlias = tuple[float, float, float, float, float, bytes, bytes]

MAGIC = b"aiolimit"
VERSION = 4

_HEADER = Struct("<8sQddd")  # magic, version, max_rate, time_period, burst
_HEAD = MAGIC + VERSION.to_bytes(8, "little")
# The lows after their size.
_RECORD = Struct(f"<ddddd{_agreed.WIDTH}sQ{_lows.MOST * _lows.WIDTH}s")
_FIRST = _HEADER.size
_SECOND = _FIRST + _RECORD.size
_LIVE = _SECOND + _RECORD.size
SIZE = _LIVE + 8
_TRY = LOCK_EX | LOCK_NB
_IS_FIRST = bytes(SIZE - _LIVE)
_IS_SECOND = b"\1".ljust(SIZE - _LIVE, b"\0")


class Contract(NamedTuple):
    """The limit a file was made for; other processes may be started with others."""

    max_rate: float
    time_period: float
    burst: float


def contract_of(path: str) -> Contract:
    """
    Return the limit that the file at *path* was made for.

    Raises:
        OSError: It can't be read.
        ValueError: It is not a limiter's file of this version.
    """
    with open(path, "rb") as file:  # noqa: PTH123 -- a str all the way
        data = file.read(_HEADER.size)
    if len(data) == _HEADER.size and data.startswith(MAGIC):
        _, version, *contract = _HEADER.unpack(data)
        if version == VERSION:
            return Contract(*contract)
    msg = f"{path} is not a limiter's file of version {VERSION}"
    raise ValueError(msg)


class StateFile:
    """
    One limit's file, open in this process.

    Args:
        place: Where it is; made where there is none.
        contract: The limit it is made for.

    Raises:
        ValueError: It is not a limiter's file, or one that others may write; it
            is left as it is.
        OSError: It can't be opened.
    """

    __slots__ = (
        "__weakref__",
        "_blank",
        "_data",
        "_fd",
        "_opened",
        "_place",
    )

    def __init__(self, place: Place, contract: Contract) -> None:
        self._place = place
        head = _HEADER.pack(MAGIC, VERSION, *contract)
        self._blank = self._data = head.ljust(SIZE, b"\0")
        self._opened: Opened | None = None
        self._open()
        _opened.add(self)

    def is_there(self) -> bool:
        """Whether the path still names what is open."""
        return self._opened is not None and self._place.holds(self._opened)

    def follow(self) -> None:
        """
        Open what is at the path by now; only without the lock.

        Raises:
            BackendError: It is not a limiter's file.
            OSError: It can't be opened.
        """
        if self.is_there():
            return
        self.forget()
        try:
            self._open()
        except ValueError as error:
            raise BackendError(str(error)) from error

    def lock(self) -> bool:
        """
        Lock the file if nobody else has it; never wait for it.

        Not while it is closed: `follow` opens it.

        Raises:
            OSError: It was closed by somebody else in this process.
        """
        return self._fd >= 0 and _try_lock(self._fd)

    def unlock(self) -> None:
        """Let others in again."""
        flock(self._fd, LOCK_UN)

    def read(self) -> Record:
        """
        Return the state; only with the lock held.

        Raises:
            BackendError: Somebody wrote something else there.
            OSError: It can't be read, or is no longer what was opened.
        """
        data = os.pread(self._fd, SIZE + 1, 0)
        if len(data) != SIZE or not data.startswith(_HEAD):
            data = self._odd(data)
        self._data = data
        start = _SECOND if data[_LIVE] else _FIRST
        level, last, given, raised, heard, agreed, size, lows = _RECORD.unpack_from(
            data, start
        )
        lows = lows[:size]
        total = level + last + given + raised + heard
        if len(lows) % _lows.WIDTH or not isfinite(total):
            raise self.damaged(level, last, given, raised, heard, lows)
        return level, last, given, raised, heard, agreed, lows

    def damaged(self, *record: object) -> BackendError:
        """Say that it holds *record*, which is no state."""
        msg = f"{self._place.path} is damaged, it holds {record}: remove it, start anew"
        return BackendError(msg)

    def write(  # noqa: PLR0913, PLR0917 -- a record
        self,
        level: float,
        last: float,
        given: float,
        raised: float,
        heard: float = 0.0,
        agreed: bytes = _agreed.NOTHING,
        lows: bytes = b"",
    ) -> None:
        """
        Replace the state that was read; only with the same lock held.

        Raises:
            OSError: It can't be written.
        """
        record = _RECORD.pack(
            level, last, given, raised, heard, agreed, len(lows), lows
        )
        data = self._data
        if data[_LIVE]:
            data = data[:_FIRST] + record + data[_SECOND:_LIVE] + _IS_FIRST
        else:
            data = data[:_SECOND] + record + _IS_SECOND
        os.pwrite(self._fd, data, 0)
        self._data = data

    def forget(self) -> None:
        """Close what is open; `follow` opens it anew."""
        opened, self._opened, self._fd = self._opened, None, -1
        if opened is not None and opened.is_ours():
            os.close(opened.fd)

    def __del__(self) -> None:
        self.forget()

    def _odd(self, data: bytes) -> bytes:
        if data:
            try:
                self._check(data)
            except ValueError as error:
                raise BackendError(str(error)) from error
        # An empty one is new, as far as it is ours: a number of somebody else's
        # file is not written to.
        if self._opened is None or not self._opened.is_ours():
            msg = f"{self._place.path} was closed by somebody else in this process"
            raise OSError(msg)
        return self._blank

    def _open(self) -> None:
        opened = self._place.open()
        try:
            self._begin(opened.fd)
        except BaseException:
            os.close(opened.fd)
            raise
        self._opened, self._fd = opened, opened.fd

    def _begin(self, fd: int) -> None:
        # Two processes may find it empty at once, so it is filled under the lock.
        # Who does not get the lock does not wait here: an empty file is an empty
        # bucket, and the first change fills it.
        data = os.pread(fd, SIZE + 1, 0)
        if not data and _try_lock(fd):
            try:
                data = os.pread(fd, SIZE + 1, 0)
                if not data:
                    os.pwrite(fd, self._blank, 0)
            finally:
                flock(fd, LOCK_UN)
        if data:
            self._check(data)

    def _check(self, data: bytes) -> None:
        if len(data) != SIZE or not data.startswith(MAGIC):
            self._place.refuse("not a limiter's file")
        _, version, *_ = _HEADER.unpack_from(data)
        if version != VERSION:
            self._place.refuse(f"of version {version}, this is version {VERSION}")


def _try_lock(fd: int) -> bool:
    try:
        flock(fd, _TRY)
    except BlockingIOError:
        return False
    return True


_opened: WeakSet[StateFile] = WeakSet()


def _after_fork() -> None:
    for file in _opened:
        file.forget()


os.register_at_fork(after_in_child=_after_fork)
