"""
Whatever mix of events, at random: the stateful counterpart of the exploration.

Fewer orders than there, but longer ones, with all kinds of numbers, and from
one event loop to the next.
"""

from __future__ import annotations

from hypothesis import Phase, settings, strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)

from .exploration import early, late, on_time
from .profile import examples
from .world import World

# In eighths of the burst, and in eighths of the time in which a unit leaks:
# what is due at the same instant as something else is what goes wrong.
EIGHTHS = st.integers(0, 8)
TIMES = st.integers(0, 24)
WHO = st.integers(0, 99)
RATES = st.sampled_from([100.0, 3.0, 1000 / 7, 0.25])


class Limiter(RuleBasedStateMachine):
    """An `AsyncLimiter` that everything happens to."""

    @initialize(
        rate=RATES,
        burst=st.sampled_from([1.0, 2.0, 10.0, 0.7]),
        now=st.sampled_from([0.0, 1000.0]),
    )
    def begin(self, rate, burst, now):
        self.world = World(rate, burst, now)

    def seconds(self, eighths):
        return eighths / 8 * self.world.history.burst / self.world.history.rate

    def some(self, who, *states):
        people = [p for p in self.world.people if p.state in states]
        return people[who % len(people)] if people else None

    @rule(
        amount=EIGHTHS,
        kind=st.sampled_from(["acquire", "reserve"]),
        max_wait=st.one_of(st.none(), TIMES),
    )
    def arrive(self, amount, kind, max_wait):
        amount = amount / 8 * self.world.history.burst
        within = None if max_wait is None else self.seconds(max_wait)
        self.world.arrive(amount, kind, within)

    @precondition(lambda self: self.world.history.burst >= 1.0)
    @rule()
    def enter(self):
        self.world.arrive(1.0, "with")

    @rule(who=WHO)
    def cancel(self, who):
        person = self.some(who, "waiting", "granted")
        if person is not None and not person.task.cancelling():
            self.world.cancel(person)

    @rule(who=WHO)
    def leave(self, who):
        person = self.some(who, "inside")
        if person is not None and person.stay is not None:
            self.world.leave(person)

    @rule(who=WHO, part=TIMES)
    def settle(self, who, part):
        person = self.some(who, "inside")
        if person is not None and person.stay is not None and not person.settled:
            self.world.settle(person, part / 8 * person.amount)

    @rule(eighths=TIMES)
    def busy(self, eighths):
        self.world.pass_time(self.seconds(eighths))

    @precondition(lambda self: self.world.loop.timers)
    @rule(fire=st.sampled_from([early, on_time, on_time, late]))
    def timer(self, fire):
        fire(self.world)

    @precondition(lambda self: self.world.loop.ready)
    @rule(how=st.sampled_from([World.run_one, World.run_all]))
    def run(self, how):
        how(self.world)

    @rule(eighths=TIMES)
    def pause(self, eighths):
        self.world.pause(self.seconds(eighths))

    @rule(eighths=EIGHTHS)
    def restrict(self, eighths):
        self.world.restrict(eighths / 8 * self.world.history.burst)

    @rule(rate=RATES)
    def set_rate(self, rate):
        self.world.set_rate(rate)

    @rule(burst=st.sampled_from([1.0, 2.0, 10.0, 0.7]))
    def set_burst(self, burst):
        self.world.set_burst(burst)

    @rule(now=st.sampled_from([0.0, 5.0, 2000.0]))
    def other_loop(self, now):
        self.world.move(now)

    @rule()
    def look(self):
        self.world.check_statistics()

    def teardown(self):
        if hasattr(self, "world"):
            self.world.finish()


def test_whatever_happens_is_lawful():
    """Random storms of everything keep all laws, then and at rest."""
    run_state_machine_as_test(
        Limiter,
        settings=settings(
            max_examples=examples(60),
            stateful_step_count=40,
            # To explain takes minutes; the shortest storm explains itself.
            phases=set(settings.default.phases) - {Phase.explain},
        ),
    )
