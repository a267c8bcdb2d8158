"""How low the bucket has stood, as it stands in the file: an instant, a level, …."""

from __future__ import annotations

from struct import Struct
from typing import TYPE_CHECKING

from .._core.shared import lows
from .._core.shared.trip import Low

if TYPE_CHECKING:
    from .._core.shared.trip import Lows

_LOW = Struct("<dd")
WIDTH = _LOW.size

MOST = lows.LONGEST


def packed(known: Lows) -> bytes:
    """Return *known*, of one rate, as it is written."""
    return b"".join(_LOW.pack(at, level) for at, (level,) in known)


def unpacked(written: bytes) -> Lows:
    """
    Return what is written.

    Raises:
        ValueError: An instant is no number.
        OverflowError: An instant is infinite.
    """
    return tuple(Low(int(at), (level,)) for at, level in _LOW.iter_unpack(written))


def noted(written: bytes, at: int, level: float, little: float) -> bytes:
    """Note *level*, as `lows.noted` does; the short way for what most find."""
    size = len(written)
    if not size:
        return _LOW.pack(at, level)
    last_at, last = _LOW.unpack_from(written, size - WIDTH)
    if last_at < at:
        if last <= level and level - last < little:
            return written[:-WIDTH] + _LOW.pack(at, last)
        if last <= level and size < lows.LONGEST * WIDTH:
            return written + _LOW.pack(at, level)
        if size == WIDTH:
            return _LOW.pack(at, level)
    return packed(lows.noted(unpacked(written), at, (level,), (little,)))
