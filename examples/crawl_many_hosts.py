"""
A crawler that is polite to each host, and quick with all of them.

Notice:
- Each host has a limit of its own, made when it is first needed: a page each
  second, and no rush.
- The pages of the large host wait for each other; those of the small ones go
  at once.
- A host is forgotten as soon as it is as good as new, so the crawler may meet
  millions of them.
"""

import asyncio
from urllib.parse import urlsplit

from aiolimiter import KeyedLimiter

hosts = KeyedLimiter(1, 1)

PAGES = [
    "http://large.example/1",
    "http://large.example/2",
    "http://large.example/3",
    "http://small.example/",
    "http://tiny.example/",
]


async def fetch(url: str, start: float) -> None:
    async with hosts[urlsplit(url).hostname]:
        at = asyncio.get_running_loop().time() - start
        print(f"{at:.0f} s  GET {url}")  # here a real client would come in


async def main() -> None:
    start = asyncio.get_running_loop().time()
    async with asyncio.TaskGroup() as group:
        for url in PAGES:
            group.create_task(fetch(url, start))
    print("hosts remembered:", len(list(hosts)))
    await asyncio.sleep(1.1)
    print("hosts remembered:", len(list(hosts)))


asyncio.run(main())

# 0 s  GET http://large.example/1
# 0 s  GET http://small.example/
# 0 s  GET http://tiny.example/
# 1 s  GET http://large.example/2
# 2 s  GET http://large.example/3
# hosts remembered: 1
# hosts remembered: 0
