"""
The leaky bucket, as arithmetic.

Nothing here waits or reads a clock: callers bring the instant.  The level
counts units, not seconds: ten takes of 1 then fill a bucket of 10 exactly,
where ten additions of a seventh of a second would not.

The algorithm is the leaky bucket as a meter (ITU-T I.371; Turner, "New
directions in communications", 1986), with two additions.  While somebody
waits the level may fall below 0, by what leaks in `LATENESS`: a timer that
fires late then costs nobody throughput.  And what was taken can be given back,
as far as it has not leaked (see `layers`).
"""

from __future__ import annotations

from math import inf
from sys import float_info, platform

from .layers import Layer, Layers
from .numbers import ROUNDING

# Seconds of leaking that a late timer may make up for: more than timers are coarse,
# by a millisecond as a rule, and by 15.6 of them on Windows.
LATENESS = 0.010 if platform != "win32" else 0.020


class Bucket:
    """
    A bucket that leaks *rate* units a second and holds *burst* of them.

    Methods work at the instant of the last `advance`, or `admit`.
    """

    # Only the sum of what is ahead decides how long a wait is.
    fluid = True

    __slots__ = (
        "_beneath",
        "_floor",
        "_layers",
        "_paused_at",
        "_paused_until",
        "_promised",
        "_waited",
        "at",
        "burst",
        "ceiling",
        "level",
        "rate",
    )

    def __init__(self, rate: float, burst: float) -> None:
        self.level = 0.0
        self.at = -inf
        self._layers = Layers()
        # While paused: the level without the pause, and when it stood there.
        self._beneath = 0.0
        self._paused_at = -inf
        self._paused_until = -inf
        self._promised = False
        self._waited = False
        self._floor = 0.0
        self._measure(rate, burst)

    def admit(self, amount: float, now: float) -> bool:
        """
        Take *amount* at *now* if nothing stands against it.

        This is the way most requests go.  It says no as well when somebody
        waits or when something could be given back: then `ceiling` is below
        every level, and one comparison tells all of it.
        """
        level = self.level
        if now > self.at:
            level -= (now - self.at) * self.rate
            if level < 0.0:
                level = 0.0
        else:
            now = self.at
        filled = level + amount
        if filled <= self.ceiling and amount >= 0.0:
            self.level = filled
            self.at = now
            return True
        if self.ceiling > -inf:
            self.level = level
            self.at = now
        return False

    # The way of most requests: `admit`, but where every admission is listened to.
    quick = admit

    def refuse(self, amount: float) -> tuple[float, float]:
        """
        Tell why `admit` said no: seconds until *amount* fits, and what fits now.

        0.0 seconds if more than the level is in the way.
        """
        if self.ceiling == -inf:
            return 0.0, 0.0
        left = self.burst - self.level
        return (amount - left) / self.rate, left if left > 0.0 else 0.0

    def advance(self, now: float) -> None:
        """Leak until *now*; a clock that steps back leaks nothing."""
        if now > self.at:
            level = self.level - (now - self.at) * self.rate
            self.level = level if level > self._floor else self._floor
            self.at = now

    def rebase(self, now: float, behind: float = 0.0) -> None:
        """
        Go on at *now* by another clock, which may be far behind this one.

        Args:
            now: The instant, by the other clock.
            behind: Seconds by which this one may have been: all happened later.
        """
        later = min(0.0, now - self.at) + behind
        if later:
            self._paused_until += later
            self._paused_at += later
            self.at += later

    def lead(self, amount: float) -> float:
        """Seconds in which *amount* leaks."""
        return amount / self.rate

    def wait(self, amount: float) -> float:
        """Seconds until *amount* fits; not above 0 exactly when it fits now."""
        over = self.level + amount - self.burst
        if 0.0 < over <= self.burst * ROUNDING or self.rate == inf:
            return 0.0
        return over / self.rate

    def spares(self, amount: float, promised: float, instant: float) -> bool:
        """Whether *promised* fits at *instant* if *amount* is taken now."""
        if self.rate == inf:
            return True
        leaked = (instant - self.at) * self.rate
        over = self.level + amount + promised - leaked - self.burst
        return over <= self.burst * ROUNDING

    @property
    def available(self) -> float:
        """How much fits right now."""
        left = self.burst - self.level
        if left <= 0.0:
            return 0.0
        return left if left < self.burst else self.burst

    def take(self, amount: float) -> None:
        """Add *amount*, whether or not it fits."""
        if self._layers:
            self._layers.sink(self.level - self._floor)
        self.level += amount

    def mark(self) -> Layer:
        """Start to remember what was just taken, so that it can be given back."""
        self._layers.sink(self.level - self._floor)
        layer = self._layers.open(self.level - self._floor)
        self.ceiling = -inf
        return layer

    def hold(self, mark: Layer) -> None:
        """Keep *mark* for one more."""
        self._layers.hold(mark)

    def release(self, mark: Layer) -> None:
        """Stop remembering."""
        self._layers.release(mark)
        self._calm()

    def give_back(self, mark: Layer, amount: float) -> float:
        """
        Undo up to *amount* of what was taken at *mark*, less what leaked.

        Returns:
            How much later, in seconds, all are who wait: never, in a bucket.
        """
        self._layers.sink(self.level - self._floor)
        back = self._layers.take(mark, amount)
        self.level -= back
        # Whatever comes back during a pause was taken before it.
        self._beneath -= back
        return 0.0

    def abandon(self) -> None:
        """Let go of all marks, whoever holds them, and of whoever waited."""
        self._layers.clear()
        self.waited = False

    @property
    def quiet(self) -> bool:
        """Whether level and instant are all there is to it."""
        return self.ceiling > -inf and self.at >= self._paused_until

    @property
    def waited(self) -> bool:
        """Whether somebody waits, and lateness is made up for."""
        return self._waited

    @waited.setter
    def waited(self, waited: bool) -> None:
        self._waited = waited
        self._settle_floor()
        self._calm()

    def promise(self, promised: bool) -> None:  # noqa: FBT001 -- a switch
        """Say whether something is promised, so that a line has to be asked."""
        self._promised = promised
        self._calm()

    def pause(self, seconds: float) -> float:
        """
        Fill the bucket so that it is full, not empty, in *seconds*.

        Returns:
            How much later, in seconds, all are who wait.
        """
        if not seconds > 0.0 or self.rate == inf:
            return 0.0
        self._beneath, self._paused_at = sum(self._without_pause()), self.at
        self._paused_until = max(self._paused_until, self.at + seconds)
        return self._raise_to(self._debt(seconds))

    def fill(self, level: float) -> None:
        """Be filled to *level*, whoever filled it; a pause goes on."""
        self._layers.clear()
        self._beneath, self._paused_at = level, self.at
        self.level = max(level, self._pause_debt()) if self.rate < inf else 0.0

    def reset(self) -> None:
        """Be as good as new: empty, not paused; nothing of before comes back."""
        self._layers.clear()
        self.level = 0.0
        self._beneath = 0.0
        self._paused_until = -inf

    def restrict(self, remaining: float) -> float:
        """
        Fill the bucket until at most *remaining* fits.

        Returns:
            How much later, in seconds, all are who wait.
        """
        if self.rate == inf:
            return 0.0
        return self._raise_to(self.burst - remaining)

    def change(self, rate: float, burst: float) -> None:
        """Leak at *rate* and hold *burst* from now on; a pause ends when it would."""
        if self.rate == inf:
            self.level = 0.0
            self._paused_until = -inf
        beneath, added = self._without_pause()
        self._measure(rate, burst)
        self._beneath, self._paused_at = beneath, self.at
        debt = self._pause_debt()
        self.level = added + (max(beneath, debt) if debt else beneath)
        if debt:
            # As when it is raised: nothing that the pause put there comes back.
            self._layers.sink(max(0.0, self.level - debt))
        self._settle_floor()

    def copy(self) -> Bucket:
        """Return another bucket that is as full, of which nobody has a mark."""
        other = Bucket(self.rate, self.burst)
        other.at, other.level = self.at, max(0.0, self.level)
        other._beneath, other._paused_at = self._beneath, self._paused_at
        other._paused_until = self._paused_until
        return other

    def forecast(self) -> BucketForecast:
        """Start to think ahead: who waits how long, if nothing else happens."""
        return BucketForecast(self)

    def _pause_debt(self) -> float:
        # What is in the bucket because of a pause: by its end, a full burst.
        left = self._paused_until - self.at
        if left > 0.0 and self.rate < inf:
            return self._debt(left)
        return 0.0

    def _debt(self, seconds: float) -> float:
        # What leaks down to a full burst in so long; inf - inf is no number.
        return min(self.burst + self.rate * seconds, float_info.max)

    def _without_pause(self) -> tuple[float, float]:
        # The level there would be by now without a pause, and apart from that
        # what has been added since it began.
        debt = self._pause_debt()
        if debt == 0.0:
            return self.level, 0.0
        leaked = (self.at - self._paused_at) * self.rate
        beneath = max(0.0, self._beneath - leaked)
        return beneath, self.level - max(beneath, debt)

    def _raise_to(self, level: float) -> float:
        # Had the caller not taken what it now gives back, the level would
        # have been raised all the same.
        if self._layers:
            above = min(self.level - level, self.level - self._floor)
            self._layers.sink(max(0.0, above))
        if level <= self.level:
            return 0.0
        later = (level - self.level) / self.rate
        self.level = level
        return later

    def _measure(self, rate: float, burst: float) -> None:
        self.rate = rate
        self.burst = burst
        self._calm()

    def _calm(self) -> None:
        if self._waited or self._promised or self._layers:
            self.ceiling = -inf
        else:
            # Finite, also without a limit: an infinite amount is none.
            self.ceiling = min(self.burst * (1.0 + ROUNDING), float_info.max)

    def _settle_floor(self) -> None:
        # What has leaked to the floor of before is gone, wherever it is next.
        self._layers.sink(max(0.0, self.level - self._floor))
        self._floor = -LATENESS * self.rate if self._waited and self.rate < inf else 0.0
        if self.level < self._floor:
            self.level = self._floor
        self._layers.sink(self.level - self._floor)


class BucketForecast:
    """What a bucket will admit when, to one after the other."""

    # The level tells it exactly.
    late = 0.0

    __slots__ = ("_ahead", "_bucket")

    def __init__(self, bucket: Bucket) -> None:
        self._bucket = bucket
        self._ahead = 0.0

    def wait(self, amount: float) -> float:
        """Seconds until *amount* fits after all that was taken so far."""
        return max(0.0, self._bucket.wait(self._ahead + amount))

    def take(self, amount: float) -> None:
        """Let *amount* go first."""
        self._ahead += amount

    def play(self, sums: list[float]) -> tuple[list[float], list[float]]:
        """Let many go first, who want as much as *sums* tells up to each of them."""
        self._ahead += sums[-1] if sums else 0.0
        return [], []

    def fork(self) -> BucketForecast:
        """Return another one, that goes on from here by itself."""
        other = BucketForecast(self._bucket)
        other._ahead = self._ahead
        return other
