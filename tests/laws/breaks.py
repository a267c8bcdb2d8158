"""One-line breaks of the laws; see `mutants`."""

from __future__ import annotations

from typing import NamedTuple


class Break(NamedTuple):
    """What a break means, where it is, and the laws that may know of it."""

    meaning: str
    file: str
    line: str
    instead: str
    laws: str


def _breaks(file, laws, *lines):
    return [Break(meaning, file, line, new, laws) for meaning, line, new in lines]


# The cheapest laws come first.
FORETOLD = "test_waiting_laws.py test_max_wait_laws.py test_outlook_laws.py"
WAITING = f"{FORETOLD} test_change_laws.py test_exploration.py test_machine.py"
ARITHMETIC = f"test_layers_laws.py test_bucket_laws.py {WAITING}"
MANY = "test_many_laws.py"
CHANGES = "test_keyed_change_laws.py"
COMBINED = "test_combined_laws.py"
FLEET = (
    "fleet/test_lows.py fleet/test_slots.py fleet/test_worth.py fleet/test_shared.py"
)
CHANGED = "fleet/test_changed.py fleet/test_lows.py fleet/test_slots.py"
GROWTH = "./test_growth.py"
# On a real server.
SCRIPT = "fleet/test_redis_script.py fleet/test_redis_limiter.py"
ALL_LAWS = f"{ARITHMETIC} {MANY} {COMBINED} test_window_laws.py"

