"""How far ahead a process books, and how early: as its way to the store needs."""

from __future__ import annotations

from .rate import MICRO

# Seconds by which a trip is early, beside the time it takes.
LEAD = 0.002

# What a quantum grows by when the bucket is about to run dry, and may grow to, in
# round trips; and by what it shrinks again when not.  All who share a bucket do so,
# and to add and to multiply makes their quanta the same in the end.
WIDER = 0.1
WIDEST = 2.0
NARROWER = 0.95


class Horizon:
    """
    What the trips of one process say of its way to the store.

    As long as the bucket never runs dry while somebody waits, a quantum is as
    it was given, so processes take short turns, and little is lost when one
    dies.  Far from the store, where a turn is shorter than a trip, it grows.

    Args:
        quantum: How far ahead a trip books at least, in microseconds.
    """

    __slots__ = ("_least", "_measured", "_quantum", "_round_trip")

    def __init__(self, quantum: int) -> None:
        self._least = quantum
        self._quantum = float(quantum)
        self._round_trip = 0.0
        self._measured = 0

    @property
    def quantum(self) -> int:
        """How far ahead the next trip books, in microseconds."""
        return round(self._quantum)

    @property
    def lead(self) -> float:
        """Seconds by which a trip must start before its answer is needed."""
        return 2.0 * self._round_trip + LEAD

    def measure(self, took: float) -> None:
        """Learn that a trip *took* so many seconds."""
        # The first one has made the connection too, which takes several trips.
        weight = 0.2 if self._measured > 1 else 1.0
        self._round_trip += weight * (took - self._round_trip)
        self._measured += 1

    def renew(self) -> None:
        """Learn that a trip failed: the next one may make a connection."""
        self._measured = 0

    def adapt(self, left: float) -> None:
        """Learn that the bucket would run dry in *left* microseconds."""
        trip = self._round_trip / MICRO
        widest = max(self._least, WIDEST * trip)
        if left < trip:
            self._quantum = min(widest, self._quantum + WIDER * trip)
        else:
            self._quantum = max(self._least, self._quantum * NARROWER)
