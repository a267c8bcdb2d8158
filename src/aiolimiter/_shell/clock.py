"""
What time it is, and how far a loop's timers can be trusted.

The clock is the event loop's.  Standard loops share one, `time.monotonic`, and
reading it directly costs half of asking the loop; any other loop (uvloop's, or
one on virtual time) is asked itself, and found anew each time, since the next
one may count from another zero.
"""

from __future__ import annotations

import asyncio
import time
from math import ulp

# asyncio runs a timer early by up to this.
RESOLUTION = time.get_clock_info("monotonic").resolution


def is_standard(loop: asyncio.AbstractEventLoop) -> bool:
    """Whether `time.monotonic` is the clock of *loop*."""
    clock = getattr(loop.time, "__func__", None)
    return clock is asyncio.BaseEventLoop.time


def grain(loop: asyncio.AbstractEventLoop) -> float:
    """Seconds by which *loop* rounds a timer down: uvloop's are whole milliseconds."""
    return 0.0005 if type(loop).__module__.startswith("uvloop") else 0.0


def margin(instant: float) -> float:
    """Seconds to sleep longer, so as not to be early at *instant*."""
    return 2.0 * RESOLUTION + 8.0 * ulp(instant)