BREAKS = [
    *_breaks(
        "_core/bucket.py",
        ARITHMETIC,
        (
            "ten times as much is made up for",
            "LATENESS = 0.010",
            "LATENESS = 0.100",
        ),
        ("nothing is made up for", "LATENESS = 0.010", "LATENESS = 0.0"),
        (
            "on the fast path it fills instead of leaking",
            "level -= (now - self.at) * self.rate",
            "level += (now - self.at) * self.rate",
        ),
        (
            "it leaks twice as fast",
            "level = self.level - (now - self.at) * self.rate",
            "level = self.level - (now - self.at) * self.rate * 2",
        ),
        (
            "it leaks below empty",
            "self.level = level if level > self._floor else self._floor",
            "self.level = level",
        ),
        (
            "a clock that steps back fills it",
            "        if now > self.at:\n            level = self.level",
            "        if now != self.at:\n            level = self.level",
        ),
        (
            "the amount is not counted",
            "over = self.level + amount - self.burst\n        if 0.0",
            "over = self.level - self.burst\n        if 0.0",
        ),
        (
            "sums may not round",
            "if 0.0 < over <= self.burst * ROUNDING or self.rate == inf:",
            "if self.rate == inf:",
        ),
        (
            "one more than the burst fits",
            "self.ceiling = min(self.burst * (1.0 + ROUNDING), float_info.max)",
            "self.ceiling = self.burst + 1.0",
        ),
        (
            "the fast path is open while something can be given back",
            "        self.ceiling = -inf\n        return layer",
            "        return layer",
        ),
        (
            "what leaked before an admission can still come back",
            "        if self._layers:\n            self._layers.sink",
            "        if self._layers is None:\n            self._layers.sink",
        ),
        (
            "all comes back, leaked or not",
            "        self.level -= back\n",
            "        self.level -= amount\n",
        ),
        (
            "after a pause there is a burst",
            "self._raise_to(self._debt(seconds))",
            "self._raise_to(self._debt(seconds) - self.burst)",
        ),
        (
            "the last pause wins, not the longest",
            "self._paused_until = max(self._paused_until, self.at + seconds)",
            "self._paused_until = self.at + seconds",
        ),
        (
            "a pause has no deadline when the rate changes",
            "self.level = added + (max(beneath, debt) if debt else beneath)",
            "self.level = added + beneath",
        ),
        (
            "a word may make less careful",
            "self._raise_to(self.burst - remaining)",
            "self.level = self.burst - remaining",
        ),
        (
            "what a pause or a word put there comes back",
            "            self._layers.sink(max(0.0, above))",
            "            pass",
        ),
        (
            "the credit does not lapse when nobody waits",
            "-LATENESS * self.rate if self._waited and self.rate < inf else 0.0",
            "-LATENESS * self.rate if self.rate < inf else 0.0",
        ),
        (
            "what leaked under the old floor comes back",
            "        self._layers.sink(max(0.0, self.level - self._floor))\n",
            "",
        ),
        (
            "a refusal changes the level",
            "        if self.ceiling > -inf:\n            self.level = level\n",
            "        if self.ceiling > -inf:\n            self.level = level + 1.0\n",
        ),
        (
            "a limit that comes back knows of the pause",
            "            self._paused_until = -inf\n        beneath",
            "        beneath",
        ),
        (
            "what was taken without a limit is owed",
            "        if self.rate == inf:\n            self.level = 0.0\n",
            "        if self.rate == inf:\n",
        ),
        (
            "a pause counts without a limit",
            "if not seconds > 0.0 or self.rate == inf:",
            "if not seconds > 0.0:",
        ),
        (
            "a credit for lateness is available to all",
            "return left if left < self.burst else self.burst",
            "return left",
        ),
        (
            "a pause moves when the rate changes",
            "self._beneath, self._paused_at = beneath, self.at\n        debt",
            "self._paused_until += 0.5\n        debt",
        ),
    ),
    *_breaks(
        "_core/layers.py",
        ARITHMETIC,
        (
            "water of a closed admission is forgotten",
            "            layer.above.water += layer.water",
            "            pass",
        ),
        (
            "a dry layer forgets who holds it",
            "        below.holders += layer.holders\n",
            "",
        ),
        (
            "more is taken from a layer than is in it",
            "            left -= layer.water\n",
            "",
        ),
    ),
    *_breaks(
        "_core/played.py",
        "test_window_laws.py test_plan_laws.py test_played_laws.py",
        (
            "the end of a window is rounded",
            "return nextafter(expiry, inf) if error > 0.0 else expiry",
            "return expiry",
        ),
        (
            "who fits together comes one by one",
            "came = bisect_right(sums, most + room - before, place)",
            "came = min(place + 1, bisect_right(sums, most + room - before, place))",
        ),
        (
            "what was merged says not by how much",
            "self.late = max(self.late, expiries[-1] - expiry)",
            "self.late = 1e-6",
        ),
        (
            "that the window merges as well is forgotten",
            "SPARE = 4",
            "SPARE = 0",
        ),
    ),
    *_breaks(
        "_core/window.py",
        "test_window_laws.py test_change_laws.py test_outlook_laws.py",
        (
            "merged entries expire with their oldest",
            "            self._entries[-1].newest = self.at\n",
            "",
        ),
        (
            "entries are merged that are far apart",
            "<= self._period / SLICES",
            "<= self._period / 64",
        ),
        (
            "entries are never merged",
            "        if len(self._entries) < SLICES:",
            "        if self._entries:",
        ),
        (
            "newcomers pass who waits",
            "if self.waited or self._promised or not 0.0 <= amount < inf:",
            "if not 0.0 <= amount < inf:",
        ),
        (
            "more comes back than a word left",
            "            back = min(amount, self._spare)",
            "            back = amount",
        ),
        (
            "a pause is forgotten",
            "        return max(due, self._paused_until)",
            "        return due",
        ),
        (
            "the last pause wins, not the longest",
            "if until <= max(self.at, self._paused_until) or",
            "if until <= self.at or",
        ),
        (
            "a period later it is still in the window",
            "(expiry := self._expiry(entries[0])) <= now:",
            "(expiry := self._expiry(entries[0])) < now:",
        ),
        (
            "what has expired comes back",
            "            entry.amount = 0.0\n            entry.word",
            "            entry.word",
        ),
        (
            "a word adds to what is there",
            "over = self.level - (self.burst - remaining)",
            "over = -(self.burst - remaining)",
        ),
        (
            "a word forgets what it would have filled",
            "            word.amount += amount - back\n            self.level += ",
            "            self.level += 0.0 * ",
        ),
        (
            "a shorter period counts when time goes on",
            "        now, self.at = self.at, -inf\n        self.advance(now)\n",
            "",
        ),
        (
            "lifting the limit leaves something to give back",
            "entry.amount, entry.word = 0.0, _NO_WORD",
            "entry.word = _NO_WORD",
        ),
        (
            "without a limit much is refused",
            "if over > 0.0 and amount > self.burst:",
            "if over > 0.0:",
        ),
    ),
    *_breaks(
        "_shell/line.py",
        WAITING,
        (
            "granted a millisecond early",
            "            elif wait > 0.0:\n                due",
            "            elif wait > 0.001:\n                due",
        ),
        (
            "who is next is not looked at after a cancellation",
            "self._give_back(turn.result(), turn.amount)\n        self.look()",
            "self._give_back(turn.result(), turn.amount)",
        ),
        (
            "cancelled after its grant gives nothing back",
            "self._give_back(turn.result(), turn.amount)",
            "turn.result()",
        ),
        (
            "the credit never lapses",
            "            self.meter.waited = False\n            self.calm()\n",
            "            self.calm()\n",
        ),
        (
            "the timer is not set again",
            "self.calm()\n        self._set_alarm(due)",
            "self.calm()",
        ),
        (
            "an idle limiter keeps its timer",
            "if self._due <= due + RESOLUTION and due < inf:",
            "if self._due <= due + RESOLUTION:",
        ),
        (
            "a timer set for later is not set earlier",
            "if self._due <= due + RESOLUTION and due < inf:",
            "if due < inf:",
        ),
        (
            "the mark of a grant is never released",
            "        self._loop.call_soon(self.meter.release, mark",
            "        self._loop.call_soon(id, mark",
        ),
        (
            "a change of the rate leaves the order as it was",
            "                waiter.key = waiter.key_in(meter)",
            "                pass",
        ),
        (
            "who no longer fits waits for ever",
            "            if waiter.amount > meter.burst:\n                waiter.set",
            "            if waiter.amount < 0.0:\n                waiter.set",
        ),
        (
            "settling up costs nothing",
            "            self.meter.take(actual - amount)",
            "            pass",
        ),
        (
            "settling down adds",
            "        if actual < amount:",
            "        if actual > amount:",
        ),
        (
            "order of amounts only: large ones starve",
            "        key = now + meter.lead(amount)\n        if self.admits",
            "        key = meter.lead(amount)\n        if self.admits",
        ),
        (
            "nobody gives up at the deadline",
            "        due = min(due, self._next_deadline())\n",
            "",
        ),
        (
            "hopeless, and not refused",
            "            if self.delay(amount, key, max_wait) > max_wait:",
            "            if self.delay(amount, key, max_wait) < 0.0:",
        ),
        (
            "max_wait counts who a word or a pause will make give up",
            "            self.upset = True\n            self.later += seconds\n",
            "            self.later += seconds\n",
        ),
        (
            "max_wait counts who a debt will make give up",
            "take(actual - amount)\n            self.upset = True\n",
            "take(actual - amount)\n",
        ),
        (
            "max_wait counts who a change will make give up",
            "change(first, second)\n        self.upset = True\n",
            "change(first, second)\n",
        ),
        (
            "max_wait counts who a blocked loop will make give up",
            "            self._noted = self._due\n            self.upset = True\n",
            "            self._noted = self._due\n",
        ),
        (
            "a change re-times nobody",
            "        self.adopt(first, second)\n        self.look()\n",
            "        self.adopt(first, second)\n",
        ),
        (
            "somebody waits, and lateness is not made up for",
            "            self.meter.waited = True\n",
            "            pass\n",
        ),
        (
            "in another loop the old waiters stay",
            "        self.queue.clear()\n        self.promises",
            "        self.promises",
        ),
    ),
    *_breaks(
        "_shell/outlook.py",
        WAITING,
        (
            "a newcomer passes who came shortly before",
            "if head is not None and head.key <= key:",
            "if head is not None and head.key <= key - 0.02:",
        ),
        (
            "a newcomer takes whatever fits",
            "if head is not None and head.key <= key:",
            "if head is None and key < 0.0:",
        ),
        (
            "admitted a millisecond early",
            "admitted = self._wait(amount, key) <= 0.0",
            "admitted = self._wait(amount, key) <= 0.001",
        ),
        (
            "retry_after forgets who is waiting",
            "            forecast.take(other.amount)\n        return True",
            "                forecast.take(0.0)\n        held",
        ),
        (
            "retry_after forgets those who are due by then",
            "if other.key > until and key + forecast.wait(other.amount) > until:",
            "if other.key > until:",
        ),
        (
            "retry_after forgets whole rows",
            "                forecast.take(row.amount)\n",
            "                pass\n",
        ),
        (
            "max_wait forgets who is ahead",
            "return max(0.0, meter.wait(first + amount))",
            "return max(0.0, meter.wait(amount))",
        ),
        (
            "who has to give up is told to be next",
            "            blocked = max(blocked, left)\n",
            "            return max(0.0, wait)\n",
        ),
        (
            "statistics count the next behind who is hopeless too early",
            "                return max(blocked, wait)\n",
            "                return wait\n",
        ),
        (
            "who was due in time is refused by a late timer",
            "return left <= 0.0 and left < max(wait, -LATENESS)",
            "return left <= 0.0",
        ),
        (
            "statistics tell of the credit for lateness",
            "            level=max(0.0, meter.level),",
            "            level=meter.level,",
        ),
    ),
    *_breaks(
        "_shell/several/promises.py",
        "test_promises_laws.py",
        (
            "of many promises half are not looked at",
            "            return search(middle, end, before",
            "            return search(end - 1, end, before",
        ),
        (
            "a key that has changed binds as before",
            "            self.make(holder, promise.at, promise.amount)",
            "            pass",
        ),
    ),
    *_breaks(
        "_shell/plan.py",
        "test_plan_laws.py",
        (
            "who was granted is still ahead",
            "            self._granted += waiter.amount",
            "            pass",
        ),
        (
            "who will give up is ahead of all",
            "            self.hopeless += amount",
            "            pass",
        ),
        (
            "who will give up is in nobody's way until then",
            "self._blocked.append((waiter.key, now + wait, hopeless + amount))",
            "pass",
        ),
        (
            "who passes others makes nobody hopeless",
            "            self.pushed += waiter.amount\n",
            "",
        ),
        (
            "who passes others has to wait for one of them",
            "        gone = (self._granted + over)",
            "        gone = (self._granted + ahead + amount)",
        ),
        (
            "a window is foretold as if nobody took anything",
            "            self._in_time.take(amount)\n            if",
            "            if",
        ),
    ),
    *_breaks(
        "_shell/outlook.py",
        "test_plan_laws.py",
        (
            "a plan stays, whoever leaves",
            "events = self._happened + self.queue.left - self._known",
            "events = self._happened",
        ),
        (
            "what is foretold too late is taken for sure",
            "        wait -= plan.late\n",
            "",
        ),
        (
            "what is not made anew is taken for sure",
            "        if wait <= max_wait or (self._is_new() and not plan.passed):",
            "        if plan is not None:",
        ),
        (
            "who may be in time again takes nobody's place",
            "max(0.0, ahead - most) + amount",
            "max(0.0, ahead) + amount",
        ),
        (
            "whoever became hopeless by being later is still counted",
            "wait - self.later",
            "wait",
        ),
        (
            "a turn is foretold too late",
            "plan.due(waiter.key) - plan.late",
            "plan.due(waiter.key)",
        ),
    ),
    *_breaks(
        "_shell/queue.py",
        WAITING,
        (
            "who is passed goes first",
            "        if key >= self._last or not rows:",
            "        if rows or not rows:",
        ),
        (
            "who gives up is still ahead",
            "            row.amount -= amount\n",
            "",
        ),
        (
            "who gives up is still counted",
            "        self.leave()\n        return True",
            "        return True",
        ),
        (
            "who gave up is never swept out",
            "> 2 * self.waiting + SHORT:",
            "> 2e9 * self.waiting + SHORT:",
        ),
    ),
    *_breaks(
        "_shell/verbs.py",
        f"test_bucket_laws.py {WAITING}",
        (
            "a refusal's retry_after has no margin",
            "wait += line.grain + MARGIN + 8.0 * ulp(meter.at + wait)",
            "wait += 0.0",
        ),
        (
            "a decision tells what there was before",
            "            left = meter.burst - meter.level\n",
            "            left = meter.burst - meter.level + amount\n",
        ),
    ),
    *_breaks(
        "_shell/limiter.py",
        f"test_bucket_laws.py {WAITING}",
        (
            "another period leaves the rate as it is",
            "        self._line.change(*_measured(max_rate, period, burst))\n",
            "        self._line.change(*_measured(max_rate, self._given[1], burst))\n",
        ),
    ),
    *_breaks(
        "_shell/clock.py",
        WAITING,
        (
            "the margin of retry_after is dropped",
            "    return MARGIN + 8.0 * ulp(instant)",
            "    return 0.0",
        ),
    ),
    *_breaks(
        "_shell/keyed/keys.py",
        MANY,
        (
            "a key that is quiet again is forgiven its debt",
            "            self._ledger.book(key, meter)",
            "            pass",
        ),
        (
            "a key is forgotten while it is paused",
            "            if line.quiet:",
            "            if line.meter.level >= 0.0:",
        ),
        (
            "a change of the rate is not for those that are live",
            "                line.adopt(*limit)",
            "                pass",
        ),
        (
            "a reset is not for those that are live",
            "                line.empty()",
            "                pass",
        ),
    ),
    *_breaks(
        "_core/keyed/ledger.py",
        MANY,
        (
            "a key in the old generation is as good as new",
            "return self._new[shard].get(key) or self._old[shard].get(key)",
            "return self._new[shard].get(key)",
        ),
        (
            "a key that is live is kept here too",
            "        meter = self.meter(key)\n        self._drop(key)",
            "        meter = self.meter(key)",
        ),
    ),
    *_breaks(
        "_core/keyed/levels.py",
        MANY,
        (
            "a key that is live again starts empty",
            "bucket.level, bucket.at = self.level(key), self.at",
            "bucket.at = self.at",
        ),
        (
            "a sweep forgets whoever owes something",
            "return (level, self.at) if level > 0.0 else None",
            "return (level, self.at) if level > 2.0 else None",
        ),
        (
            "a key leaks at the new rate what it had before the change",
            "        if at < self._since:",
            "        if at < -inf:",
        ),
        (
            "rates of before are forgotten too soon",
            "gone = self.generation - 3",
            "gone = self.generation - 2",
        ),
        (
            "a refused key has taken all the same",
            "        wait = 0.0\n        if left >= -burst * ROUNDING:\n",
            "        wait, level = 0.0, level + amount\n        if left >= -burst:\n",
        ),
    ),
    *_breaks(
        "_core/keyed/logs.py",
        MANY,
        (
            "a sweep forgets windows that are not empty",
            "return state if self._fresh(key, state).level > 0.0 else None",
            "return state if self._fresh(key, state).level > 2.0 else None",
        ),
        (
            "a quiet window keeps its limit through a change",
            "        if limit != window.limit:",
            "        if limit == window.limit:",
        ),
    ),
    *_breaks(
        "_core/keyed/logs.py",
        CHANGES,
        (
            "periods of before are no matter",
            "            window.advance(until)",
            "            pass",
        ),
    ),
    *_breaks(
        "_core/keyed/levels.py",
        CHANGES,
        (
            "who had no limit for a while owes what it owed",
            "        if inf in (before, rate):",
            "        if inf == rate == before:",
        ),
    ),
    *_breaks(
        "_core/keyed/past.py",
        CHANGES,
        (
            "a function of before counts from ever",
            "(self.untils[index] - max(since, at))",
            "(self.untils[index] - at)",
        ),
        (
            "of all rates since, only the first counts",
            "        return (self.untils[index] - at) * first.rate + since",
            "        return (self.untils[index] - at) * first.rate",
        ),
        (
            "of all periods since, the first counts",
            "<= until - value:",
            "<= -until - value:",
        ),
    ),
    *_breaks(
        "_shell/line.py",
        COMBINED,
        (
            "a deadline stays behind in the queue that was left",
            "            if waiter.line is not self:\n",
            "            if waiter.queue is None:\n",
        ),
    ),
    *_breaks(
        "_shell/several/lines.py",
        COMBINED,
        (
            "where it is due decides, whatever the others say",
            "if line is not due_in and not line.admits(amount, last)",
            "if due_in is None and not line.admits(amount, last)",
        ),
        (
            "it waits where it waits shortest",
            "            if wait > longest:",
            "            if -wait > longest:",
        ),
        (
            "its place is that of its last leaking time",
            "        lead = min(lead, line.meter.lead(amount))",
            "        lead = line.meter.lead(amount)",
        ),
        (
            "who waits for several goes last",
            "    return arrival + lead",
            "    return arrival + lead + 1000.0",
        ),
        (
            "retry_after is that of the member with the least",
            "    return max(\n        line.retry_after",
            "    return min(\n        line.retry_after",
        ),
        (
            "one member's share is not taken",
            "        line.meter.take(amount)",
            "        amount > 0.125 and line.meter.take(amount)",
        ),
    ),
    *_breaks(
        "_shell/several/combined.py",
        COMBINED,
        (
            "what was granted can be given back for ever",
            "                lines.release(turn.result())",
            "            pass",
        ),
    ),
    *_breaks(
        "_shell/several/request.py",
        COMBINED,
        (
            "who waited for several takes from none",
            "        lines.take(self.amounts)\n        self.set",
            "        self.set",
        ),
        (
            "whoever is due in one takes from all",
            "        if slowest is not None:\n            self.wait_in(slowest)",
            "        if slowest is self:\n            self.wait_in(slowest)",
        ),
        (
            "a promise outlives its request",
            "            if line.unpromise(self):",
            "            if line is self:",
        ),
        (
            "who is granted late gives nothing back",
            "                line.settle(mark, self.amounts[line], 0.0)",
            "                line.settle(mark, 0.0, 0.0)",
        ),
        (
            "who no longer fits elsewhere moves for ever",
            "            if amount > other.meter.burst:\n",
            "            if amount < 0.0:\n",
        ),
        (
            "max_wait is not looked at",
            "        if slowest.delay(amount, key, max_wait) > max_wait:",
            "        if slowest.delay(amount, key, max_wait) < 0.0:",
        ),
        (
            "max_wait has no deadline",
            "        deadline = arrival + max_wait",
            "        pass",
        ),
        (
            "all are needed for ever",
            "            line.needed -= 1",
            "            pass",
        ),
        (
            "who is next is not looked at after a cancellation",
            "            self._withdraw()\n            self.line.look()",
            "            self._withdraw()",
        ),
    ),
    *_breaks(
        "_shell/several/combined.py",
        COMBINED,
        (
            "a member that is named pays the plain amount",
            'each = amounts.get(name or "", amount) if amounts else amount',
            "each = amount",
        ),
        (
            "settling a member settles what is estimated",
            'cost = actuals.get(name or "", reserved if',
            'cost = actuals.get("", reserved if',
        ),
        (
            "what is on top is booked where nobody looks",
            "            anew[line].settle(",
            "            line.settle(",
        ),
        (
            "marks outlive the block",
            "        lines.release(self._marks)",
            "        pass",
        ),
        (
            "statistics tell of the member with the most left",
            "least = min(each, key=lambda one: one.available)",
            "least = max(each, key=lambda one: one.available)",
        ),
    ),
    *_breaks(
        "_shell/several/promises.py",
        COMBINED,
        (
            "nothing promised is kept",
            "if meter.spares(amount, self.amount, meter.at):",
            "if amount >= 0.0:",
        ),
        (
            "all room is for whom it was promised to, long before",
            "if not meter.spares(amount, promised, max(promise.at, meter.at)):",
            "if promise.at > 0.0:",
        ),
        (
            "a promise binds those who came before",
            "in self._by_key[: bisect_left(self._by_key, (key,))]",
            "in self._by_key",
        ),
        (
            "what was promised to one who is late is kept for ever",
            "        if promise.at <= now:\n",
            "        if promise.at < 0.0:\n",
        ),
        (
            "who is about to come keeps others without a timer",
            "return max(promise.at - meter.at, RESOLUTION)",
            "return max(promise.at - meter.at, 0.0) or float('inf')",
        ),
    ),
    *_breaks(
        "_shell/outlook.py",
        COMBINED,
        (
            "nothing promised holds anybody back",
            "return self._held(amount, key) or wait",
            "return wait",
        ),
        (
            "a dropped promise closes the fast path",
            "        self.meter.promise(self.promises is not None)",
            "        self.meter.promise(True)",
        ),
        (
            "whose line is needed is quiet",
            "not (self.queue.waiting or self.needed)",
            "not self.queue.waiting",
        ),
    ),
    *_breaks(
        "_shell/line.py",
        GROWTH,
        (
            "all who are due are let in in one step",
            "            left -= 1\n",
            "",
        ),
        (
            "the time runs out of those who see others let in",
            "            at = since if room >= 0.0 else meter.at\n",
            "            at = meter.at\n",
        ),
        (
            "who was not due with them has as long as they have",
            "            at = since if room >= 0.0 else meter.at\n",
            "            at = since\n",
        ),
        (
            "who settles lets the next thousand in",
            "if self._since < inf and self._alarm is not None:",
            "if False:",
        ),
    ),
    *_breaks(
        "_shell/line.py",
        COMBINED,
        (
            "who waits for several is granted where it is due",
            "                if head.come(self):\n",
            "                if Turn.come(head, self):\n",
        ),
    ),
    *_breaks(
        "_core/shared/slots.py",
        FLEET,
        (
            "all of an amount comes back, whatever has leaked",
            "min(level, max(0.0, amount - past * rate, min(amount, low)))",
            "min(level, amount)",
        ),
        (
            "what has leaked is charged to every settlement",
            "min(level, max(0.0, amount - past * rate, min(amount, low)))",
            "min(level, max(0.0, amount - past * rate))",
        ),
        (
            "what the rate can't have made leak does not come back",
            "min(level, max(0.0, amount - past * rate, min(amount, low)))",
            "min(level, max(0.0, min(amount, low)))",
        ),
        (
            "what comes back stays in the lows",
            "    state = state._replace(lows=lower)",
            "    del lower",
        ),
        (
            "what is booked ahead never lets the bucket run low",
            "low = max(0.0, terms.caps[0] - most) if len(after) == 1 else 0.0",
            "low = terms.caps[0] if len(after) == 1 else 0.0",
        ),
        (
            "of several rates none runs dry while another one puts off",
            "low = max(0.0, terms.caps[0] - most) if len(after) == 1 else 0.0",
            "low = min(terms.caps) - most",
        ),
        (
            "what is ahead is low now, and not when it is due",
            "    end = min(state.last + ceil(ahead), int(LONGEST))",
            "    end = state.last",
        ),
        (
            "what was there before a refund counts as the lowest",
            "    lowest = tuple(map(min, untouched.levels, state.levels))",
            "    lowest = untouched.levels",
        ),
        (
            "a refund is what was not kept",
            "        kept = _poured(terms, kept, refund.kept)",
            "        kept = tuple(level + refund.kept for level in kept)",
        ),
        (
            "what was booked before a reset gives back",
            "given=state.given, raised=now, force=state.force",
            "given=state.given, raised=state.raised, force=state.force",
        ),
        (
            "a reset forgets how far all have moved up",
            "given=state.given, raised=now, force=state.force",
            "given=0.0, raised=now, force=state.force",
        ),
        (
            "no debt has an end",
            "        min(level, cap + rate * LONGEST, _HIGHEST)",
            "        min(level, _HIGHEST)",
        ),
        (
            "two debts add up to no number",
            "        min(level, cap + rate * LONGEST, _HIGHEST)",
            "        level",
        ),
        (
            "a pause may be later than now",
            "max(0, min(state.raised, state.last))",
            "max(0, state.raised)",
        ),
    ),
    *_breaks(
        "_core/shared/force.py",
        CHANGED,
        (
            "a change that a store lost is not brought back",
            "    if seen is not None and seen.version > force.version:",
            "    if seen is None:",
        ),
        (
            "a change has the version of the one before",
            "        version = max(force.version + 1, now)",
            "        version = max(force.version, 1)",
        ),
        (
            "whoever books undoes a change",
            "    if force.periods or not request.groups:",
            "    if not request.groups:",
        ),
        (
            "who books last is right",
            "        terms = _stricter(own, force.terms)",
            "        terms = own",
        ),
        (
            "the stricter counts for ever",
            "    if force.heard > now - LEASE and force.terms != own:",
            "    if force.terms != own:",
        ),
        (
            "of two, the looser counts",
            "tuple(map(min, *zip(*pair, strict=True)))",
            "tuple(map(max, *zip(*pair, strict=True)))",
        ),
        (
            "what was booked before a change is not void",
            "force._replace(terms=terms, changed=now)",
            "force._replace(terms=terms)",
        ),
    ),
    *_breaks(
        "_core/shared/slots.py",
        CHANGED,
        (
            "what is beneath a pause is lost in a change",
            "        more + max(under, cap + rest * rate)",
            "        more + cap + rest * rate",
        ),
        (
            "a pause is longer after a change",
            "    if pause is None:\n        levels = _ordered",
            "    if terms:\n        levels = _ordered",
        ),
        (
            "of what leaked at another rate too much comes back",
            "    past = state.last - due_at if is_known else inf",
            "    past = state.last - due_at",
        ),
        (
            "what a second pause comes on top of is forgotten",
            "        beneath = tuple(map(sum, zip(under, added, strict=True)))",
            "        beneath = (0.0,) * len(under)",
        ),
        (
            "a slow rate leaks what is not there",
            "    before = _held(terms, levels) if len(levels) > 1 else levels",
            "    before = levels",
        ),
        (
            "a slow rate lasts until a fast one has room, and no longer",
            "    most = min(terms.caps)",
            "    most = 0.0",
        ),
        (
            "what was put off for a slow rate is owed at the next ones",
            "_ordered(terms, force.fitted(_real(before, state.levels), size))",
            "_ordered(terms, force.fitted(state.levels, size))",
        ),
        (
            "a debt is forgotten in a change",
            "        min(level, max(cap, min(other for other, slower in pairs if",
            "        min(level, min(cap, min(other for other, slower in pairs if",
        ),
        (
            "a slow rate holds less than a fast one after a change",
            "        max(other for other, faster in pairs if faster >= rate)",
            "        max(other for other, faster in pairs if faster == rate)",
        ),
    ),
    *_breaks(
        "_shell/shared/line.py",
        CHANGED,
        (
            "who booked before a change keeps it",
            "self._booked.void(max(reply.raised, reply.changed))",
            "self._booked.void(reply.raised)",
        ),
        (
            "what is void is lost",
            "self.pump.settle(Settlement(-amount, due or booked, booked))",
            "pass",
        ),
        (
            "who can never have it waits on",
            "            if waiter.amount > most * (1.0 + ROUNDING):",
            "            if waiter.amount > inf:",
        ),
    ),
    *_breaks(
        "_core/shared/lows.py",
        FLEET,
        (
            "a low of that very instant counts",
            "        if low.at > instant:",
            "        if low.at >= instant:",
        ),
        (
            "a new low leaves the old ones as they are",
            "    if not lows or not all(map(le, lows[-1].levels, levels)):",
            "    if not lows:",
        ),
        (
            "of two lows the higher is kept",
            "Low(lows[i + 1].at, lows[i].levels)",
            "Low(lows[i + 1].at, lows[i + 1].levels)",
        ),
        (
            "what rises by little counts as high",
            "        return (*lows[:-1], Low(at, last.levels))",
            "        return (*lows[:-1], Low(at, levels))",
        ),
        (
            "what is ahead is lower for what comes back",
            "    ahead = lows[len(past) :]",
            "    past, ahead = list(lows), ()",
        ),
        (
            "a list has no end",
            "    if len(lows) <= LONGEST:",
            "    if lows:",
        ),
        (
            "a clock that stepped back leaves the lows ahead",
            "    return tuple(Low(max(0, low.at - by), low.levels) for low in lows)",
            "    return lows",
        ),
    ),
    *_breaks(
        "_shell/shared/looking.py",
        "fleet/test_worth.py fleet/test_looking.py",
        (
            "who looks no more counts among those who look",
            "            self._is_far = False\n            _far.discard(self)",
            "            self._is_far = False",
        ),
        (
            "nobody looks more often while others settle",
            "self._scale = LEAST if is_lively else",
            "self._scale =",
        ),
        (
            "what a process settles by itself makes it look",
            "is_lively = given - self._given > own",
            "is_lively = given > self._given",
        ),
    ),
    *_breaks(
        "_shell/shared/line.py",
        FLEET,
        (
            "a trip starts with the last grant",
            "trip = min(trip, last_due - self.pump.horizon.lead)",
            "trip = min(trip, last_due)",
        ),
        (
            "a pause of others leaves what is booked",
            "if reply.raised != self._raised or reply.changed != self._held[0]:",
            "if reply.changed != self._held[0]:",
        ),
    ),
    *_breaks(
        "redis/_courier.py",
        "fleet/test_courier.py",
        (
            "a lone limit's calls wait for others",
            "                if key != self._alone:",
            "                if True:",
        ),
        (
            "what a lost answer leads to is the carrier's fault",
            "            loop.call_soon(call.lost, answer, context=Context())",
            "            call.lost(answer)",
        ),
        (
            "who called with others goes ahead of them",
            "        self._alone = calls[0].key if len(calls) == 1 else None",
            "        self._alone = calls[0].key",
        ),
    ),
    *_breaks(
        "_shell/shared/booked.py",
        "fleet/test_worth.py",
        (
            "who moves up is due when it hears of it",
            "stretch.move_up(given, since=self._told)",
            "stretch.move_up(given, since=now)",
        ),
    ),
    *_breaks(
        "_shell/shared/stretch.py",
        FLEET,
        (
            "who moves up was due before anybody settled",
            "        if moved < self._since:\n",
            "        if moved < -inf:\n",
        ),
        (
            "who was due is due when somebody settles",
            "            moved = min(wait - self._before, self._since)",
            "            moved = self._since",
        ),
        (
            "a burst that nobody claims lapses as a whole",
            "        lapsed = min(reached - amount - self.taken, brought)",
            "        lapsed = reached - amount - self.taken",
        ),
        (
            "nothing lapses",
            "        lapsed = min(reached - amount - self.taken, brought)",
            "        lapsed = 0.0",
        ),
        (
            "who moves up is due when it was",
            "        self.given = given\n        self._end = nan",
            "        self.given = given",
        ),
        (
            "a larger amount takes what was put off for smaller ones",
            "        if waiter.amount > self._largest and self._due(self.total) > now:",
            "        if False:",
        ),
    ),
    *_breaks(
        "_shell/shared/settlements.py",
        FLEET,
        (
            "debts are summed with what comes back",
            "        key = (amount < 0.0, due, booked)",
            "        key = (True, due, booked)",
        ),
    ),
    *_breaks(
        "redis/bucket.lua",
        SCRIPT,
        (
            "on the server, what has leaked is charged to every settlement",
            "max(0, -amount - past * rates[i], min(-amount, low[i]))",
            "max(0, -amount - past * rates[i])",
        ),
        (
            "on the server, a rise by little makes a new low",
            "is_near and rise < caps[i] / LOWS",
            "is_near and rise < 0",
        ),
        (
            "on the server, a list has no end",
            "    if #list <= LOWS then",
            "    if #list > 0 then",
        ),
        (
            "on the server, a reset lets the debt of before come back",
            "max(expiry, redis.call('PTTL', KEYS[1]))",
            "expiry",
        ),
        (
            "on the server, a refund is what was not kept",
            "    start = poured(start, keep)",
            "    start[1] = start[1] + keep",
        ),
        (
            "on the server, a slow rate leaks what is not there",
            "    before = held(levels)",
            "    before = levels",
        ),
        (
            "on the server, what was put off is owed after a change",
            "    return ordered(fitted(real(full, old_rates, old_caps)))",
            "    return ordered(fitted(full))",
        ),
        (
            "on the server, a slow rate holds less than a fast one",
            "        high[i] = max(high[i], full[k])",
            "        high[i] = full[i]",
        ),
        (
            "on the server, what is in force is written as it was",
            "  force_text = nil\n",
            "",
        ),
        (
            "on the server, a change that a store lost is not brought back",
            "version + seen_version == 0 and not changes then",
            "version == 0 and not changes then",
        ),
        (
            "on the server, rates are not written as before when a change is over",
            "    force_text = own_text\n",
            "    force_text = nil\n",
        ),
        (
            "on the server, another one's rates are taken for the caller's",
            "(terms == own_text and size == own_size or read_terms(terms))",
            "true",
        ),
        (
            "on the server, who was heard of earlier is written as if it were now",
            "  if heard ~= now or changed_at > 0",
            "  if changed_at > 0",
        ),
        (
            "on the server, the newest of many lows is lost",
            "    newest, older = list[many] or {}",
            "    newest, older = list[1] or {}",
        ),
        (
            "on the server, an instant is written as now",
            "(at == now and now_text or format('%.0f', at))",
            "now_text",
        ),
        (
            "on the server, nobody is heard of",
            "  if books then\n    heard = now\n",
            "  if books then\n    heard = heard\n",
        ),
        (
            "on the server, no debt has an end",
            "min(levels[i], caps[i] + rates[i] * LONGEST, HIGHEST)",
            "min(levels[i], HIGHEST)",
        ),
    ),
]
