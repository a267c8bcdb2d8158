"""Who waits no longer than until when."""

from __future__ import annotations

from heapq import heapify, heappop, heappush
from typing import Generic

from .queue import SHORT, W


class Deadlines(Generic[W]):
    """The waiters who have a deadline, the earliest first."""

    __slots__ = ("_heap", "_long")

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, W]] = []
        self._long = SHORT

    def push(self, waiter: W) -> None:
        """Remember the deadline of *waiter*."""
        if len(self._heap) >= self._long:
            self._sweep()
        heappush(self._heap, (waiter.deadline, id(waiter), waiter))

    def first(self) -> W | None:
        """Return whose deadline is next, if anybody with one waits."""
        heap = self._heap
        while heap and heap[0][2].done():
            heappop(heap)
        return heap[0][2] if heap else None

    def drop(self) -> None:
        """Forget whose deadline is next."""
        heappop(self._heap)

    def _sweep(self) -> None:
        # Those who are granted or gone in time stay behind; swept when they
        # may be half of all, they cost everybody the same.
        self._heap = [entry for entry in self._heap if not entry[2].done()]
        heapify(self._heap)
        self._long = 2 * len(self._heap) + SHORT
