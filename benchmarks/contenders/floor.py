"""The floor: a task that waits on a bare future, resolved in one callback."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from .face import Contender, Queue

if TYPE_CHECKING:
    from ..clock import SteppedLoop


class Floor(Contender):
    """What no limiter that lets tasks wait can go below."""

    title = "bare future"

    async def queue(self, n: int, loop: SteppedLoop) -> Queue:
        futures: list[asyncio.Future[None]] = []

        async def wait() -> None:
            future = loop.create_future()
            futures.append(future)
            await future

        def resolve() -> None:
            for future in futures:
                future.set_result(None)

        return Queue(wait, lambda: loop.call_soon(resolve))

    async def blocked(self) -> Any:
        create_future = asyncio.get_running_loop().create_future

        async def wait() -> None:
            await create_future()

        return wait
