"""`CombinedLimiter`: several limits, all or nothing."""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING, TypeAlias, final

from ..._core import numbers
from ..._core.decision import Decision, LimiterStatistics
from ..._core.errors import RateLimitExceeded
from .. import entering, signals
from ..block import Block, granted
from ..verbs import Limiter, longest
from . import lines
from .request import ask

if TYPE_CHECKING:
    from ..line import Line
    from ..queue import Turn
    from .lines import Marks
    from .request import Request

    # The name of a member, its line, and how much is wanted from it.
    _Share: TypeAlias = tuple[str | None, Line, float]

# Names that the verbs have for something else.
_TAKEN = ("amount", "actual", "max_wait")


@final
class CombinedLimiter(entering.Limiter):
    """
    Several limiters taken as one: admits when all would, and takes from all.

    ::

        model = CombinedLimiter(
            requests=AsyncLimiter(500, 60),
            tokens=AsyncLimiter(30_000, 60),
        )

        await model.acquire(requests=1, tokens=900)

    It never holds one while it waits for another, which nesting them does, and
    while one makes it wait it does not keep the others from those who do not
    need that one.  The members stay ordinary limiters and may be used alone at
    the same time.  Making one for a single call costs next to nothing::

        async with CombinedLimiter(everyone, chats[chat_id]):
            ...

    Args:
        limiters: Members that take the plain amount.
        named: Members that may be given an amount of their own, by name.

    Raises:
        TypeError: There is no member; or one is not an `AsyncLimiter`, a
            `SlidingWindowLimiter` or the limiter of a key.
        ValueError: A member is called ``amount``, ``actual`` or ``max_wait``.
    """

    __slots__ = ("__weakref__", "_named", "_unnamed")

    def __init__(self, *limiters: Limiter, **named: Limiter) -> None:
        # As they come: who waits may have made one for this call, and the
        # garbage collector looks at all that waits.
        self._unnamed = limiters
        self._named = named
        if not (limiters or named):
            msg = "nothing to combine: give at least one limiter"
            raise TypeError(msg)
        for name, limiter in self._members():
            if name in _TAKEN:
                msg = f"a member can't be called {name!r}: choose another name"
                raise ValueError(msg)
            if not isinstance(limiter, Limiter):
                msg = (
                    "only an AsyncLimiter, a SlidingWindowLimiter or the limiter "
                    f"of a key can be combined, got {limiter!r}"
                )
                raise TypeError(msg)

    def __copy__(self) -> CombinedLimiter:
        # A copy shares nothing with this, so its members are copies too.
        return deepcopy(self)

    async def acquire(
        self, amount: float = 1.0, *, max_wait: float | None = None, **amounts: float
    ) -> None:
        """
        Wait until all members admit, and take from all of them in one step.

        Args:
            amount: How much from each member that is not named, in units.
            max_wait: The longest wait, in seconds.
            amounts: How much from which member, by its name.

        Raises:
            RateLimitExceeded: The wait would be longer than *max_wait*; or has
                become so, and *max_wait* is over.
            TypeError: No member has that name.
            ValueError: An amount is negative, not finite or more than the
                member holds, or *max_wait* is negative.
            RuntimeError: Tasks of another event loop wait for a member.
        """
        shares = self._shares(amount, amounts)
        # `granted`, written out: a coroutine more costs a twentieth of a grant.
        try:
            turn = self._ask(shares, longest(max_wait))
            if turn is not None:
                try:
                    await turn
                except BaseException:
                    turn.lost()
                    raise
                lines.release(turn.result())
        except RateLimitExceeded as refusal:
            self._told_refusal(shares, refusal)
            raise
        if signals.heard:
            self._told_wait(shares, turn)

    def try_acquire(self, amount: float = 1.0, **amounts: float) -> Decision:
        """
        Take from all members if all admit right now; never wait.

        Args:
            amount: How much from each member that is not named, in units.
            amounts: How much from which member, by its name.

        Returns:
            A decision that is true when all was taken; ``remaining`` is that of
            the member with the least.

        Raises:
            TypeError: No member has that name.
            ValueError: An amount is negative, not finite or more than the
                member holds.
        """
        shares = self._shares(amount, amounts)
        decision = lines.decide(_wanted(shares))
        if signals.heard:
            for limiter, (_, _, each) in self._with_shares(shares):
                limiter._told_decision(each, decision)  # noqa: SLF001 -- one layer
        return decision

    def reserve(
        self, amount: float = 1.0, *, max_wait: float | None = None, **amounts: float
    ) -> CombinedReservation:
        """
        Take from all members for the length of a block, and settle inside of it.

        ::

            async with model.reserve(requests=1, tokens=900) as reservation:
                answer = await ask_the_model()
                reservation.settle(tokens=answer.tokens_used)

        Args:
            amount: The estimate for each member that is not named, in units.
            max_wait: The longest wait for it, in seconds.
            amounts: The estimate for which member, by its name.

        Raises:
            RateLimitExceeded: On entering; as in `acquire`.
            TypeError: No member has that name.
            ValueError: An amount is negative, not finite or more than the
                member holds, or *max_wait* is negative.
        """
        _wanted(self._shares(amount, amounts))
        return CombinedReservation(self, amount, amounts, longest(max_wait))

    def statistics(self) -> LimiterStatistics:
        """
        Tell how things are right now, without changing any.

        ``level`` and ``available`` are those of the member with the least left,
        the rest is of all members together.
        """
        each = [limiter.statistics() for _, limiter in self._members()]
        least = min(each, key=lambda one: one.available)
        waits = [one.seconds_to_next for one in each if one.seconds_to_next is not None]
        return LimiterStatistics(
            level=least.level,
            available=least.available,
            waiting=sum(one.waiting for one in each),
            amount_waiting=sum(one.amount_waiting for one in each),
            seconds_to_next=min(waits, default=None),
        )

    def __repr__(self) -> str:
        members = ", ".join(
            repr(limiter) if name is None else f"{name}={limiter!r}"
            for name, limiter in self._members()
        )
        return f"CombinedLimiter({members})"

    def _shares(self, amount: float, amounts: dict[str, float]) -> list[_Share]:
        if amounts:
            self._check_names(amounts)
        shares: list[_Share] = []
        for name, limiter in self._members():
            line = limiter._line  # noqa: SLF001 -- one layer
            each = amounts.get(name or "", amount) if amounts else amount
            shares.append((name, line, numbers.amount(each, line.meter.burst)))
        return shares

    def _members(self) -> list[tuple[str | None, Limiter]]:
        return [*[(None, one) for one in self._unnamed], *self._named.items()]

    def _ask(self, shares: list[_Share], max_wait: float | None) -> Request | None:
        return ask(_wanted(shares), max_wait)

    def _told_wait(self, shares: list[_Share], turn: Turn | None) -> None:
        for limiter, (_, _, each) in self._with_shares(shares):
            limiter._told_wait(each, turn)  # noqa: SLF001 -- one layer

    def _told_refusal(self, shares: list[_Share], refusal: RateLimitExceeded) -> None:
        for limiter, (_, _, each) in self._with_shares(shares):
            limiter._told_refusal(each, refusal)  # noqa: SLF001 -- one layer

    def _with_shares(self, shares: list[_Share]) -> zip[tuple[Limiter, _Share]]:
        return zip((limiter for _, limiter in self._members()), shares, strict=True)

    def _check_names(self, amounts: dict[str, float]) -> None:
        for name in amounts:
            if name not in self._named:
                there = ", ".join(self._named) or "none with a name"
                msg = f"no member is called {name!r}: there is {there}"
                raise TypeError(msg)


