"""A limit that changes and that nobody tells, and how an `AdaptiveLimiter` follows."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

from strip import Stretch, Strip, Tone
from virtual import virtual

from aiolimiter import AdaptiveLimiter

BURST, TRIP, TASKS = 20.0, 0.05, 50
SECONDS, LESS = 180.0, (60.0, 120.0)
# So many that are taken are a dot, and each that is refused is one; those of so
# many seconds stand on each other.
DOT, COLUMN = 20, 3.0


class Server:
    """Takes 100 a second, and 40 in the second minute; says no more than no."""

    def __init__(self) -> None:
        self.left, self.at = BURST, 0.0
        self.taken: list[float] = []
        self.refused: list[float] = []

    async def ask(self) -> float | None:
        """Return None, or how long to wait."""
        await asyncio.sleep(TRIP / 2)
        now = asyncio.get_running_loop().time()
        rate = 40.0 if LESS[0] <= now < LESS[1] else 100.0
        self.left = min(BURST, self.left + (now - self.at) * rate)
        self.at = now
        await asyncio.sleep(TRIP / 2)
        if self.left < 1.0:
            self.refused.append(now)
            return (1.0 - self.left) / rate
        self.left -= 1.0
        self.taken.append(now)
        return None


def followed() -> list[Strip]:
    """Fifty tasks that always want more, for three minutes."""
    server = virtual(asked())
    return [
        Strip(
            f"AdaptiveLimiter(300, 1), {DOT} requests a dot",
            [*columns(server.taken, DOT, Tone.DOT), *columns(server.refused, 1)],
            Stretch(*LESS, "40 a second, else 100"),
        )
    ]


async def asked() -> Server:
    """Ask until the time is over."""
    server, limiter = Server(), AdaptiveLimiter(300, 1)

    async def work() -> None:
        while True:
            async with limiter.attempt() as attempt:
                wait = await server.ask()
                if wait is not None:
                    attempt.refused(wait)

    tasks = [asyncio.create_task(work()) for _ in range(TASKS)]
    await asyncio.sleep(SECONDS)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    return server


def columns(
    instants: list[float], each: int, tone: Tone = Tone.LOUD
) -> Iterator[tuple[float, Tone]]:
    """Go through the dots: one for *each* so many in one column, to the nearest."""
    for column in range(int(SECONDS / COLUMN)):
        start = column * COLUMN
        many = sum(start <= at < start + COLUMN for at in instants)
        for _ in range(round(many / each)):
            yield start + COLUMN / 2, tone
