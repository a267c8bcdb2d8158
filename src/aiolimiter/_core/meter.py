"""What a waiting line needs of whatever measures the limit."""

from __future__ import annotations

from typing import Any, Protocol, TypeAlias

# What a meter remembers of an admission, to give it back: each meter's own.
Mark: TypeAlias = Any


class Forecast(Protocol):
    """What a meter will admit when, to one after the other."""

    def wait(self, amount: float) -> float:
        """Seconds until *amount* fits after all that was taken so far."""

    def take(self, amount: float) -> None:
        """Let *amount* go first."""


class Meter(Protocol):
    """How much of a limit is used: a `Bucket` or a `Window`."""

    fluid: bool
    at: float
    level: float
    burst: float
    rate: float

    @property
    def waited(self) -> bool:
        """Whether somebody waits."""

    @waited.setter
    def waited(self, waited: bool, /) -> None: ...

    def promise(self, promised: bool, /) -> None:  # noqa: FBT001 -- a switch
        """Say whether something is promised, so that a line has to be asked."""

    @property
    def quiet(self) -> bool:
        """Whether nobody waits, may give back, or has paused it."""

    @property
    def available(self) -> float:
        """How much fits right now."""

    def admit(self, amount: float, now: float) -> bool:
        """Take *amount* at *now* if nothing stands against it."""

    def refuse(self, amount: float) -> tuple[float, float]:
        """Tell why `admit` said no: seconds until *amount* fits, and what fits now."""

    def advance(self, now: float) -> None:
        """Let time pass until *now*."""

    def rebase(self, now: float) -> None:
        """Go on at *now* by another clock."""

    def lead(self, amount: float) -> float:
        """Seconds in which *amount* leaks."""

    def wait(self, amount: float) -> float:
        """Seconds until *amount* fits; not above 0 exactly when it fits now."""

    def spares(self, amount: float, promised: float, instant: float) -> bool:
        """Whether *promised* fits at *instant* if *amount* is taken now."""

    def take(self, amount: float) -> None:
        """Add *amount*, whether or not it fits."""

    def mark(self) -> Mark:
        """Start to remember what was just taken."""

    def hold(self, mark: Mark) -> None:
        """Keep *mark* for one more."""

    def release(self, mark: Mark) -> None:
        """Stop remembering."""

    def give_back(self, mark: Mark, amount: float) -> None:
        """Undo up to *amount* of what was taken at *mark*."""

    def abandon(self) -> None:
        """Let go of all marks, whoever holds them, and of whoever waited."""

    def pause(self, seconds: float) -> None:
        """Admit nothing for *seconds*."""

    def restrict(self, remaining: float) -> None:
        """Admit no more than *remaining* right now."""

    def change(self, first: float, second: float, /) -> None:
        """Go on with another limit: the two numbers the meter was made of."""

    def forecast(self) -> Forecast:
        """Start to think ahead."""
