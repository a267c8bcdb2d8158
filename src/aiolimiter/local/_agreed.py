"""What processes agree on, as it stands in the file: the pause, the rate in force."""

from __future__ import annotations

from math import isfinite
from struct import Struct
from typing import TYPE_CHECKING

from .._core.shared.trip import Force, Pause, Terms

if TYPE_CHECKING:
    from .._core.shared.trip import State

# changed, version, rate, cap, and the period of a change, or 0; of a pause its end,
# the level beneath, and when it stood there
_AGREED = Struct("<dddddddd")
WIDTH = _AGREED.size

# As in a file that nobody has used.
NOTHING = bytes(WIDTH)


def packed(state: State) -> bytes:
    """Return what *state*, of one rate, says of it, but for when who was heard."""
    assert state.force is not None, "whatever was served has it"
    terms, _, changed, version, periods = state.force
    until, at, (level,) = state.pause or (0, 0, (0.0,))
    (rate,), (cap,), (period,) = *terms, periods or (0.0,)
    return _AGREED.pack(changed, version, rate, cap, period, until, level, at)


def unpacked(written: bytes, heard: float) -> tuple[Pause | None, Force | None]:
    """
    Return the pause, and what is in force, if that was ever told.

    Raises:
        ValueError: It is no number, or no rate.
    """
    numbers = _AGREED.unpack(written)
    changed, version, rate, cap, period, until, level, at = numbers
    if written == NOTHING:
        return None, None
    if not (all(map(isfinite, numbers)) and rate > 0.0 and cap > 0.0):
        msg = f"not a rate in force: {numbers}"
        raise ValueError(msg)
    periods = (period,) if period else ()
    force = Force(
        Terms((rate,), (cap,)), int(heard), int(changed), int(version), periods
    )
    pause = Pause(int(until), int(at), (level,)) if until else None
    return pause, force
