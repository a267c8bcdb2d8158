"""What asyncio itself has: the yardsticks that every reader knows."""

from __future__ import annotations

import asyncio
from typing import Any

from .face import ROOM, Acquire, Contender


class Lock(Contender):
    """Nobody else holds it."""

    title = "asyncio.Lock"

    def entered(self) -> Any:
        return asyncio.Lock()


class Semaphore(Contender):
    """It has more permits than anybody asks for.

    Not asked to queue: letting 100,000 through at once takes it minutes, since
    each release looks past all who were woken before.
    """

    title = "asyncio.Semaphore"

    def entered(self) -> Any:
        return asyncio.Semaphore(ROOM)

    def acquire(self) -> Acquire:
        return asyncio.Semaphore(ROOM).acquire

    async def blocked(self) -> Any:
        return asyncio.Semaphore(0).acquire
