"""
A bucket and a queue that are too simple to be wrong.

The bucket keeps its whole history and nothing else.  When it becomes known what
an admission really cost, the history is played again with the real amount.  The
queue is a list that is sorted each time somebody asks who is first.
"""

from __future__ import annotations

# Seconds of leaking that a late timer may make up for (design.md, section 4).
CATCH_UP = 0.010
# The model and the limiter add floats in different orders.
SLACK = 1e-9


class History:
    """All that happened to a bucket, and what its level is after it."""

    def __init__(self, rate, burst, now):
        self.first = (rate, burst, now)
        self.events = []
        self.cost = {}
        self.replay()

    def replay(self):
        self.rate, self.burst, self.at = self.first
        self.level = self.floor = 0.0
        self.beneath = 0.0
        self.paused_until = self.at
        for event in self.events:
            event[0](self, *event[1:])

    def happen(self, event, *args):
        """Let something happen, and remember it."""
        self.events.append((event, *args))
        event(self, *args)

    def correct(self, who, cost):
        """It turns out what *who* really cost: play it all again."""
        self.cost[who] = cost
        self.replay()

    # What can happen.

    def leak(self, now):
        if now > self.at:
            leaked = self.rate * (now - self.at)
            self.level = max(self.floor, self.level - leaked)
            self.beneath = max(0.0, self.beneath - leaked)
            self.at = now

    def take(self, who):
        self.level += self.cost[who]

    def book(self, amount):
        self.level += amount

    def err(self, amount):
        """What a pause met is known less exactly: to the careful side."""
        on_top = self.on_top()
        self.level += amount
        self.beneath = self.level - on_top

    def wait(self, somebody):
        """From now on somebody waits, or nobody does."""
        self.floor = -CATCH_UP * self.rate if somebody else 0.0
        self.level = max(self.level, self.floor)

    def pause(self, seconds):
        if seconds > 0.0:
            self.beneath = self.without_pause() + self.on_top()
            self.level = max(self.level, self.burst + self.rate * seconds)
            self.paused_until = max(self.paused_until, self.at + seconds)

    def restrict(self, remaining):
        self.level = max(self.level, self.burst - remaining)

    def limit(self, rate, burst):
        """Keep the level; a pause ends when it would have ended."""
        beneath, on_top = self.without_pause(), self.on_top()
        self.rate, self.burst = rate, burst
        self.beneath = beneath
        self.level = max(beneath, self.pause_debt()) + on_top
        if self.floor < 0.0:
            self.floor = -CATCH_UP * rate
        self.level = max(self.level, self.floor)

    def pause_debt(self):
        """What is there, at least, because of a pause."""
        left = self.paused_until - self.at
        return self.burst + self.rate * left if left > 0.0 else 0.0

    def without_pause(self):
        """What there would be without a pause, of what was there when it began."""
        return self.beneath if self.pause_debt() else self.level

    def on_top(self):
        """What has been added since a pause began."""
        return self.level - max(self.without_pause(), self.pause_debt())

    def clock(self, now):
        """Another clock, which may count from another zero."""
        if now < self.at:
            self.paused_until += now - self.at
            self.at = now


class Promise:
    """What was admitted when; the bound of every stretch of time, checked."""

    def __init__(self):
        self.admitted = []
        self.quiet_since = 0
        self.leaked = 0.0

    def wait(self):
        """Somebody waits: the stretch in which nobody did is over."""
        self.quiet_since = len(self.admitted)

    def admit(self, who, rate, burst):
        """Count *who*, and look back on all stretches that end here."""
        self.admitted.append((who, self.leaked, rate))
        total = 0.0
        for index in range(len(self.admitted) - 1, -1, -1):
            earlier, leaked, rate_then = self.admitted[index]
            total += earlier.counted
            bound = burst + self.leaked - leaked
            if index < self.quiet_since:
                bound += CATCH_UP * rate_then
            slack = SLACK * max(1.0, burst, self.leaked)
            assert total <= bound + slack, (
                f"promise: {total} admitted, {bound} allowed, since {earlier}"
            )

    def waited(self, who):
        """Who had to wait may use what a late timer is allowed."""
        assert self.admitted[-1][0] is who
        self.quiet_since = len(self.admitted)


def place(person, rate):
    """Where in the queue: arrival + the time one's own amount takes to leak."""
    return person.arrived + person.amount / rate


def goes_before(one, other, rate):
    """Whether *one* must be served before *other*; equal amounts in their order."""
    if one.amount == other.amount:
        return one.number < other.number
    mine, theirs = place(one, rate), place(other, rate)
    return mine < theirs - SLACK * max(1.0, abs(theirs))
