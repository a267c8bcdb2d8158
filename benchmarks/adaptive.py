"""
How much of a limit that nobody tells is used, and how often it is exceeded.

Ours, the rule of AWS's SDKs (botocore's own ``CubicCalculator`` and
``RateClocker``, on their token bucket without its threads), and a client that only
obeys: fifty tasks that always want more, in virtual time, so that the numbers are
the same on every machine.  All of them pause when they are refused, together, for
as long as the server says.

    python -m benchmarks.adaptive
"""

from __future__ import annotations

import asyncio
import math
import sys
from collections.abc import Callable
from importlib.metadata import version
from typing import Any, NamedTuple, Protocol

import looptime

from aiolimiter import AdaptiveLimiter, AsyncLimiter
from benchmarks.peers import PINS, directory


class Scene(NamedTuple):
    name: str
    # From which instant how much a second.
    rates: tuple[tuple[float, float], ...]
    ceiling: float
    seconds: float
    burst: float = 20
    whole: bool = False
    trip: float = 0.05
    tasks: int = 50


CHANGES = ((0, 100), (60, 40), (120, 100))
SCENES = (
    Scene("100, 40, 100 under 300, exact", CHANGES, 300, 180),
    Scene("100, 40, 100 under 300, whole seconds", CHANGES, 300, 180, whole=True),
    Scene("100 under 10,000, exact", ((0, 100),), 10_000, 60),
    Scene("100 under 10,000, whole seconds", ((0, 100),), 10_000, 60, whole=True),
    Scene("5 under 100, whole seconds", ((0, 5),), 100, 60, burst=5, whole=True),
    Scene("800 under 2,000, exact", ((0, 800),), 2_000, 30, burst=50),
    Scene("100 under 300, a second away", ((0, 100),), 300, 60, trip=1.0, tasks=300),
)


def now() -> float:
    return asyncio.get_running_loop().time()


class Hidden:
    """A token bucket of which nobody is told."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.left, self.at = scene.burst, 0.0
        self.taken = self.refused = 0

    def held(self) -> float:
        """Return how much could have been taken."""
        ends = [begin for begin, _ in self.scene.rates[1:]] + [self.scene.seconds]
        pairs = zip(self.scene.rates, ends, strict=True)
        return sum(rate * (end - begin) for (begin, rate), end in pairs)

    async def ask(self) -> float | None:
        """Return None, or how long to wait."""
        await asyncio.sleep(self.scene.trip / 2)
        rate = [rate for begin, rate in self.scene.rates if begin <= now()][-1]
        self.left = min(self.scene.burst, self.left + (now() - self.at) * rate)
        self.at = now()
        wait = None
        # A permit that is whole but for rounding is whole.
        if self.left < 1 - 1e-9:
            self.refused += 1
            wait = (1 - self.left) / rate
        else:
            self.taken += 1
            self.left -= 1
        await asyncio.sleep(self.scene.trip / 2)
        return math.ceil(wait) if wait and self.scene.whole else wait


class Client(Protocol):
    async def one(self, server: Hidden) -> None: ...


class Ours:
    """An `AdaptiveLimiter`."""

    def __init__(self, ceiling: float) -> None:
        self.limiter = AdaptiveLimiter(ceiling, 1)

    async def one(self, server: Hidden) -> None:
        async with self.limiter.attempt() as attempt:
            wait = await server.ask()
            if wait is not None:
                attempt.refused(wait)


class Obeying:
    """The ceiling, and pauses."""

    def __init__(self, ceiling: float) -> None:
        self.limiter = AsyncLimiter(ceiling, 1, burst=max(1.0, ceiling / 20))

    async def one(self, server: Hidden) -> None:
        await self.limiter.acquire()
        wait = await server.ask()
        if wait is not None:
            self.limiter.pause(wait)


class Clock:
    """What botocore asks for the time."""

    def current_time(self) -> float:
        return now()


class Botocore:
    """The rule of ``ClientRateLimiter`` in botocore, step by step."""

    def __init__(self, ceiling: float) -> None:
        from botocore.retries.adaptive import RateClocker
        from botocore.retries.throttling import CubicCalculator

        self.ceiling = ceiling
        self.cubic: Any = CubicCalculator(0, now())
        self.measured: Any = RateClocker(Clock())
        self.enabled = False
        self.rate = self.capacity = 1.0
        self.held, self.at = 0.0, now()
        self.paused_until = 0.0
        self.line = asyncio.Lock()

    async def acquire(self) -> None:
        # Its bucket sleeps for what is missing, and looks again.
        async with self.line:
            if (wait := self.paused_until - now()) > 0:
                await asyncio.sleep(wait)
                # Theirs fills meanwhile; in whole seconds that is the worse for it.
                self.held, self.at = 0.0, now()
            if self.enabled:
                self.refill()
                while self.held < 1 - 1e-9:
                    await asyncio.sleep((1 - self.held) / self.rate)
                    self.refill()
                self.held -= 1

    def refill(self) -> None:
        self.held = min(self.capacity, self.held + (now() - self.at) * self.rate)
        self.at = now()

    def change(self, rate: float) -> None:
        self.refill()
        self.rate = max(0.5, rate)
        self.capacity = max(1.0, rate)
        self.held = min(self.held, self.capacity)

    async def one(self, server: Hidden) -> None:
        await self.acquire()
        wait = await server.ask()
        measured = self.measured.record()
        if wait is None:
            rate = self.cubic.success_received(now())
        else:
            self.paused_until = max(self.paused_until, now() + wait)
            current = min(measured, self.rate) if self.enabled else measured
            rate = self.cubic.error_received(current, now())
            self.enabled = True
        self.change(min(rate, 2.0 * measured, self.ceiling))


async def play(make: Callable[[float], Client], scene: Scene) -> tuple[float, float]:
    """Return what was used, and what was refused in a minute."""
    server, client = Hidden(scene), make(scene.ceiling)

    async def work() -> None:
        while True:
            await client.one(server)

    tasks = [asyncio.create_task(work()) for _ in range(scene.tasks)]
    await asyncio.sleep(scene.seconds)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    return server.taken / server.held(), server.refused * 60 / scene.seconds


def main() -> None:
    sys.path.append(str(directory("botocore", sys.executable)))
    makers: tuple[Callable[[float], Client], ...] = (Ours, Botocore, Obeying)
    print("used / refused a minute\n")
    print("| a hidden limit of | ours | botocore's rule | obeying alone |")
    print("| --- | --- | --- | --- |")
    for scene in SCENES:
        cells: list[str] = []
        for make in makers:
            loop = looptime.new_event_loop(resolution=1e-9, noop_cycles=0)
            with asyncio.Runner(loop_factory=lambda loop=loop: loop) as runner:
                used, refused = runner.run(play(make, scene))
            cells.append(f"{used:.2f} / {refused:.0f}")
        print(f"| {scene.name} | {' | '.join(cells)} |", flush=True)
    print(f"\nbotocore {PINS['botocore']}, looptime {version('looptime')}.")


if __name__ == "__main__":
    main()
