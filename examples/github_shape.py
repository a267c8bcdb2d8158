"""
A server like GitHub's: a fixed window, and a 403 when it is used up.

Notice:
- Somebody else uses the window up, with the same key.  So one request is refused,
  with a 403 that says when the window is renewed.
- The client pauses until then, and sends it again: whoever called `get` has seen
  nothing but a 200.
- A 403 without such evidence is no limit, and would be returned as it came.
"""

import asyncio
import time

import httpx2

from aiolimiter import AsyncLimiter
from aiolimiter.httpx2 import RateLimitTransport

LIMIT, WINDOW = 10, 2


class GitHub:
    def __init__(self) -> None:
        self.left, self.renewed = LIMIT, time.time() + WINDOW
        self.statuses: list[int] = []

    async def answer(self, request: httpx2.Request) -> httpx2.Response:
        if time.time() >= self.renewed:
            self.left, self.renewed = LIMIT, time.time() + WINDOW
        status = 200 if self.left > 0 else 403
        self.left = max(0, self.left - 1)
        self.statuses.append(status)
        told = {
            "x-ratelimit-limit": str(LIMIT),
            "x-ratelimit-remaining": str(self.left),
            "x-ratelimit-reset": f"{self.renewed:.3f}",
        }
        if self.left == 5:
            self.left = 0  # somebody else, with the same key
        return httpx2.Response(status, headers=told)


async def main() -> None:
    github = GitHub()
    limiter = AsyncLimiter(20, 1)
    transport = RateLimitTransport(limiter, httpx2.MockTransport(github.answer))
    async with httpx2.AsyncClient(transport=transport) as client:
        start = time.time()
        for _ in range(8):
            response = await client.get("https://api.example.com/user")
            assert response.status_code == 200
        seconds = time.time() - start
    print("the server said:", *github.statuses)
    print("one window was waited for:", WINDOW <= seconds + 0.1 < 2 * WINDOW)


asyncio.run(main())

# the server said: 200 200 200 200 200 403 200 200 200
# one window was waited for: True
