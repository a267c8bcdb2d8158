"""What a waiting line needs of whatever measures the limit."""

from __future__ import annotations

from typing import Any, Protocol, TypeAlias

# What a meter remembers of an admission, to give it back: each meter's own.
Mark: TypeAlias = Any


class Forecast(Protocol):
    """What a meter will admit when, to one after the other."""

    @property
    def late(self) -> float:
        """By how many seconds what it tells may be too late; never too early."""

    def wait(self, amount: float) -> float:
        """Seconds until *amount* fits after all that was taken so far."""

    def take(self, amount: float) -> None:
        """Let *amount* go first."""

    def play(self, sums: list[float]) -> tuple[list[float], list[float]]:
        """
        Let many go first, who want as much as *sums* tells up to each of them.

        Returns:
            How much will have been admitted, and when; nothing of that where
            the level tells it.
        """

    def fork(self) -> Forecast:
        """Return another one, that goes on from here by itself."""


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

    def quick(self, amount: float, now: float) -> bool:
        """As `admit`; or no, where a line has to be asked for each admission."""

    def refuse(self, amount: float) -> tuple[float, float]:
        """Tell why `admit` said no: seconds until *amount* fits, and what fits now."""

    def advance(self, now: float) -> None:
        """Let time pass until *now*."""

    def rebase(self, now: float, behind: float = 0.0) -> None:
        """Go on at *now* by another clock; the last one may have been *behind*."""

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

    def give_back(self, mark: Mark, amount: float) -> float:
        """Undo up to *amount* of what was taken at *mark*."""

    def abandon(self) -> None:
        """Let go of all marks, whoever holds them, and of whoever waited."""

    def pause(self, seconds: float) -> float:
        """Admit nothing for *seconds*; return how much later all are, at most."""

    def reset(self) -> None:
        """Be as good as new."""

    def restrict(self, remaining: float) -> float:
        """Admit no more than *remaining* now; return how much later all are."""

    def change(self, first: float, second: float, /) -> None:
        """Go on with another limit: the two numbers the meter was made of."""

    def copy(self) -> Meter:
        """Return another one that is as full, of which nobody has a mark."""

    def forecast(self) -> Forecast:
        """Start to think ahead."""
