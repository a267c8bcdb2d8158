"""
The same rate with a burst and without.

Notice:
- A fresh limiter lets a whole max_rate through at once.  Many servers like
  that, and those who wait like it too.
- Where even spacing matters more, burst=1 gives it: the first goes at once,
  each other one 0.3 s after the one before.
- A pace has its price: the last of the six goes 0.9 s later.
"""

import asyncio

from aiolimiter import AsyncLimiter


async def admissions(limiter: AsyncLimiter, count: int) -> list[str]:
    """Let *count* tasks come at once; return when each was admitted."""
    loop = asyncio.get_running_loop()
    start = loop.time()

    async def admitted() -> str:
        await limiter.acquire()
        return f"{loop.time() - start:.1f}"

    return await asyncio.gather(*(admitted() for _ in range(count)))


async def main() -> None:
    rush, pace = await asyncio.gather(
        admissions(AsyncLimiter(4, 1.2), 6),
        admissions(AsyncLimiter(4, 1.2, burst=1), 6),
    )
    print("burst=4:", *rush)
    print("burst=1:", *pace)


asyncio.run(main())

# burst=4: 0.0 0.0 0.0 0.0 0.3 0.6
# burst=1: 0.0 0.3 0.6 0.9 1.2 1.5
