"""
A crawler that starts at most three requests in 1.2 seconds.

Notice:
- All six pages are wanted at once.  Three go at once, which is the burst;
  the others follow one each 0.4 s, whenever an answer arrives.
- The limiter spaces the starts.  It is not held while a page is read, so
  slow answers overlap; a semaphore is what would bound how many.
"""

import asyncio

from aiolimiter import AsyncLimiter

# Made once, for all who talk to this site; no loop needs to run yet.
limiter = AsyncLimiter(3, 1.2)


class Site:
    """Stands in for a site: it answers, but takes half a second."""

    def __init__(self) -> None:
        self._start = asyncio.get_running_loop().time()
        self._reading = 0
        self.busiest = 0

    async def get(self, path: str) -> None:
        """Read a page; here a real client would come in."""
        at = asyncio.get_running_loop().time() - self._start
        print(f"{at:.1f} s  GET {path}")
        self._reading += 1
        self.busiest = max(self.busiest, self._reading)
        await asyncio.sleep(0.5)
        self._reading -= 1


async def fetch(site: Site, path: str) -> None:
    async with limiter:
        await site.get(path)


async def main() -> None:
    site = Site()
    async with asyncio.TaskGroup() as group:
        for number in range(1, 7):
            group.create_task(fetch(site, f"/page/{number}"))
    print(f"up to {site.busiest} at the same time")


asyncio.run(main())

# 0.0 s  GET /page/1
# 0.0 s  GET /page/2
# 0.0 s  GET /page/3
# 0.4 s  GET /page/4
# 0.8 s  GET /page/5
# 1.2 s  GET /page/6
# up to 4 at the same time
