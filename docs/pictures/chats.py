"""What nesting two limiters does, and what combining them does instead."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, TypeAlias

from strip import Stretch, Strip, Tone
from virtual import virtual

from aiolimiter import AsyncLimiter, CombinedLimiter, KeyedLimiter

# Who a message is for, and when it is there to be sent.
Message: TypeAlias = tuple[str, float]
Turn: TypeAlias = Callable[[AsyncLimiter, Any], AbstractAsyncContextManager[object]]

FLOOD = [("A", 0.0)] * 30 + [("B", at) for at in (1.0, 3.0, 5.0, 7.0)]
CROWD = [(f"other {n}", 0.0) for n in range(40)] + [("A", 0.0)] * 5


@asynccontextmanager
async def all_then_chat(everyone: AsyncLimiter, chat: Any) -> AsyncIterator[None]:
    """Nest them, what all share outside."""
    async with everyone, chat:
        yield


@asynccontextmanager
async def chat_then_all(everyone: AsyncLimiter, chat: Any) -> AsyncIterator[None]:
    """Nest them, the chat's own outside."""
    async with chat, everyone:
        yield


@asynccontextmanager
async def combined(everyone: AsyncLimiter, chat: Any) -> AsyncIterator[None]:
    """Take both in one step."""
    async with CombinedLimiter(everyone, chat):
        yield


COMBINED = "CombinedLimiter(everyone, chats[chat])"


def everyone_first() -> list[Strip]:
    """Chat A is flooded; how long does B's first message wait?"""
    return [
        _flooded("nested: everyone, chats[chat]", all_then_chat),
        _flooded(COMBINED, combined),
    ]


def chat_first() -> list[Strip]:
    """Forty other chats are busy; how many does chat A get in a second?"""
    return [
        _crowded("nested: chats[chat], everyone", chat_then_all),
        _crowded(COMBINED, combined),
    ]


def _flooded(title: str, turn: Turn) -> Strip:
    sent = virtual(_send(FLOOD, turn))
    first = min(at for chat, at in sent if chat == "B")
    asked = min(at for chat, at in FLOOD if chat == "B")
    look = Stretch(asked, first, f"B waits {first - asked:.1f} s")
    return Strip(
        title, [(at, Tone.LOUD if chat == "B" else Tone.DOT) for chat, at in sent], look
    )


def _crowded(title: str, turn: Turn) -> Strip:
    sent = virtual(_send(CROWD, turn))
    start = min(at for chat, at in sent if chat == "A")
    count = sum(chat == "A" and at < start + 1 for chat, at in sent)
    look = Stretch(start, start + 1, f"A gets {count} in 1 s")
    return Strip(
        title, [(at, Tone.LOUD if chat == "A" else Tone.INK) for chat, at in sent], look
    )


async def _send(messages: Iterable[Message], turn: Turn) -> list[Message]:
    everyone = AsyncLimiter(5, 1)
    chats = KeyedLimiter(1, 1)
    clock = asyncio.get_running_loop().time
    sent: list[Message] = []

    async def send(chat: str, at: float) -> None:
        await asyncio.sleep(at)
        async with turn(everyone, chats[chat]):
            sent.append((chat, clock()))

    await asyncio.gather(*(send(*message) for message in messages))
    return sent
