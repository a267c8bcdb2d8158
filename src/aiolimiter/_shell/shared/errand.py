"""What is done in the background, for many, until it is done."""

from __future__ import annotations

import asyncio
from contextvars import Context
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    Task = asyncio.Task[None]


def send(errand: Coroutine[Any, Any, None], done: Callable[[Task], object]) -> Task:
    """
    Run *errand* in a task of its own, in nobody's context.

    Args:
        errand: What is to be done.
        done: Called when it is over, however it ended.
    """
    context, loop = Context(), asyncio.get_running_loop()
    # Not through a task factory: an eager one would end it in here.
    task = asyncio.Task(errand, loop=loop, context=context)
    task.add_done_callback(done, context=context)
    # A loop may be closed over it, and whoever closes it is not to be bothered.
    quiet: Any = task
    quiet._log_destroy_pending = False  # noqa: SLF001 -- as asyncio.gather does
    return task
