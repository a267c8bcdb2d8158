"""The questions, one a file, in the order of the table."""

from __future__ import annotations

from . import (
    acquire_with_room,
    bytes_for_each_waiter,
    cancelled_waits,
    enter_with_room,
    importing,
    keeping_the_rate,
    large_among_small,
    queue_and_drain,
)

QUESTIONS = {
    module.QUESTION.name: module.QUESTION
    for module in (
        enter_with_room,
        acquire_with_room,
        queue_and_drain,
        bytes_for_each_waiter,
        keeping_the_rate,
        large_among_small,
        cancelled_waits,
        importing,
    )
}

__all__ = ["QUESTIONS"]
