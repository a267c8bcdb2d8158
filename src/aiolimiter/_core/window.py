"""
The sliding window, as arithmetic: a log of what was admitted when.

In no half-open window of *period* seconds is more than *max_rate* admitted.
Admissions are kept one by one while they are few; a long log merges those that
are close together into one entry that expires with its newest member: to the
careful side, at a cost of a `SLICES`-th of the rate at most.
"""

from __future__ import annotations

from collections import deque
from math import fsum, inf
from sys import float_info
from typing import Final

from .numbers import ROUNDING
from .played import Played, after

# Into how many entries, about, the log of one period is merged when it is long.
SLICES = 2048


class Entry:
    """
    What was admitted from *first* to *newest*, after so many words.

    Attributes:
        word: Once it has expired, the last word that met it, or `_NO_WORD`.
    """

    __slots__ = ("amount", "first", "newest", "word", "words")

    def __init__(
        self, amount: float, first: float, newest: float, words: int = 0
    ) -> None:
        self.amount = amount
        self.first = first
        self.newest = newest
        self.words = words
        self.word: Entry | None = None


_NO_WORD: Final = Entry(0.0, -inf, -inf)
_NO_WORD.word = _NO_WORD


class Window:
    """
    A window of *period* seconds that admits *max_rate* units.

    Methods work at the instant of the last `advance`, or `admit`.
    """

    # How what is ahead is cut into amounts decides how it fits into windows.
    fluid = False

    __slots__ = (
        "_entries",
        "_expired",
        "_freed_at",
        "_full",
        "_held",
        "_paused_until",
        "_period",
        "_promised",
        "_spare",
        "_word",
        "_word_at",
        "_words",
        "at",
        "burst",
        "level",
        "rate",
        "waited",
    )

    def __init__(self, max_rate: float, period: float) -> None:
        self._entries: deque[Entry] = deque()
        self._expired = 0
        self._freed_at = -inf
        self._held = 0
        self._paused_until = -inf
        # How often a server's word filled the window, when it last did and with
        # what, and how much of what was taken before may still come back.
        self._words = 0
        self._word_at = -inf
        self._word = _NO_WORD
        self._spare = inf
        self.at = -inf
        self.level = 0.0
        self._promised = False
        self.waited = False
        self._measure(max_rate, period)

    def admit(self, amount: float, now: float) -> bool:
        """Take *amount* at *now* if nothing stands against it."""
        self.advance(now)
        if self.waited or self._promised or not 0.0 <= amount < inf:
            return False
        if self.wait(amount) > 0.0:
            return False
        self.take(amount)
        return True

    # The way of most requests: `admit`, but where every admission is listened to.
    quick = admit

    def refuse(self, amount: float) -> tuple[float, float]:
        """
        Tell why `admit` said no: seconds until *amount* fits, and what fits now.

        0.0 seconds if more than the window is in the way.
        """
        if self.waited or self._promised:
            return 0.0, 0.0
        return self.wait(amount), self.available

    def advance(self, now: float) -> None:
        """Let what is *period* old at *now* expire."""
        if now <= self.at:
            return
        self.at = now
        entries = self._entries
        while entries and (expiry := self._expiry(entries[0])) <= now:
            entry = entries.popleft()
            self.level -= entry.amount
            entry.amount = 0.0
            entry.word = self._word_after(entry)
            self._freed_at = expiry
            self._expired += 1
        # Rounding adds up, always the same way.
        if self._expired > len(entries):
            self._expired = 0
            self.level = fsum(entry.amount for entry in entries)

    def rebase(self, now: float, behind: float = 0.0) -> None:
        """
        Go on at *now* by another clock, which may be far behind this one.

        Args:
            now: The instant, by the other clock.
            behind: Seconds by which this one may have been: all happened later.
        """
        back = max(0.0, self.at - now) - behind
        if not back:
            return
        for entry in self._entries:
            entry.first -= back
            entry.newest -= back
        self._freed_at -= back
        self._paused_until -= back
        self._word_at -= back
        self.at -= back

    def lead(self, amount: float) -> float:
        """Seconds in which *amount* is admitted, on average."""
        return amount / self.rate

    def wait(self, amount: float) -> float:
        """Seconds until *amount* fits; not above 0 exactly when it fits now."""
        due = self.due(amount)
        return due - self.at if due > self.at else min(0.0, due - self.at)

    def due(self, amount: float) -> float:
        """Return the instant at which *amount* fits or has come to fit, or inf."""
        over = self.level + amount - self._full * (1.0 + ROUNDING)
        due = self._freed_at
        for entry in self._entries:
            if over <= 0.0:
                break
            over -= entry.amount
            due = self._expiry(entry)
        # What is left over of an amount that fits an empty window is rounding.
        if over > 0.0 and amount > self.burst:
            return inf
        return max(due, self._paused_until)

    def spares(self, amount: float, promised: float, instant: float) -> bool:
        """Whether *promised* fits at *instant* if *amount* is taken now."""
        over = promised - self._full * (1.0 + ROUNDING)
        if instant < self.at + self._period:
            over += amount
        for entry in reversed(self._entries):
            if over > 0.0 or self._expiry(entry) <= instant:
                break
            over += entry.amount
        return over <= 0.0

    @property
    def quiet(self) -> bool:
        """Whether the log is all there is to it."""
        open_ = self.waited or self._promised or self._held
        return not open_ and self.at >= self._paused_until

    @property
    def limit(self) -> tuple[float, float]:
        """How much it admits in how many seconds."""
        return self.burst, self._period

    @property
    def empty_at(self) -> float:
        """The instant at which the last of the log will have expired."""
        return self._expiry(self._entries[-1]) if self._entries else self.at

    @property
    def available(self) -> float:
        """How much fits right now."""
        if self.at < self._paused_until:
            return 0.0
        return min(self.burst, max(0.0, self.burst - self.level))

    def take(self, amount: float) -> None:
        """Add *amount*, whether or not it fits."""
        if amount > 0.0 and self.burst < inf:
            self._log(amount)

    def _log(self, amount: float) -> None:
        self.level += amount
        if self._entries and self._is_near(self._entries[-1]):
            self._entries[-1].amount += amount
            self._entries[-1].newest = self.at
        else:
            self._entries.append(Entry(amount, self.at, self.at, self._words))

    def mark(self) -> Entry:
        """Remember what was just taken, so that it can be given back."""
        self._held += 1
        if self._entries:
            return self._entries[-1]
        return Entry(0.0, self.at, self.at, self._words)

    def hold(self, mark: Entry) -> None:  # noqa: ARG002 -- a bucket asks which
        """Count one more: an entry is kept by whoever has it."""
        self._held += 1

    def release(self, mark: Entry) -> None:  # noqa: ARG002 -- a bucket asks which
        """Count one less."""
        # One that was let go of already counts no more.
        if self._held:
            self._held -= 1

    def give_back(self, mark: Entry, amount: float) -> float:
        """
        Undo up to *amount* of what was taken at *mark*, unless expired.

        Returns:
            How much later, in seconds, all are who wait, at most.
        """
        later = 0.0
        word = mark.word or self._word_after(mark)
        if word.word is None:
            # Had it not been there, the word would have filled up more.
            back = min(amount, self._spare)
            self._spare -= back
            word.amount += amount - back
            self.level += amount - back
            # And would expire with the word.
            later = word.newest - mark.first
        gone = min(amount, mark.amount)
        mark.amount -= gone
        self.level -= gone
        return later

    def abandon(self) -> None:
        """Let go of all marks, and of whoever waited."""
        self._held = 0
        self.waited = False

    def promise(self, promised: bool) -> None:  # noqa: FBT001 -- a switch
        """Say whether something is promised, so that a line has to be asked."""
        self._promised = promised

    def pause(self, seconds: float) -> float:
        """
        Admit nothing for *seconds*.

        Returns:
            How much later, in seconds, all are who wait, at most.
        """
        until = self.at + seconds
        if until <= max(self.at, self._paused_until) or self.burst == inf:
            return 0.0
        later = until - max(self.at, self._paused_until)
        self._paused_until = until
        return later

    def reset(self) -> None:
        """Be as good as new: empty, not paused; nothing of before comes back."""
        for entry in self._entries:
            entry.amount, entry.word = 0.0, _NO_WORD
        self._entries.clear()
        self._word = _NO_WORD
        self._word_at = -inf
        self.level = 0.0
        self._freed_at = -inf
        self._paused_until = -inf

    def restrict(self, remaining: float) -> float:
        """
        Fill the window until at most *remaining* fits.

        Returns:
            How much later, in seconds, all are who wait, at most.
        """
        if remaining >= self.burst or self.burst == inf:
            return 0.0
        over = self.level - (self.burst - remaining)
        if over >= 0.0 and not self._held:
            return 0.0
        # Had less been taken before, the same would be filled up now: of what
        # was taken before the word, no more comes back than the word leaves.
        spare = self._spare if self.at - self._word_at < self._period else inf
        self._spare = min(spare, max(0.0, over))
        self._word_at = self.at
        self._words += 1
        self._log(max(0.0, -over))
        self._word = self._entries[-1]
        # In a period all that is there has expired.
        return self._period if over < 0.0 else 0.0

    def change(self, max_rate: float, period: float) -> None:
        """Admit *max_rate* in *period* seconds from now on."""
        self._measure(max_rate, period)
        # By the new period some may have expired long ago.
        now, self.at = self.at, -inf
        self.advance(now)
        if max_rate == inf:
            self.reset()

    def forecast(self) -> WindowForecast:
        """Start to think ahead: who waits how long, if nothing else happens."""
        return WindowForecast(self)

    def played(self) -> Played:
        """Return one that goes on from here by itself."""
        log = [(self._expiry(entry), entry.amount) for entry in self._entries]
        start = max(self.at, self._paused_until)
        first = self._entries[-1].first if log else -inf
        return Played(
            log,
            self.level,
            self._period,
            holds=self._full,
            start=start,
            slices=SLICES,
            first=first,
        )

    def copy(self) -> Window:
        """Return another window that is full of the same."""
        other = Window(self.burst, self._period)
        other.at, other.level = self.at, self.level
        other._freed_at, other._paused_until = self._freed_at, self._paused_until
        other._entries.extend(Entry(e.amount, e.first, e.newest) for e in self._entries)
        return other

    def _measure(self, max_rate: float, period: float) -> None:
        self.burst = max_rate
        self.rate = max_rate / period
        self._period = period
        # Without a limit it must stay finite: inf - inf is no number.
        self._full = min(max_rate, float_info.max / 2.0)

    def _word_after(self, entry: Entry) -> Entry:
        return self._word if entry.words < self._words else _NO_WORD

    def _is_near(self, entry: Entry) -> bool:
        if len(self._entries) < SLICES:
            return entry.newest == self.at and entry.words == self._words
        return self.at - entry.first <= self._period / SLICES

    def _expiry(self, entry: Entry) -> float:
        return after(entry.newest, self._period)


class WindowForecast:
    """What a window will admit when, to one after the other."""

    __slots__ = ("_played", "_window")

    def __init__(self, window: Window) -> None:
        self._window = window
        self._played: Played | None = None

    @property
    def late(self) -> float:
        """By how many seconds what it tells may be too late; never too early."""
        return 0.0 if self._played is None else self._played.late

    def wait(self, amount: float) -> float:
        """Seconds until *amount* fits after all that was taken so far."""
        window, played = self._window, self._played
        due = window.due(amount) if played is None else played.due(amount)
        return max(0.0, due - window.at)

    def take(self, amount: float) -> None:
        """Let *amount* go first."""
        self._start().take(amount)

    def play(self, sums: list[float]) -> tuple[list[float], list[float]]:
        """
        Let many go first, who want as much as *sums* tells up to each of them.

        Returns:
            How much will have been admitted, and when.
        """
        return self._start().play(sums)

    def fork(self) -> WindowForecast:
        """Return another one, that goes on from here by itself."""
        other = WindowForecast(self._window)
        if self._played is not None:
            other._played = self._played.fork()
        return other

    def _start(self) -> Played:
        self._played = self._played or self._window.played()
        return self._played
