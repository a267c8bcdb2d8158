"""
Every order of up to k events, each tried from the start.

A schedule is a list of events.  Each is played on a fresh limiter, the model
checks every step, then everything comes to rest and the model checks that too.
Run as a program, it explores as far as you say:

    python -m tests.laws.exploration everything 4
"""

from __future__ import annotations

import sys
import time

from .world import World

# A bucket of 2 that leaks 100 a second: 1 unit leaks in 10 ms, which is also
# what a late timer may make up for.
RATE, BURST = 100.0, 2.0
LATE = 0.025
BUSY = 0.015


def early(world):
    """The timer fires half-way to its time; asyncio's and uvloop's may."""
    world.loop.now += max(0.0, world.loop.alarm() - world.loop.now) / 2
    world.fire()


def on_time(world):
    """The timer fires when it should."""
    world.loop.now = max(world.loop.now, world.loop.alarm())
    world.fire()


def late(world):
    """The timer fires later than can be made up for."""
    world.loop.now = max(world.loop.now, world.loop.alarm()) + LATE
    world.fire()


def waiting_events(world):
    """What can happen next to a limiter that people only wait for."""
    yield "arrive 1", lambda w: w.arrive(1.0)
    if world.history.burst >= BURST:
        yield "arrive 2", lambda w: w.arrive(2.0)
    yield "busy", lambda w: w.pass_time(BUSY)
    for person in world.people:
        if person.state in {"waiting", "granted"} and not person.task.cancelling():
            number = person.number
            yield f"cancel {number}", lambda w, n=number: w.cancel(w.people[n])
    if world.loop.timers:
        yield "timer early", early
        yield "timer on time", on_time
        yield "timer late", late
    if world.loop.ready:
        yield "run", World.run_all
    if len(world.loop.ready) > 1:
        yield "run one", World.run_one


def all_events(world):
    """What can happen next when people use all there is."""
    yield from waiting_events(world)
    yield "look", World.check_statistics
    if world.history.burst >= BURST:
        yield "reserve 2", lambda w: w.arrive(2.0, "reserve")
    yield "arrive 1 within 20 ms", lambda w: w.arrive(1.0, max_wait=0.020)
    for person in world.people:
        if person.state == "inside" and not person.settled:
            number = person.number
            for how, actual in (("down", 0.0), ("up", 3.0)):
                name = f"settle {number} {how}"
                yield name, lambda w, n=number, a=actual: w.settle(w.people[n], a)
    yield "pause", lambda w: w.pause(0.020)
    yield "restrict", lambda w: w.restrict(0.0)
    yield from limit_events(world)


def limit_events(world):
    """Another rate, another burst, and back."""
    if world.history.rate == RATE:
        yield "half the rate", lambda w: w.set_rate(RATE / 2)
        yield "twice the rate", lambda w: w.set_rate(RATE * 2)
    else:
        yield "the old rate", lambda w: w.set_rate(RATE)
    if world.history.burst == BURST:
        yield "half the burst", lambda w: w.set_burst(BURST / 2)
    else:
        yield "the old burst", lambda w: w.set_burst(BURST)


EVENTS = {"waiting": waiting_events, "everything": all_events}
# How many events each run of the tests tries, and how many fit into a minute.
SHORT = {"waiting": 5, "everything": 4}
LONG = {"waiting": 7, "everything": 5}


class Unlawful(AssertionError):
    """A schedule that breaks a law."""


def play(schedule):
    """Play one schedule to its last event."""
    world = World(RATE, BURST)
    try:
        for _, event in schedule:
            event(world)
    except Exception as error:
        raise Unlawful(describe(schedule, error)) from error
    return world


def finish(world, schedule):
    """Let everything come to rest."""
    try:
        world.finish()
    except Exception as error:
        raise Unlawful(describe(schedule, error)) from error


def describe(schedule, error):
    """Name the events, so that the schedule can be played by hand."""
    names = ", ".join(name for name, _ in schedule)
    return f"[{names}]: {type(error).__name__}: {error}"


def explore(events, most, found=None):
    """
    Play every schedule of up to *most* events; return how many there are.

    Args:
        events: What can happen next in a world.
        most: How many events a schedule has at most.
        found: Collects what is unlawful; without it the first one is raised.
    """
    count = 0
    open_schedules = [[]]
    while open_schedules:
        schedule = open_schedules.pop()
        try:
            world = play(schedule)
            if len(schedule) < most:
                open_schedules += [[*schedule, event] for event in events(world)]
            finish(world, schedule)
        except Unlawful as error:
            if found is None:
                raise
            found.append(error)
        count += 1
    return count - 1


def main(arguments):
    """Explore as far as asked; say how far that was and how long it took."""
    kind, most = arguments[0], int(arguments[1])
    found = []
    start = time.process_time()
    count = explore(EVENTS[kind], most, found)
    took = time.process_time() - start
    print(f"{kind}, up to {most} events: {count:,} schedules, {took:.1f} s of CPU")
    for error in sorted(map(str, found), key=len)[:20]:
        print(error)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