def _wanted(shares: list[_Share]) -> dict[Line, float]:
    wanted: dict[Line, float] = {}
    for _, line, each in shares:
        # One limiter may be a member twice.
        already = wanted.get(line, 0.0)
        wanted[line] = numbers.amount(already + each, line.meter.burst)
    return wanted


@final
class CombinedReservation(Block):
    """
    Amounts taken from several limiters for the length of a block.

    ::

        async with model.reserve(requests=1, tokens=900) as reservation:
            answer = await ask_the_model()
            reservation.settle(tokens=answer.tokens_used)  # 1 request stays 1

    Made by a `CombinedLimiter`; see `Reservation`.
    """

    __slots__ = ("_amount", "_amounts", "_combined", "_marks", "_max_wait", "_shares")

    def __init__(
        self,
        combined: CombinedLimiter,
        amount: float,
        amounts: dict[str, float],
        max_wait: float | None,
    ) -> None:
        super().__init__()
        self._combined = combined
        self._amount = amount
        self._amounts = amounts
        self._max_wait = max_wait
        self._shares: list[_Share] = []
        self._marks: Marks = {}

    async def _take(self) -> None:
        combined = self._combined
        self._shares = shares = combined._shares(self._amount, self._amounts)  # noqa: SLF001 -- one concept
        turn = await granted(combined, shares, self._max_wait)
        self._marks = lines.mark(_wanted(shares)) if turn is None else turn.result()
        if signals.heard:
            combined._told_wait(shares, turn)  # noqa: SLF001 -- one concept

    def _release(self) -> None:
        lines.release(self._marks)

    def settle(self, actual: float | None = None, **actuals: float) -> None:
        """
        Book what it really cost; members that are not told keep the estimate.

        Args:
            actual: The real amount from each member that is not named, in
                units; ``settle(0)`` gives all back.
            actuals: The real amount from which member, by its name.

        Raises:
            RuntimeError: It is settled already, or its block is not entered
                yet or left.
            TypeError: No member has that name.
            ValueError: An amount is negative or not finite.
        """
        self._combined._check_names(actuals)  # noqa: SLF001 -- one concept
        costs: dict[Line, list[float]] = {}
        for name, line, reserved in self._shares:
            cost = actuals.get(name or "", reserved if actual is None else actual)
            total = costs.setdefault(line, [0.0, 0.0])
            total[0] += reserved
            total[1] += numbers.finite("actual", cost)
        self._settle()
        # Found anew: a key that has leaked empty meanwhile may be forgotten.
        found = self._combined._shares(0.0, {})  # noqa: SLF001 -- one concept
        anew = {
            line: there
            for (_, line, _), (_, there, _) in zip(self._shares, found, strict=True)
        }
        for line, (reserved, cost) in costs.items():
            anew[line].settle(self._marks[line], reserved, cost)
