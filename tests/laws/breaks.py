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
COMBINED = "test_combined_laws.py"
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
            "        self._layers.sink(max(0.0, min(self.level - level,",
            "        _ = (max(0.0, min(self.level - level,",
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
            "if seconds > 0.0 and self.rate < inf:",
            "if seconds > 0.0:",
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
        "_core/window.py",
        "test_window_laws.py test_change_laws.py test_outlook_laws.py",
        (
            "the end of a window is rounded",
            "return nextafter(expiry, inf) if error > 0.0 else expiry",
            "return expiry",
        ),
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
            "self._paused_until = max(self._paused_until, self.at + seconds)",
            "self._paused_until = self.at + seconds",
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
            "self.meter.give_back(turn.result(), turn.amount)\n        self.look()",
            "self.meter.give_back(turn.result(), turn.amount)",
        ),
        (
            "cancelled after its grant gives nothing back",
            "self.meter.give_back(turn.result(), turn.amount)",
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
            "        self._loop.call_soon(self.meter.release, mark)\n",
            "",
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
            "            if self.delay(amount, key) > max_wait:",
            "            if self.delay(amount, key) < 0.0:",
        ),
        (
            "max_wait counts who a pause will make give up",
            "pause(seconds)\n        self.upset = True\n",
            "pause(seconds)\n",
        ),
        (
            "max_wait counts who a word will make give up",
            "restrict(remaining)\n        self.upset = True\n",
            "restrict(remaining)\n",
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
            "        self.queue.reorder(waiters)\n        self.look()\n",
            "        self.queue.reorder(waiters)\n",
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
            "return self._wait(amount, key) <= 0.0",
            "return self._wait(amount, key) <= 0.001",
        ),
        (
            "retry_after forgets who is waiting",
            "                    forecast.take(other.amount)\n        held",
            "                    forecast.take(0.0)\n        held",
        ),
        (
            "retry_after forgets those who are due by then",
            "if other.key > key + wait and forecast.wait(other.amount) > wait:",
            "if other.key > key + wait:",
        ),
        (
            "max_wait forgets who is ahead",
            "meter.wait(ahead + amount))",
            "meter.wait(amount))",
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
        "_shell/queue.py",
        WAITING,
        (
            "who is passed goes first",
            "lane[0].key <= early[0][0]",
            "lane[0].key >= early[0][0]",
        ),
        (
            "who gives up is still counted",
            "        self.queue.gone(self.amount)\n        return True",
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
            "        rate = numbers.per_second(max_rate, period)\n",
            "        rate = numbers.per_second(max_rate, self._time_period)\n",
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
        "_shell/keys.py",
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
            "            line.change(*self._ledger",
            "            (*self._ledger",
        ),
    ),
    *_breaks(
        "_core/ledger.py",
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
        "_core/levels.py",
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
            "            if at < until:",
            "            if at < -until:",
        ),
        (
            "rates of before are forgotten too soon",
            "keep = self.generation - 3",
            "keep = self.generation - 2",
        ),
        (
            "a refused key has taken all the same",
            "        wait = 0.0\n        if left >= -burst * ROUNDING:\n",
            "        wait, level = 0.0, level + amount\n        if left >= -burst:\n",
        ),
    ),
    *_breaks(
        "_core/logs.py",
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
        "_shell/line.py",
        COMBINED,
        (
            "a deadline stays behind in the queue that was left",
            "            if waiter.queue is not self.queue:\n",
            "            if waiter.queue is None:\n",
        ),
    ),
    *_breaks(
        "_shell/several.py",
        COMBINED,
        (
            "where it is due decides, whatever the others say",
            "if line is not due_in and not line.admits(amount, key)",
            "if due_in is None and not line.admits(amount, key)",
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
        "_shell/combined.py",
        COMBINED,
        (
            "what was granted can be given back for ever",
            "            several.release(marks)",
            "            pass",
        ),
    ),
    *_breaks(
        "_shell/request.py",
        COMBINED,
        (
            "who waited for several takes from none",
            "        several.take(self.amounts)\n        self.set",
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
            "        if slowest.delay(amount, key) > max_wait:",
            "        if slowest.delay(amount, key) < 0.0:",
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
            "            self._withdraw()\n            self._where.look()",
            "            self._withdraw()",
        ),
    ),
    *_breaks(
        "_shell/combined.py",
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
            "        several.release(self._marks)",
            "        pass",
        ),
        (
            "statistics tell of the member with the most left",
            "least = min(each, key=lambda one: one.available)",
            "least = max(each, key=lambda one: one.available)",
        ),
    ),
    *_breaks(
        "_shell/promises.py",
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
            "if promise.request.key < key and promise.amount",
            "if promise.amount",
        ),
        (
            "what was promised to one who is late is kept for ever",
            "            if promise.at <= meter.at:\n",
            "            if promise.at < 0.0:\n",
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
        COMBINED,
        (
            "who waits for several is granted where it is due",
            '                    cast("Request", head).come(self)',
            "                    head.set_result({})",
        ),
    ),
]
