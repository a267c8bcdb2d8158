"""
Several limiters, people who want some of each, and a book that is kept of it.

Each event happens to the limiters first.  Then the book is told who was
admitted, and says whether that explains every level, and whether it was lawful.
"""

from __future__ import annotations

from contextlib import contextmanager
from math import inf, ulp

from aiolimiter import (
    AsyncLimiter,
    CombinedLimiter,
    KeyedLimiter,
    RateLimitExceeded,
    SlidingWindowLimiter,
)

from .hand_loop import HandLoop
from .model import CATCH_UP, SLACK, Promise


class Member:
    """One limiter, and what it admitted."""

    def __init__(self, kind, rate, burst):
        self.kind = kind
        self.rate, self.burst = rate, burst
        self.paused_until = -inf
        self.promise = Promise()
        # Counted, so that a key is let go of as soon as it is quiet.
        self.keys = (
            KeyedLimiter(rate, 1, burst=burst, max_keys=1000) if kind == "key" else None
        )
        if kind == "bucket":
            self.limiter = AsyncLimiter(rate, 1, burst=burst)
        elif kind == "key":
            self.limiter = self.keys["this one"]
        else:
            self.limiter = SlidingWindowLimiter(burst, burst / rate)

    @property
    def line(self):
        return self.limiter._line

    def level(self):
        line = self.line
        line.advance()
        return line.meter.level

    def speed_up(self, factor):
        """Another rate; a window admits that much more in its period."""
        if self.kind == "window":
            self.grow(factor)
        else:
            self.rate *= factor
            owner = self.limiter if self.keys is None else self.keys
            owner.max_rate = self.rate

    def grow(self, factor):
        """Hold another burst."""
        self.burst *= factor
        if self.kind == "window":
            self.rate *= factor
            self.limiter.max_rate = self.burst
        else:
            owner = self.limiter if self.keys is None else self.keys
            owner.burst = self.burst

    def pass_by(self):
        """Look at other keys, so that this one is looked at as well."""
        for other in range(0 if self.keys is None else 64):
            self.keys["another", other]

    def pause(self, seconds, now):
        self.limiter.pause(seconds)
        self.paused_until = max(self.paused_until, now + seconds)

    def leak(self, seconds):
        self.promise.leaked += seconds * self.rate

    def fits(self, amount, now):
        """Whether *amount* fits, beyond all doubt."""
        meter = self.line.meter
        return now >= self.paused_until and meter.wait(amount) < -SLACK

    def admit(self, share, now):
        """See that one more was lawful."""
        assert now >= self.paused_until - SLACK, "admitted while paused"
        if self.kind == "window":
            self._admit_in_window(share, now)
        else:
            self.promise.wait()
            self.promise.admit(share, self.rate, self.burst)

    def _admit_in_window(self, share, now):
        log = self.promise.admitted
        log.append((share, now))
        period = self.limiter.time_period
        total = sum(earlier.counted for earlier, at in log if at - now > SLACK - period)
        assert total <= self.burst * (1.0 + SLACK), "too much in a window"


class Share:
    """What somebody wants from one member, and what of it counts."""

    def __init__(self, amount):
        self.amount = self.counted = amount


class Guest:
    """Somebody who wants something from each of several members."""

    def __init__(self, number, amounts, kind, arrived, max_wait):
        self.number = number
        self.amounts = amounts
        self.shares = {name: Share(amount) for name, amount in amounts.items()}
        self.kind = kind
        self.arrived = arrived
        self.deadline = inf if max_wait is None else arrived + max_wait
        self.max_wait = max_wait
        self.state = "new"
        self.entered = self.settled = False
        self.reservation = self.stay = self.task = self.turn = None
        # When, and as which of all; and what it found when it came.
        self.admitted_at = self.place = None
        self.found = {}
        self.admitted_before = 0

    def __repr__(self):
        return f"<{self.kind} {self.amounts} no. {self.number}: {self.state}>"

    def needs(self, other):
        """Whether both want something from the same member."""
        return not self.amounts.keys().isdisjoint(other.amounts)


