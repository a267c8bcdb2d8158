"""`CombinedLimiter`: several limits, all or nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self, TypeAlias, final

from .._core import numbers
from .._core.decision import Decision, LimiterStatistics
from .block import Block
from .entering import Entering
from .request import Request
from .verbs import Verbs, longest

if TYPE_CHECKING:
    from types import TracebackType

    from .line import Line
    from .request import Marks

    # The name of a member, its line, and how much is wanted from it.
    _Share: TypeAlias = tuple[str | None, Line, float]

# Names that the verbs have for something else.
_TAKEN = ("amount", "actual", "max_wait")


@final
class CombinedLimiter(Entering):
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

    __slots__ = ("__weakref__", "_members")

    def __init__(self, *limiters: Verbs, **named: Verbs) -> None:
        self._members: list[tuple[str | None, Verbs]] = [
            *((None, limiter) for limiter in limiters),
            *named.items(),
        ]
        if not self._members:
            msg = "nothing to combine: give at least one limiter"
            raise TypeError(msg)
        for name, limiter in self._members:
            if name in _TAKEN:
                msg = f"a member can't be called {name!r}: choose another name"
                raise ValueError(msg)
            if not isinstance(limiter, Verbs):
                msg = (
                    "only an AsyncLimiter, a SlidingWindowLimiter or the limiter "
                    f"of a key can be combined, got {limiter!r}"
                )
                raise TypeError(msg)

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
        request = self._request(amount, amounts)
        turn = request.ask(longest(max_wait))
        if turn is not None:
            try:
                await turn
            except BaseException:
                request.lost()
                raise

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
        return self._request(amount, amounts).decide()

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
        self._request(amount, amounts)
        return CombinedReservation(self, amount, amounts, longest(max_wait))

    def statistics(self) -> LimiterStatistics:
        """
        Tell how things are right now, without changing any.

        ``level`` and ``available`` are those of the member with the least left,
        the rest is of all members together.
        """
        each = [limiter.statistics() for _, limiter in self._members]
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
            for name, limiter in self._members
        )
        return f"CombinedLimiter({members})"

    def _request(self, amount: float, amounts: dict[str, float]) -> Request:
        return _requested(self._shares(amount, amounts))

    def _shares(self, amount: float, amounts: dict[str, float]) -> list[_Share]:
        self._check_names(amounts)
        shares: list[_Share] = []
        for (name, _), line in zip(self._members, self._lines(), strict=True):
            each = numbers.amount(amounts.get(name or "", amount), line.meter.burst)
            shares.append((name, line, each))
        return shares

    def _lines(self) -> list[Line]:
        lines: list[Line] = []
        try:
            for _, limiter in self._members:
                line = limiter._line  # noqa: SLF001 -- one layer
                # Finding a key's line may fold another one that looks quiet.
                line.needed += 1
                lines.append(line)
        finally:
            for line in lines:
                line.needed -= 1
        return lines

    def _check_names(self, amounts: dict[str, float]) -> None:
        names = [name for name, _ in self._members if name is not None]
        for name in amounts:
            if name not in names:
                there = ", ".join(names) or "none with a name"
                msg = f"no member is called {name!r}: there is {there}"
                raise TypeError(msg)


def _requested(shares: list[_Share]) -> Request:
    wanted: dict[Line, float] = {}
    for _, line, each in shares:
        # One limiter may be a member twice.
        wanted[line] = wanted.get(line, 0.0) + each
    for line, each in wanted.items():
        numbers.amount(each, line.meter.burst)
    return Request(wanted)


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

    async def __aenter__(self) -> Self:
        self._enter()
        shares = self._combined._shares(self._amount, self._amounts)  # noqa: SLF001 -- one concept
        request = _requested(shares)
        turn = request.ask(self._max_wait)
        if turn is None:
            self._marks = request.mark()
        else:
            try:
                self._marks = await turn
            except BaseException:
                request.lost()
                raise
            for line, mark in self._marks.items():
                line.meter.hold(mark)
        self._shares = shares
        self._enter_done()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._leave()
        for line, mark in self._marks.items():
            line.meter.release(mark)

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
        lines = self._combined._lines()  # noqa: SLF001 -- one concept
        anew = {
            line: found for (_, line, _), found in zip(self._shares, lines, strict=True)
        }
        for line, (reserved, cost) in costs.items():
            anew[line].settle(self._marks[line], reserved, cost)
