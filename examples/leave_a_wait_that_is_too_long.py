"""
A server that would rather say no than keep somebody waiting.

Notice:
- Two requests go at once, the third waits half a second, for it may.
- The others are refused at once: a limiter knows how long a wait will be, so
  nobody waits only to be told that it was in vain.
- The refusal says when to come back.
"""

import asyncio

from aiolimiter import AsyncLimiter, RateLimitExceeded

limiter = AsyncLimiter(2, 1)


async def handle(number: int, start: float) -> None:
    try:
        await limiter.acquire(max_wait=0.7)
    except RateLimitExceeded as refusal:
        answer = f"429, come back in {refusal.retry_after:.1f} s"
    else:
        answer = "200"
    at = asyncio.get_running_loop().time() - start
    print(f"{at:.1f} s  request {number}: {answer}")


async def main() -> None:
    start = asyncio.get_running_loop().time()
    async with asyncio.TaskGroup() as group:
        for number in range(1, 6):
            group.create_task(handle(number, start))

    # Who never wants to wait asks for a decision, which is true or false.
    decision = limiter.try_acquire()
    if not decision:
        print(f"not now, but in {decision.retry_after:.1f} s")


asyncio.run(main())

# 0.0 s  request 1: 200
# 0.0 s  request 2: 200
# 0.0 s  request 4: 429, come back in 1.0 s
# 0.0 s  request 5: 429, come back in 1.0 s
# 0.5 s  request 3: 200
# not now, but in 0.5 s
