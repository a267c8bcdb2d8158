"""The questions, one a file, in the order of the table."""

from __future__ import annotations

from . import (
    acquire_with_room,
    bytes_for_each_waiter,
    cancelled_waits,
    enter_with_room,
    importing,
    keeping_the_rate,
    keys_and_everyone,
    known_key,
    large_among_small,
    million_keys,
    queue_and_drain,
    rate_change,
    trying,
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
        trying,
        rate_change,
        known_key,
        million_keys,
        keys_and_everyone,
    )
}

__all__ = ["QUESTIONS"]
