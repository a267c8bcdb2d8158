"""Play the scenes, one after the other, on whatever loop this is."""

from __future__ import annotations

import asyncio
import sys

from scenes import SCENES

# Seconds: whoever is stranded waits for ever, and a busy machine is no error.
STRANDED = 20
LATE = 2


async def play():
    """
    Play them all.

    Raises:
        AssertionError: Somebody was early, stranded, or late by more than a
            busy machine can tell; or a callback raised.
    """
    loop, faults = asyncio.get_running_loop(), []
    loop.set_exception_handler(lambda _, context: faults.append(context))
    for scene in SCENES:
        pairs = list(await asyncio.wait_for(scene(), STRANDED))
        wrong = [
            f"admitted at {found:.6f}, due at {due:.6f}"
            for found, due in pairs
            if not due - 1e-9 <= found <= due + LATE
        ]
        assert not wrong, f"{scene.__name__}: {wrong}"
        assert not faults, f"{scene.__name__}: {faults}"
        print(f"{scene.__name__}: {len(pairs)} as due")
    version = sys.version.split()[0]
    print(f"{len(SCENES)} scenes passed on {sys.platform}, Python {version}")
