"""A limiter of either kind, who comes to it when, and what becomes of them."""

from __future__ import annotations

import pytest
from hypothesis import strategies as st

from aiolimiter import AsyncLimiter, RateLimitExceeded, SlidingWindowLimiter

from .hand_loop import HandLoop


class Counter:
    """A limiter on a loop that is turned by hand, whose timers ring as they should."""

    def __init__(self, kind, max_rate, period, start=0.0):
        self.loop = HandLoop(start)
        self.limiter = kind(max_rate, period)
        self.ends = []
        self.debts = []

    def call(self, verb, *args):
        """Call a verb that does not wait."""
        with self.loop.running():
            return getattr(self.limiter, verb)(*args)

    def change(self, name, value):
        """Set one of the limiter's numbers."""
        with self.loop.running():
            setattr(self.limiter, name, value)

    def come(self, amount=1.0, max_wait=None):
        """Somebody waits; `ends` will have (what came of it, when) at the index."""
        index = len(self.ends)
        self.ends.append(None)

        async def visit():
            try:
                await self.limiter.acquire(amount, max_wait=max_wait)
            except (RateLimitExceeded, ValueError) as error:
                self.ends[index] = (type(error), self.loop.now)
            else:
                self.ends[index] = ("admitted", self.loop.now)

        self.loop.begin(visit())
        return index

    def enter(self, amount=0.0):
        """Somebody reserves *amount*, and stays inside."""

        async def visit():
            async with self.limiter.reserve(amount) as reservation:
                self.debts.append(reservation)
                await self.loop.create_future()

        return self.loop.begin(visit())

    def owe(self, amount):
        """The last one inside settles for *amount*, if there is one left."""
        if self.debts:
            with self.loop.running():
                self.debts.pop().settle(amount)

    def refused(self, waiting):
        """Return the error with which *waiting* is refused at once."""
        with self.loop.running(), pytest.raises(RateLimitExceeded) as caught:
            waiting.send(None)
        return caught.value

    def sleep(self, seconds):
        """Let time pass, and everything happen that is due by then."""
        end = self.loop.now + seconds
        self.run()
        while (alarm := self.loop.alarm()) is not None and alarm <= end:
            self.ring()
        self.loop.now = end

    def ring(self):
        """Go to the next timer."""
        self.loop.now = max(self.loop.now, self.loop.alarm())
        self.loop.fire()
        self.run()

    def run(self):
        """Run all that is ready."""
        while self.loop.ready:
            self.loop.run(self.loop.ready.popleft())

    def rest(self):
        """Let everybody have their turn."""
        self.run()
        for _ in range(10_000):
            if not self.loop.timers:
                break
            self.ring()
        assert None not in self.ends, "stranded"


# In quarters of a second, so that what happens at one instant is common.
QUARTERS = st.integers(0, 20).map(lambda quarters: quarters / 4)
# But nobody is due to the instant at the deadline, where rounding decides.
PATIENCE = st.one_of(st.none(), QUARTERS.map(lambda quarters: quarters + 0.0137))
KINDS = st.sampled_from([AsyncLimiter, SlidingWindowLimiter])

# What may happen to those who wait, before somebody else comes.
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("come"), PATIENCE),
        st.tuples(st.just("come"), PATIENCE),
        st.tuples(st.just("sleep"), QUARTERS),
        st.tuples(st.just("pause"), QUARTERS),
        st.tuples(st.just("restrict"), st.integers(0, 2)),
        st.tuples(st.just("owe"), st.integers(0, 4)),
        st.tuples(st.just("period"), st.sampled_from([1.0, 2.0, 6.0])),
    ),
    max_size=10,
)


def played(kind, steps, between=lambda counter: None, start=0.0):
    """A counter of 2 in 2 seconds at which all *steps* have happened."""
    counter = Counter(kind, 2.0, 2.0, start)
    counter.inside = counter.enter()
    play(counter, steps, between)
    return counter


def play(counter, steps, between=lambda counter: None):
    """Let all *steps* happen."""
    for step, how in steps:
        between(counter)
        if step == "come":
            counter.come(1.0, how)
        elif step == "sleep":
            counter.sleep(how)
        elif step == "owe":
            counter.owe(float(how))
        elif step == "period":
            counter.change("time_period", how)
        else:
            counter.call(step, float(how))
