"""The questions, one a file, in the order of the table."""

from __future__ import annotations

from . import (
    acquire_with_room,
    among_many,
    bytes_for_each_waiter,
    cancelled_waits,
    enter_with_room,
    how_cost_grows,
    how_keys_grow,
    importing,
    keeping_the_rate,
    keys_and_everyone,
    known_key,
    large_among_small,
    longest_callback,
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
        how_keys_grow,
        keys_and_everyone,
        how_cost_grows,
        among_many,
        longest_callback,
    )
}

__all__ = ["QUESTIONS"]
