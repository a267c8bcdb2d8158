"""
Where a limiter's file is, and who may have it.

A path means the same after a change of directory, and what is there must be a
regular file that nobody writes who was not asked for: whoever can write it can
stop everybody who is limited by it.
"""

from __future__ import annotations

import os
import stat
from typing import NamedTuple, NoReturn

_FLAGS = os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW
_NEW = _FLAGS | os.O_CREAT | os.O_EXCL
_OWNERS = stat.S_IRUSR | stat.S_IWUSR
_OTHERS = stat.S_IWGRP | stat.S_IWOTH


class Opened(NamedTuple):
    """An open file, and what it was when it was opened."""

    fd: int
    found: os.stat_result

    def is_ours(self) -> bool:
        """
        Whether the number still names the file.

        A program that turns into a daemon closes whatever it finds open, and
        the number then goes to the next file that is opened.
        """
        try:
            return os.path.samestat(os.fstat(self.fd), self.found)
        except OSError:
            return False


class Place:
    """
    A path, and the permissions of the file there.

    Args:
        path: The file.
        mode: The permissions of a new one.  Where they let others write, a file
            that is there already may be theirs.

    Raises:
        OSError: *path* is relative, and the current directory is gone.
        TypeError: *path* is none, or *mode* is no integer.
        ValueError: *mode* keeps its owner out, or is more than permissions.
    """

    __slots__ = ("mode", "path")

    def __init__(self, path: str | os.PathLike[str], mode: int) -> None:
        self.path = os.path.abspath(os.fspath(path))  # noqa: PTH100 -- stays a str
        if not isinstance(mode, int):
            msg = f"mode must be an integer, got {mode!r}: 0o600 is for its owner only"
            raise TypeError(msg)
        if mode & ~0o777 or mode & _OWNERS != _OWNERS:
            msg = (
                "mode must be permissions that let the owner read and write, "
                f"as 0o600 does, got {mode:#o}"
            )
            raise ValueError(msg)
        self.mode = mode

    def open(self) -> Opened:
        """
        Open the file; make an empty one where there is none.

        Raises:
            OSError: It can't be opened.
            ValueError: It is not a regular file, or others may write it.
        """
        fd = self._open()
        try:
            opened = Opened(fd, os.fstat(fd))
            self._trust(opened.found)
        except BaseException:
            os.close(fd)
            raise
        return opened

    def holds(self, opened: Opened) -> bool:
        """Whether *opened* is there still, for the same owner and permissions."""
        try:
            there = os.lstat(self.path)
        except OSError:
            return False
        return _identity(there) == _identity(opened.found) and opened.is_ours()

    def refuse(
        self,
        why: str,
        way_out: str = "use another path, or remove the file when nobody uses it",
    ) -> NoReturn:
        """
        Say what is wrong with the file, and what to do.

        Raises:
            ValueError: Always.
        """
        msg = f"{self.path} is {why}: {way_out}"
        raise ValueError(msg)

    def _open(self) -> int:
        # Made only where there is none: in a directory like /tmp a system may
        # refuse to open somebody else's file to those who would also make it.
        try:
            return os.open(self.path, _FLAGS)
        except FileNotFoundError:
            pass
        try:
            fd = os.open(self.path, _NEW, self.mode)
        except FileExistsError:
            return os.open(self.path, _FLAGS)
        # Whatever the umask.
        os.fchmod(fd, self.mode)
        return fd

    def _trust(self, found: os.stat_result) -> None:
        if not stat.S_ISREG(found.st_mode):
            self.refuse("not a regular file")
        mode = stat.S_IMODE(found.st_mode)
        if mode & _OTHERS & ~self.mode:
            self.refuse(
                f"writable by others, its mode is {mode:#o}",
                f"chmod it to {self.mode:#o}, or pass mode={mode:#o} if they may",
            )
        if found.st_uid != os.geteuid() and not self.mode & _OTHERS:
            self.refuse(
                f"of user {found.st_uid}, and this is user {os.geteuid()}",
                "use another path, or pass a mode that lets others write, "
                "as 0o660 does, if they may",
            )


def _identity(found: os.stat_result) -> tuple[int, int, int, int]:
    return found.st_dev, found.st_ino, found.st_uid, found.st_mode
