"""
A crawler of hosts that say nothing of their limits but no.

Notice:
- Each host has an `AdaptiveLimiter`: it starts slowly, goes faster while nothing is
  refused, and after a refusal goes back to less than what was taken lately.
- Nobody told the crawler that one host takes 40 a second and the other 8.
- It goes over each limit now and then: there is no other way to find it.
- A host is remembered as long as the program runs: what was found out is kept.
"""

import asyncio
import time
from collections import defaultdict

import httpx2

from aiolimiter import AdaptiveLimiter
from aiolimiter.httpx2 import RateLimitTransport

TAKES = {"quick.example": 40, "slow.example": 8}  # a second; what the crawler can't see
SECONDS, SETTLED = 6, 3


class Host:
    def __init__(self, rate: float) -> None:
        self.rate, self.held, self.at = rate, 1.0, 0.0
        self.taken: list[float] = []

    def answer(self) -> int:
        self.held = min(5.0, self.held + (time.monotonic() - self.at) * self.rate)
        self.at = time.monotonic()
        if self.held < 1:
            return 429
        self.held -= 1
        self.taken.append(time.monotonic())
        return 200


async def main() -> None:
    hosts = {name: Host(rate) for name, rate in TAKES.items()}
    # Certainly not more than 200.
    limits = defaultdict[str, AdaptiveLimiter](
        lambda: AdaptiveLimiter(200, 1, start=10)
    )

    async def answer(request: httpx2.Request) -> httpx2.Response:
        await asyncio.sleep(0.02)
        return httpx2.Response(hosts[request.url.host].answer())

    transport = RateLimitTransport(
        lambda request: limits[request.url.host],
        httpx2.MockTransport(answer),
        fallback=0.2,
    )

    async def crawl(name: str) -> None:
        while True:
            await client.get(f"https://{name}/")

    start = time.monotonic()
    async with httpx2.AsyncClient(transport=transport) as client:
        crawlers = [
            asyncio.create_task(crawl(name)) for name in hosts for _ in range(10)
        ]
        await asyncio.sleep(SECONDS)
        for crawler in crawlers:
            crawler.cancel()
        await asyncio.gather(*crawlers, return_exceptions=True)
    for name, host in hosts.items():
        late = [at for at in host.taken if at - start > SECONDS - SETTLED]
        used = len(late) / (host.rate * SETTLED)
        print(f"{name} used for more than half: {used > 0.5}")


asyncio.run(main())

# quick.example used for more than half: True
# slow.example used for more than half: True
