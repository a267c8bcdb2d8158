"""What a process and a shared store say to each other in one trip."""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

Levels: TypeAlias = tuple[float, ...]


class Terms(NamedTuple):
    """What a shared bucket is held to: units a microsecond, and the burst, each."""

    rates: Levels
    caps: Levels


class Force(NamedTuple):
    """
    The rates that are in force for all.

    Attributes:
        terms: Which.
        heard: When somebody booked last who was started with them.
        changed: Since when they are in force: what was booked before is void.
        version: Grows with each change; 0 if there was none.
        periods: The seconds in which the rates of a change are told; empty if
            they are not of a change, or it was taken back.
    """

    terms: Terms
    heard: int = 0
    changed: int = 0
    version: int = 0
    periods: Levels = ()


class Pause(NamedTuple):
    """Until when nothing is admitted; and the levels beneath it, at an instant."""

    until: int
    at: int
    beneath: Levels


class Change(NamedTuple):
    """Other rates for all; without, those that each was started with."""

    terms: Terms | None
    periods: Levels = ()


class Low(NamedTuple):
    """The lowest levels since any instant before *at*, and after the one before."""

    at: int
    levels: Levels


Lows: TypeAlias = tuple[Low, ...]


class State(NamedTuple):
    """
    A shared bucket as it is stored.

    Attributes:
        levels: Units in the bucket, for each rate; what is booked ahead counts.
        last: The instant at which they stood there.
        given: By how many microseconds all that is booked has moved up since
            the state was made, because somebody settled for less.
        raised: The instant of the last pause, restriction that mattered, or
            reset: what was booked before is void.
        lows: How low the levels have been since when.
        pause: The last one.
        force: The rates in force; ``None`` if it was never told.
    """

    levels: Levels
    last: int
    given: float = 0.0
    raised: int = 0
    lows: Lows = ()
    pause: Pause | None = None
    force: Force | None = None


class Group(NamedTuple):
    """Requests of one amount; ``wait`` is how long each may take, below 0: any."""

    number: int
    amount: float
    wait: float = -1.0


class Served(NamedTuple):
    """How many of a group are booked, and whether the others are refused."""

    number: int
    refused: bool


class Settlement(NamedTuple):
    """What an amount cost beyond (or, below 0, short of) what was booked for it."""

    amount: float
    due: int
    booked: int


class Floor(NamedTuple):
    """At most ``remaining`` is left ``wait`` microseconds from now."""

    wait: float
    remaining: float


class Refund(NamedTuple):
    """
    The end of a stretch that nobody took; void unless it is still the last.

    Attributes:
        kept: How much of the stretch is taken or claimed.
        before: The levels it starts from.
        level: The first level there was after it,
        last: and when.
    """

    kept: float
    before: Levels
    level: float
    last: int


class Request(NamedTuple):
    """
    Everything a process wants of the store in one trip, in this order.

    Attributes:
        terms: The rates that the process was started with.
        seen: The latest state the process knows of.
        refund: What it booked last and does not need.
        settlements: What admitted amounts turned out to cost.
        reset: Whether to forget all of before.
        floors: Pauses and restrictions.
        groups: Who waits, in their order.
        quantum: How many microseconds ahead it may book.
        change: What else is in force from now on.
    """

    terms: Terms
    seen: State
    refund: Refund | None = None
    settlements: tuple[Settlement, ...] = ()
    reset: bool = False
    floors: tuple[Floor, ...] = ()
    groups: tuple[Group, ...] = ()
    quantum: int = 50_000
    change: Change | None = None


class Reply(NamedTuple):
    """
    What the store says: the state after the request, and what it booked.

    Attributes:
        now: The store's clock, microseconds.
        given: As in `State`.
        raised: As in `State`.
        before: The levels the booked stretch starts from.
        after: The levels now.
        refunded: Whether the refund was still the tail.
        served: One for each group looked at; groups beyond are put off.
        changed: Since when the rates are in force.
        force: Which, if not only those that the process was started with.
    """

    now: int
    given: float
    raised: int
    before: Levels
    after: Levels
    refunded: bool
    served: tuple[Served, ...]
    changed: int = 0
    force: Force | None = None


class Booking(NamedTuple):
    """When an admission was booked and when it was due, on the store's clock."""

    due: int
    booked: int
