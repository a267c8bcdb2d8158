"""
A limiter, people who use it, and a model that watches.

Each event happens to the limiter first; then the model is told what came of it,
and says whether that was lawful.
"""

from __future__ import annotations

from math import inf

from aiolimiter import AsyncLimiter, RateLimitExceeded

from .hand_loop import HandLoop
from .model import CATCH_UP, SLACK, History, Promise, goes_before, place


class Person:
    """Somebody who wants an amount, and how far that got."""

    def __init__(self, number, amount, kind, arrived, max_wait):
        self.number = number
        self.amount = amount
        self.kind = kind
        self.arrived = arrived
        self.deadline = inf if max_wait is None else arrived + max_wait
        self.max_wait = max_wait
        self.counted = amount
        self.state = "new"
        self.entered = False
        self.settled = False
        self.reservation = None
        self.stay = None
        self.task = None
        self.turn = None
        # When it must be admitted, if nothing happened since.
        self.foretold = None

    def __repr__(self):
        return f"<{self.kind} {self.amount} no. {self.number}: {self.state}>"


class World:
    """One `AsyncLimiter` on a loop that is turned by hand."""

    def __init__(self, rate=100.0, burst=2.0, now=0.0):
        self.loop = HandLoop(now)
        self.limiter = AsyncLimiter(rate, 1.0, burst=burst)
        self.history = History(rate, burst, now)
        self.promise = Promise()
        self.people = []
        self.came = 0
        self.woken = []
        # Whether a pause has met a change of the limit, or something settled;
        # and whether that is so now.
        self.blurred = self.blurs = False

    # What people do.

    def arrive(self, amount, kind="acquire", max_wait=None):
        """Somebody comes and asks."""
        self._advance()
        person = Person(self.came, amount, kind, self.loop.now, max_wait)
        self.came += 1
        self.people.append(person)
        rivals = [other for other in self._waiting() if other is not person]
        person.task = self.loop.begin(self._visit(person))
        if person.entered:
            self._admitted_at_once(person, rivals)
        elif person.task.done():
            self._refused_at_once(person, rivals)
        else:
            self._joined(person, rivals)
        self._observe()
        return person

    def cancel(self, person):
        """Somebody is no longer interested."""
        with self.loop.running():
            person.task.cancel()
        if person.state == "waiting":
            person.state = "leaving"

    def leave(self, person):
        """Somebody who is inside goes."""
        with self.loop.running():
            person.stay.set_result(None)
        person.state = "gone"

    def settle(self, person, actual):
        """Somebody who is inside tells what it really cost."""
        self._advance()
        with self.loop.running():
            person.reservation.settle(actual)
        person.settled = True
        person.counted = min(person.amount, actual)
        if actual < person.amount:
            self._correct(person, actual)
        else:
            self.history.happen(History.book, actual - person.amount)
        self._observe()

    def _correct(self, person, cost):
        self.blurs = self.blurred = self.blurred or self.history.pause_debt() > 0.0
        self.history.correct(person, cost)

    async def _visit(self, person):
        limiter = self.limiter
        if person.kind == "acquire":
            await limiter.acquire(person.amount, max_wait=person.max_wait)
            self._enter(person)
        elif person.kind == "with":
            async with limiter:
                self._enter(person)
        else:
            block = limiter.reserve(person.amount, max_wait=person.max_wait)
            async with block as person.reservation:
                self._enter(person)
                person.stay = self.loop.create_future()
                await person.stay

    def _enter(self, person):
        person.entered = True
        self.woken.append(person)

    # What happens to the limiter.

    def pause(self, seconds):
        self._advance()
        with self.loop.running():
            self.limiter.pause(seconds)
        self.history.happen(History.pause, seconds)
        self._observe()

    def restrict(self, remaining):
        self._advance()
        with self.loop.running():
            self.limiter.restrict(remaining)
        self.history.happen(History.restrict, remaining)
        self._observe()

    def set_rate(self, rate):
        """Another rate; the burst was set by itself and stays."""
        self._advance()
        with self.loop.running():
            self.limiter.max_rate = rate
        self._limit(rate, self.history.burst)

    def set_burst(self, burst):
        self._advance()
        with self.loop.running():
            self.limiter.burst = burst
        self._limit(self.history.rate, burst)

    def _limit(self, rate, burst):
        self.blurs = self.blurred = self.blurred or self.history.pause_debt() > 0.0
        self.history.happen(History.limit, rate, burst)
        self._observe()

    def pass_time(self, seconds):
        """The clock goes on, and the loop is too busy to look at it."""
        self.loop.now += seconds

    def fire(self):
        """The timer fires, whatever time it is: everybody due is granted."""
        self.loop.fire()
        self._advance()
        self._observe()
        head = self._head()
        assert head is None or not self._surely_fits(head.amount), "due, not granted"
        for person in self._waiting():
            assert person.deadline > self.loop.now, "waits beyond max_wait"

    def run_one(self):
        """The next callback runs."""
        self._advance()
        self.woken.clear()
        self.loop.run(self.loop.ready.popleft())
        for person in self.people:
            self._follow_up(person)
        self._observe()

    def _follow_up(self, person):
        done = person.task.done()
        if person.state == "granted" and person.entered:
            person.state = "inside" if person.kind == "reserve" else "gone"
        elif person.state == "granted" and done:
            # Cancelled after its grant and before it ran: settled to 0.
            person.state = "gone"
            person.counted = 0.0
            self._correct(person, 0.0)
        elif done:
            assert person.entered or person.state in {"leaving", "refused", "gone"}
            person.state = "gone"

    def run_all(self):
        """The loop goes round until no callback is left."""
        for _ in range(10_000):
            if not self.loop.ready:
                break
            self.run_one()
        assert not self.loop.ready
        self._check_timers()

    def move(self, now):
        """The loop is closed; another one goes on, by a clock of its own."""
        # By another clock nobody could tell when it was last looked at.
        self.check_statistics()
        self.loop.close()
        self.loop = HandLoop(now)
        self.history.happen(History.wait, False)  # noqa: FBT003 -- nobody does
        self.history.happen(History.clock, now)
        # Looking is enough for the limiter to follow.
        for person in self.people:
            person.state = "gone"
        self.check_statistics()
        # Now the tasks of the old loop are thrown away, wherever they were.
        self.people.clear()

    # What the model says to it.

    def _advance(self):
        elapsed = self.loop.now - self.history.at
        if elapsed > 0.0:
            self.promise.leaked += elapsed * self.history.rate
            self.history.happen(History.leak, self.loop.now)

    def _waiting(self):
        return [person for person in self.people if person.state == "waiting"]

    def _head(self):
        head = None
        for person in self._waiting():
            if head is None or goes_before(person, head, self.history.rate):
                head = person
        return head

    def _room(self, amount):
        return self.history.burst - self.history.level - amount

    def _slack(self):
        return SLACK * max(1.0, self.history.burst, abs(self.history.level))

    def _surely_fits(self, amount):
        return self._room(amount) > self._slack()

    def _may_fit(self, amount):
        return self._room(amount) >= -self._slack()

    def _wait(self, amount):
        return max(0.0, -self._room(amount)) / self.history.rate

    def _admitted_at_once(self, person, rivals):
        rate = self.history.rate
        assert not any(goes_before(rival, person, rate) for rival in rivals), "order"
        self._take(person)
        if self.history.floor:
            self.promise.wait()
        person.state = "inside" if person.kind == "reserve" else "gone"

    def _refused_at_once(self, person, rivals):
        error = person.task.exception()
        assert isinstance(error, RateLimitExceeded), error
        rate = self.history.rate
        ahead = [p for p in rivals if not goes_before(person, p, rate)]
        wait = self._wait_behind(ahead, person.amount, SLACK)
        assert wait > person.max_wait - SLACK, "refused, and would be in time"
        person.state = "gone"

    def _joined(self, person, rivals):
        person.turn = person.task._fut_waiter
        rate = self.history.rate
        if all(goes_before(person, rival, rate) for rival in rivals):
            assert not self._surely_fits(person.amount), "fits, and has to wait"
        if person.max_wait is not None:
            ahead = [p for p in rivals if goes_before(p, person, rate)]
            wait = self._wait_behind(ahead, person.amount, -SLACK)
            assert wait <= person.max_wait + SLACK, "hopeless, and not refused"
        person.state = "waiting"
        self.promise.wait()
        if not self.history.floor:
            self.history.happen(History.wait, True)  # noqa: FBT003 -- somebody does

    def _wait_behind(self, ahead, amount, patience):
        # Who will have to give up is in the way until then, and takes nothing;
        # for the cases that rounding decides, everybody has some *patience*.
        total = least = 0.0
        for other in sorted(ahead, key=self._key):
            wait = max(least, self._wait(total + other.amount))
            left = other.deadline - self.history.at
            if wait <= left + patience:
                total, least = total + other.amount, wait
            else:
                least = max(least, left)
        return max(least, self._wait(total + amount))

    def _key(self, person):
        return place(person, self.history.rate), person.number

    def _observe(self):
        """See who was granted and who was refused, and whether it is lawful."""
        granted = []
        for person in self._waiting():
            if not person.turn.done():
                continue
            error = person.turn.exception()
            if error is None:
                granted.append(person)
            else:
                self._refused(person, error)
        while granted:
            first = granted[0]
            for person in granted:
                if goes_before(person, first, self.history.rate):
                    first = person
            granted.remove(first)
            rivals = [p for p in self._waiting() if p not in granted]
            rate = self.history.rate
            assert not any(goes_before(p, first, rate) for p in rivals), "order"
            self._take(first)
            self.promise.waited(first)
            first.state = "granted"
        # Cancelled and not yet run: the last one out may still keep the door open.
        open_door = self.limiter._line.meter.waited and any(
            person.state == "leaving" for person in self.people
        )
        if self.history.floor and not self._waiting() and not open_door:
            self.history.happen(History.wait, False)  # noqa: FBT003 -- nobody does
        if self.blurs:
            self._sharpen()

    def _sharpen(self):
        # What comes back while paused, and how much there was beneath a pause,
        # a limiter need not know exactly; but it errs to the careful side.
        self.blurs = False
        meter = self.limiter._line.meter
        assert meter.at == self.loop.now
        careful = meter.level - self.history.level
        assert careful >= -self._slack(), "more came back than was taken"
        if careful > self._slack():
            self.history.happen(History.err, careful)

    def _refused(self, person, error):
        if isinstance(error, ValueError):
            assert person.amount > self.history.burst, "it could still be had"
        else:
            assert isinstance(error, RateLimitExceeded), error
            assert self.loop.now >= person.deadline - SLACK, "refused too early"
        person.state = "refused"

    def _take(self, person):
        assert self._may_fit(person.amount), f"before its time: {person}"
        assert self.loop.now <= person.deadline + CATCH_UP + SLACK, "too late"
        self.history.cost[person] = person.amount
        self.history.happen(History.take, person)
        self.promise.admit(person, self.history.rate, self.history.burst)

    # Laws of a moment in which every callback has run.

    def _check_timers(self):
        waiting = self._waiting()
        timers = self.loop.timers
        if not waiting:
            assert not timers, "an idle limiter holds a timer"
            return
        assert len(timers) == 1, "one timer"
        due = self.history.at + self._wait(self._head().amount)
        due = min([due, *(person.deadline for person in waiting)])
        latest = max(due, self.loop.now) + SLACK * max(1.0, abs(due))
        assert self.loop.alarm() <= latest, "stranded: the timer comes too late"

    def check_statistics(self):
        """What the limiter tells about itself is what the model knows."""
        self._advance()
        with self.loop.running():
            told = self.limiter.statistics()
        waiting, slack = self._waiting(), self._slack()
        assert abs(told.level - max(0.0, self.history.level)) <= slack
        room = min(self.history.burst, max(0.0, self._room(0.0)))
        assert abs(told.available - room) <= slack
        amount = sum(person.amount for person in waiting)
        assert told.waiting == len(waiting)
        assert abs(told.amount_waiting - amount) <= SLACK * max(1.0, amount)
        # None as well when all who wait will have to give up.
        assert waiting or told.seconds_to_next is None
        return told

    # The end.

    def finish(self):
        """Let everything come to rest; nobody is stranded and nothing is lost."""
        self.run_all()
        for _ in range(10_000):
            told = self.check_statistics()
            if not self.loop.timers:
                break
            self._step(told)
        assert not self._waiting(), "stranded"
        for person in self.people:
            if person.state == "inside":
                self.leave(person)
        self.run_all()
        assert all(person.task.done() for person in self.people)
        self.check_at_rest()

    def _step(self, told):
        # On to the timer, on time; and see that the next grant was foretold.
        before = len(self.promise.admitted)
        wait = told.seconds_to_next
        foretold = inf if wait is None else self.loop.now + wait
        self.loop.now = max(self.loop.now, self.loop.alarm())
        self.fire()
        slack = SLACK * max(1.0, self.loop.now)
        if len(self.promise.admitted) > before:
            late = abs(self.loop.now - foretold)
            told_in_time = late <= slack or self._at_a_deadline(slack)
            assert told_in_time, "the next grant came at another time than told"
        else:
            assert self.loop.now < foretold + slack, "told, and not granted"
        self.run_all()

    def _at_a_deadline(self, slack):
        # Due to the instant at the deadline, rounding decides who is granted.
        person = self.promise.admitted[-1][0]
        return abs(person.deadline - self.loop.now) <= slack

    def check_at_rest(self):
        """A quiet bucket drains to 0, then holds its burst, and not more."""
        history = self.history
        self.loop.now += max(0.0, history.level / history.rate) + 1.0
        told = self.check_statistics()
        assert told == (0.0, history.burst, 0, 0.0, None)
        assert not self.limiter._line.meter._layers, "still remembers an admission"
        with self.loop.running():
            assert self.limiter.try_acquire(history.burst)
            assert not self.limiter.try_acquire(history.burst / 1024)
