"""
A process whose tasks do to one limit whatever a task may do, at random.

It notes the slot of each admission on the clock of the store, what of it
counts, and when it ran; as `rove` reads it.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import sys
import time
from contextlib import suppress
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from aiolimiter._core.shared.trip import Booking

RateLimitExceeded = import_module("aiolimiter").RateLimitExceeded


class Rover:
    """
    Takes, gives up, settles and pauses.

    Args:
        limiter: What it takes from.
        spec: ``limits`` (a rate and period each), ``burst`` (the largest amount),
            how often it ``settles``, ``changes`` and ``resets``, ``seed``.
        out: Where it notes.
        clock: The store's, in microseconds.
    """

    def __init__(self, limiter: Any, spec: dict[str, Any], out: int, clock: Any):
        self._limiter = limiter
        self._spec = spec
        self._out = out
        self._clock = clock
        self._random = random.Random(spec["seed"])
        self._entries = spec["seed"] * 1_000_000

    async def live(self, until: float) -> None:
        """Do one thing after the other."""
        deeds = [self._take] * 15 + [self._hurry] * 6
        deeds += [self._give_up] * 5 + [self._pause]
        deeds += [self._settle, self._give_up_at_last] * self._spec["settles"]
        deeds += [self._give_up_in_bulk] * self._spec["settles"]
        deeds += [self._reset] * self._spec.get("resets", 0)
        deeds += [self._change] * self._spec.get("changes", 0)
        while time.monotonic() < until:
            await self._random.choice(deeds)()
            if self._random.random() < 0.3:
                await asyncio.sleep(self._random.random() * 0.1)

    def _amount(self) -> float:
        most = self._spec["burst"]
        amounts = (
            [0.5, 2, 2, most / 3] + [1] * 12 + [most] * (self._random.random() < 0.2)
        )
        return min(most, self._random.choice(amounts))

    def _note(self, booking: Booking, amount: float) -> int:
        self._entries += 1
        early = booking.due - self._clock()
        self._write(self._entries, booking.due, amount, early)
        return self._entries

    def _write(self, *words: float) -> None:
        os.write(self._out, f"{' '.join(map(repr, words))}\n".encode())

    async def _take(self) -> None:
        amount = self._amount()
        self._note(await self._limiter._book(amount, None), amount)

    async def _give_up(self) -> None:
        # Queued, on its way, or booked; or granted, and before it runs.
        task = asyncio.create_task(self._take())
        for _ in range(self._random.randrange(12)):
            await asyncio.sleep(0)
        await asyncio.sleep(self._random.choice([0, 0.1]) * self._random.random())
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task

    async def _give_up_at_last(self) -> None:
        amount, line = self._amount(), self._limiter._line

        async def wait() -> None:
            turn = line.ask(amount, None)
            turn.add_done_callback(lambda _: task.cancel())
            try:
                await turn
            finally:
                line.lost(turn, amount)

        task = asyncio.create_task(wait())
        with suppress(asyncio.CancelledError):
            await task

    async def _give_up_in_bulk(self) -> None:
        tasks = [asyncio.create_task(self._take()) for _ in range(20)]
        await asyncio.sleep(self._random.choice([0, 0.001, 0.05]))
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _hurry(self) -> None:
        amount = self._amount()
        try:
            booking = await self._limiter._book(amount, self._random.random() * 0.3)
        except RateLimitExceeded:
            return
        self._note(booking, amount)

    async def _settle(self) -> None:
        amount = self._amount()
        async with self._limiter.reserve(amount) as reservation:
            entry = self._note(reservation._booking, amount)
            await asyncio.sleep(self._random.random() * 0.05)
            actual = self._random.choice([0, amount / 2, amount, amount * 1.5])
            await reservation.settle(actual)
            self._write(entry, reservation._booking.due, min(amount, actual), 0)

    async def _pause(self) -> None:
        await self._limiter.pause(self._random.random() * 0.1)

    async def _reset(self) -> None:
        await self._limiter.reset()

    async def _change(self) -> None:
        # Never beyond what the slots are held against.
        part = self._random.choice([0.5, 0.7, 1])
        if len(self._spec["limits"]) == 1:
            ((rate, _),), burst = self._spec["limits"], self._spec["burst"]
            await self._limiter.change(max_rate=rate * part, burst=burst)
            return
        rates = [(rate, period / part) for rate, period in self._spec["limits"]]
        # One more may come, and go.
        more = [(rates[-1][0] * 2, rates[-1][1] * 3)] * self._random.randrange(2)
        await self._limiter.change(max_rate=rates + more)


def made(spec: dict[str, Any]) -> tuple[Any, Any]:
    """The limiter, and the clock of its store."""
    limits, options = spec["limits"], {"burst": spec["burst"]}
    if "path" in spec:
        limiter = import_module("aiolimiter.local").FileLimiter
        return limiter(
            spec["path"], *limits[0], **options
        ), lambda: time.monotonic_ns() // 1000
    limiter = import_module("aiolimiter.redis").RedisLimiter
    client = import_module("redis.asyncio").Redis(unix_socket_path=spec["socket"])
    limit, options = (limits[0], options) if len(limits) == 1 else ([limits], {})
    shared = limiter(client, spec["name"], *limit, on_error="wait", **options)
    return shared, lambda: time.time_ns() // 1000


async def main(spec: dict[str, Any]) -> None:
    """Rove for as long as it is told, and tell who did not come to an end."""
    limiter, clock = made(spec)
    out = os.open(spec["out"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    until = time.monotonic() + spec["seconds"]
    rovers = [
        Rover(limiter, {**spec, "seed": spec["seed"] + i}, out, clock)
        for i in range(spec["tasks"])
    ]
    tasks = [asyncio.create_task(rover.live(until)) for rover in rovers]
    _, late = await asyncio.wait(tasks, timeout=spec["seconds"] + spec["grace"])
    errors = [repr(t.exception()) for t in tasks if t.done() and t.exception()]
    sys.stdout.write(json.dumps({"stranded": len(late), "errors": errors}))
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    asyncio.run(main(json.loads(sys.argv[1])))