class Crowd:
    """Members, and all who want something from them."""

    def __init__(self, members, now=0.0):
        self.loop = HandLoop(now)
        self.members = members
        self.people = []
        # Whose level the present event moves by more than admitting; and what
        # it gives back to whom.
        self.moved = set()
        self.back = {}
        self.at = now
        self.levels = self._look()
        # Whether all limits are still what they were at first.
        self.unchanged = True
        self.closing = False
        self.admitted = 0

    # What people do.

    def come(self, amounts, kind="acquire", max_wait=None):
        """Somebody comes and asks."""
        guest = Guest(len(self.people), amounts, kind, self.loop.now, max_wait)
        with self._event():
            guest.found, guest.admitted_before = self.levels, self.admitted
            soonest, latest = self._foresee(guest)
            self.people.append(guest)
            guest.task = self.loop.begin(self._visit(guest))
            if max_wait is not None and not guest.entered:
                self._judge(guest, soonest, latest)
            if not guest.task.done() and not guest.entered:
                guest.turn = guest.task._fut_waiter
                guest.state = "waiting"
        return guest

    def _foresee(self, guest):
        # Behind those who are surely ahead of it and will not give up, and behind
        # all who may be.
        key, waiting = self.key(guest), self.waiting()
        grain = SLACK + 4.0 * ulp(key)
        sure = [
            other
            for other in waiting
            if len(other.amounts) == 1
            and other.max_wait is None
            and self.key(other) < key - grain
        ]
        possible = [other for other in waiting if self.key(other) <= key + grain]
        with self.loop.running():
            return self._wait_behind(sure, guest), self._wait_behind(possible, guest)

    def _wait_behind(self, ahead, guest):
        waits = []
        for name, amount in guest.amounts.items():
            forecast = self.members[name].line.meter.forecast()
            for other in sorted(ahead, key=self.key):
                if name in other.amounts:
                    forecast.take(other.amounts[name])
            waits.append(forecast.wait(amount))
        return max(waits)

    def _judge(self, guest, soonest, latest):
        slack = SLACK + 8.0 * ulp(self.loop.now)
        if not guest.task.done():
            told = "hopeless, and not refused"
            assert soonest <= guest.max_wait + slack or not self.unchanged, told
        elif isinstance(guest.task.exception(), RateLimitExceeded):
            told = "refused, and would be in time"
            assert latest >= guest.max_wait - slack or not self.unchanged, told

    def ask(self, amounts):
        """Somebody asks who will not wait."""
        guest = Guest(len(self.people), amounts, "ask", self.loop.now, None)
        with self._event(), self.loop.running():
            decision = self._limiter(amounts).try_acquire(**amounts)
            guest.entered = bool(decision)
            if decision:
                self.people.append(guest)
            else:
                assert decision.retry_after > 0.0
        return decision

    def cancel(self, guest):
        with self._event(), self.loop.running():
            guest.task.cancel()
            if guest.state == "waiting":
                guest.state = "leaving"

    def settle(self, guest, actuals):
        """Somebody who is inside tells what it really cost."""
        with self._event(), self.loop.running():
            for name, actual in actuals.items():
                share = guest.shares[name]
                share.counted = min(share.amount, actual)
                if actual < share.amount:
                    self._give_back(guest, name, share.amount - actual)
                else:
                    self.back[name] = self.back.get(name, 0.0) + share.amount - actual
            guest.reservation.settle(**actuals)
            guest.settled = True

    def leave(self, guest):
        with self._event(), self.loop.running():
            guest.stay.set_result(None)
            guest.state = "gone"

    def _limiter(self, amounts):
        members = {name: self.members[name].limiter for name in amounts}
        return CombinedLimiter(**members)

    async def _visit(self, guest):
        limiter = self._limiter(guest.amounts)
        if guest.kind == "acquire":
            await limiter.acquire(max_wait=guest.max_wait, **guest.amounts)
            guest.entered = True
            return
        if guest.kind == "single":
            (name,) = guest.amounts
            limiter = self.members[name].limiter
            await limiter.acquire(guest.amounts[name], max_wait=guest.max_wait)
            guest.entered = True
            return
        block = limiter.reserve(max_wait=guest.max_wait, **guest.amounts)
        async with block as guest.reservation:
            guest.entered = True
            if not self.closing:
                guest.stay = self.loop.create_future()
                await guest.stay

    # What happens to the members.

    def pause(self, name, seconds):
        with self._event(), self.loop.running():
            self.moved.add(name)
            self.members[name].pause(seconds, self.loop.now)

    def restrict(self, name, remaining):
        with self._event(), self.loop.running():
            self.moved.add(name)
            self.members[name].limiter.restrict(remaining)

    def change(self, name, what, factor):
        with self._event(), self.loop.running():
            self.moved.add(name)
            self.unchanged = False
            getattr(self.members[name], what)(factor)

    def busy(self, seconds):
        """The clock goes on, and the loop is too busy to look at it."""
        self.loop.now += seconds

    def fire(self):
        """The first timer fires, whatever time it is."""
        with self._event():
            self.loop.fire()

    def turn(self):
        """The next callback runs."""
        with self._event():
            self._run_one()

    def sleep(self, seconds):
        """Let time pass, and everything happen that is due by then."""
        end = self.loop.now + seconds
        with self.loop.running():
            for member in self.members.values():
                member.pass_by()
        for _ in range(5000):
            while self.loop.ready:
                self.turn()
            alarm = self.loop.alarm()
            # A timer for now is set for the next instant a clock can tell.
            if alarm is None or alarm > end + 2.0 * SLACK + 64.0 * ulp(end):
                break
            self.loop.now = max(self.loop.now, alarm)
            self.fire()
        assert not self.loop.ready, "the loop never comes to rest"
        self._check_rest()
        self.loop.now = max(self.loop.now, end)

    def _run_one(self):
        self.loop.run(self.loop.ready.popleft())
        for guest in self.people:
            if guest.state == "granted" and guest.entered:
                guest.state = "gone" if guest.task.done() else "inside"
            elif guest.state == "granted" and guest.task.done():
                guest.state = "gone"
                for name, share in guest.shares.items():
                    share.counted = 0.0
                    self._give_back(guest, name, share.amount)
            elif guest.state == "leaving" and guest.task.done():
                guest.state = "gone"

    def _give_back(self, guest, name, amount):
        # What has leaked since, or was met by a pause or a word, is gone.
        if self.loop.now == guest.admitted_at and name not in guest.vague:
            self.back[name] = self.back.get(name, 0.0) + amount
        else:
            self.moved.add(name)

    # What the book says to it.

    def waiting(self):
        return [guest for guest in self.people if guest.state == "waiting"]

    def _look(self):
        with self.loop.running():
            return {name: member.level() for name, member in self.members.items()}

    @contextmanager
    def _event(self):
        self._pass()
        self.moved, self.back = set(), {}
        yield
        taken = self._book()
        self._explain(taken)

    def _pass(self):
        # Since the last event nothing happened but leaking.
        seconds = self.loop.now - self.at
        self.at = self.loop.now
        levels = self._look()
        for name, member in self.members.items():
            member.leak(seconds)
            before, after = self.levels[name], levels[name]
            slack = SLACK * max(1.0, abs(before))
            assert after <= before + slack, f"{name} rose by itself"
            if member.kind != "window":
                least = before - seconds * member.rate
                assert after >= least - slack, f"{name} fell faster than it leaks"
                assert after <= max(0.0, least) + slack, f"{name} did not leak"
                assert after >= -CATCH_UP * member.rate - slack
        self.levels = levels

    def _book(self):
        """Find who was admitted, and return what that took from each member."""
        taken = dict.fromkeys(self.members, 0.0)
        for guest in self.people:
            if self._is_admitted(guest):
                for name, amount in guest.amounts.items():
                    taken[name] += amount
                self._admit(guest)
            elif guest.state in {"new", "waiting"} and guest.task.done():
                self._refused(guest, guest.task.exception())
            elif guest.state == "waiting" and guest.turn.done():
                self._refused(guest, guest.turn.exception())
        return taken

    def _is_admitted(self, guest):
        if guest.state == "new":
            return guest.entered
        if guest.state != "waiting" or not guest.turn.done():
            return False
        return not guest.turn.cancelled() and guest.turn.exception() is None

    def _admit(self, guest):
        now = self.loop.now
        assert now <= guest.deadline + CATCH_UP + SLACK, "too late"
        for name, share in guest.shares.items():
            self.members[name].admit(share, now)
        for other in self.people[: guest.number]:
            # Of one instant, in different queues, who comes first is open.
            overtaken = (
                self.unchanged
                and other.state == "waiting"
                and other.amounts == guest.amounts
                and other.arrived < guest.arrived
            )
            assert not overtaken or self._is_admitted(other), "an equal one is passed"
        if guest.state == "waiting":
            guest.state = "granted"
        else:
            guest.state = "inside" if guest.kind == "reserve" else "gone"
        guest.admitted_at, guest.place = now, self.admitted
        self.admitted += 1
        guest.vague = set()

    def _refused(self, guest, error):
        if isinstance(error, ValueError):
            assert any(
                amount > self.members[name].burst
                for name, amount in guest.amounts.items()
            ), "it could still be had"
        else:
            assert isinstance(error, RateLimitExceeded), error
            if guest.state == "waiting":
                assert self.loop.now >= guest.deadline - SLACK, "refused too early"
        guest.state = "refused"

    def _explain(self, taken):
        before, self.levels = self.levels, self._look()
        for guest in self.people:
            if guest.admitted_at == self.loop.now:
                guest.vague |= self.moved
        for name in self.members.keys() - self.moved:
            amount = taken[name] - self.back.get(name, 0.0)
            after, least = self.levels[name], before[name] + amount
            most = max(0.0, before[name]) + amount
            if self.back.get(name):
                # Credit that has lapsed since doesn't come back either.
                most += CATCH_UP * self.members[name].rate
            slack = SLACK * max(1.0, abs(after), abs(before[name]))
            told = f"{name}: {before[name]} + {amount} is not {after}"
            assert least - slack <= after <= most + slack, told

    def key(self, guest):
        """Where it goes: its arrival plus its shortest leaking time."""
        return guest.arrived + min(
            amount / self.members[name].rate for name, amount in guest.amounts.items()
        )

    def _check_rest(self):
        """Everything due by now has happened; who then still waits has a reason."""
        waiting = self.waiting()
        for guest in waiting:
            assert guest.deadline > self.loop.now - SLACK, "waits beyond max_wait"
        with self.loop.running():
            told = [member.limiter.statistics() for member in self.members.values()]
            if self.unchanged:
                for guest in waiting:
                    assert not self._must_go(guest, waiting), f"stranded: {guest}"
            for member in self.members.values():
                queue = member.line.queue
                amount = sum(waiter.amount for waiter in queue)
                for told_amount in (queue.amount, queue.ahead(inf)):
                    assert abs(told_amount - amount) <= SLACK * max(1.0, amount)
        assert sum(one.waiting for one in told) == len(waiting)
        occupied = sum(one.waiting > 0 for one in told)
        assert len(self.loop.timers) == occupied, "who waits has one timer"
        self._check_statistics(told)

    def _check_statistics(self, told):
        """Together they tell what they tell alone."""
        limiter = CombinedLimiter(*(m.limiter for m in self.members.values()))
        with self.loop.running():
            found = limiter.statistics()
        least = min(told, key=lambda one: one.available)
        waits = [one.seconds_to_next for one in told if one.seconds_to_next is not None]
        assert found == (
            least.level,
            least.available,
            sum(one.waiting for one in told),
            sum(one.amount_waiting for one in told),
            min(waits, default=None),
        )

    def _must_go(self, guest, waiting):
        key = self.key(guest)
        last = key + SLACK + 4.0 * ulp(key)
        ahead = any(
            other is not guest and guest.needs(other) and self.key(other) <= last
            for other in waiting
        )
        return not ahead and all(
            self.members[name].fits(amount, self.loop.now)
            for name, amount in guest.amounts.items()
        )

    # The end.

    def finish(self):
        """Let everything come to rest: nobody is stranded, nothing stays behind."""
        self.sleep(0.0)
        self.closing = True
        for guest in self.people:
            if guest.state == "inside":
                self.leave(guest)
        self.sleep(1e9)
        for guest in self.people:
            assert guest.state in {"gone", "refused"}, f"stranded: {guest}"
            assert guest.kind == "ask" or guest.task.done()
        assert not self.loop.timers, "an idle limiter holds a timer"
        for member in self.members.values():
            self._check_empty(member)

    def _check_empty(self, member):
        with self.loop.running():
            line = member.line
            assert line.promises is None
            assert line.needed == 0
            assert line.queue.head() is None
            assert (line.queue.waiting, line.queue.amount) == (0, 0.0)
            if member.kind != "window":
                assert not line.meter._layers, "still remembers an admission"
            assert not line.meter._promised, "the fast path stays closed"
            found = member.limiter.statistics()
            assert found == (0.0, member.burst, 0, 0.0, None), found
            assert member.limiter.try_acquire(member.burst)
            assert not member.limiter.try_acquire(member.burst / 1024)
            assert member.keys is None or len(member.keys) == 1
