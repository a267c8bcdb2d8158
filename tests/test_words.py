"""A server's word, which often says what is known already."""

from __future__ import annotations

import asyncio

import pytest

from aiolimiter import AsyncLimiter, SlidingWindowLimiter


@pytest.mark.parametrize("kind", [AsyncLimiter, SlidingWindowLimiter])
@pytest.mark.parametrize(
    ("verb", "known"), [("restrict", 5), ("restrict", 2), ("pause", 0), ("pause", 3)]
)
async def test_a_word_that_says_what_is_known_upsets_nobody(kind, verb, known):
    """Nobody is looked at again for a word or a pause that changes nothing."""
    limiter = kind(5, 60)
    await limiter.acquire(3)
    limiter.pause(3)

    getattr(limiter, verb)(known)
    line = limiter._line
    line.upset = False
    getattr(limiter, verb)(known)

    assert not line.upset


@pytest.mark.parametrize("kind", [AsyncLimiter, SlidingWindowLimiter])
async def test_a_word_that_leaves_less_upsets_those_who_wait(kind):
    """Whoever comes after a word that changes something looks at the others once."""
    limiter = kind(5, 60)
    await limiter.acquire(3)
    waiting = asyncio.create_task(limiter.acquire(5))
    await asyncio.sleep(0)

    limiter.restrict(0)

    assert limiter._line.upset
    waiting.cancel()


async def test_a_word_leaves_no_entry_in_a_window_that_is_as_full():
    """A window is told again and again what it knows, and its log does not grow."""
    limiter = SlidingWindowLimiter(5, 60)
    await limiter.acquire(3)

    for _ in range(100):
        limiter.restrict(2)

    assert len(limiter._line.meter._entries) == 1
