"""A line to a server that can be cut in the middle of a reply, or led elsewhere."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path


class Wire:
    """
    What stands between a client and a server.

    Attributes:
        target: The server's socket; new connections go there.
        cut_after: How many bytes of replies still pass before the connection
            is cut; ``None`` for all.
        way: Tells how many seconds what is sent now takes, there or back.
        trips: How often something was sent to the server.
    """

    def __init__(self, target: Path) -> None:
        self.target = target
        self.cut_after: int | None = None
        self.trips = 0
        self.way: Callable[[], float] = float
        self._lines: set[asyncio.StreamWriter] = set()

    def cut(self) -> None:
        """Cut all connections now."""
        for line in self._lines:
            line.transport.abort()

    async def serve(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """Carry one connection."""
        with contextlib.suppress(OSError):
            there = await asyncio.open_unix_connection(str(self.target))
            self._lines |= {writer, there[1]}
            await asyncio.gather(
                self._carry(reader, there[1]), self._answer(there[0], writer)
            )
        writer.transport.abort()

    async def _carry(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        while data := await reader.read(65536):
            self.trips += 1
            await self._travel()
            writer.write(data)
        writer.close()

    async def _answer(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        while data := await reader.read(65536):
            if self.cut_after is not None and len(data) > self.cut_after:
                writer.write(data[: self.cut_after])
                await writer.drain()
                self.cut_after = None
                writer.close()
                return
            await self._travel()
            writer.write(data)
        writer.close()

    async def _travel(self) -> None:
        # What is sent meanwhile arrives together with what comes next; nobody here
        # sends before the answer is there.
        way = self.way()
        if way > 0.0:
            await asyncio.sleep(way)


@contextlib.asynccontextmanager
async def wire(target: Path, path: Path) -> AsyncIterator[Wire]:
    """Lay a wire from *path* to *target*."""
    laid = Wire(target)
    listener = await asyncio.start_unix_server(laid.serve, str(path))
    try:
        yield laid
    finally:
        listener.close()
        laid.cut()
