"""
A chat bot: 30 messages a second in all, 1 to each chat, 20 a minute to a group.

Notice:
- A message takes from two or three limits in one step.  Ada's second message
  waits for her chat only, and takes nothing from what all share meanwhile.
- So nobody else is kept waiting.  Nesting the limits would do that; see
  docs/several-limits.md.
- The gardeners had a busy minute.  Their message would have to wait 3 s, and
  is refused at once instead.
"""

import asyncio

from aiolimiter import AsyncLimiter, CombinedLimiter, KeyedLimiter, RateLimitExceeded

everyone = AsyncLimiter(30, 1)
chats = KeyedLimiter(1, 1)
groups = KeyedLimiter(20, 60)


async def send(chat: str, text: str, start: float, *, group: bool = False) -> None:
    limits = [everyone, chats[chat], *([groups[chat]] if group else [])]
    try:
        await CombinedLimiter(*limits).acquire(max_wait=2.5)
    except RateLimitExceeded as refusal:
        text = f"not sent, try again in {refusal.retry_after:.0f} s"
    at = asyncio.get_running_loop().time() - start
    print(f"{at:.0f} s  {chat}: {text}")


async def main() -> None:
    groups["gardeners"].try_acquire(20)
    start = asyncio.get_running_loop().time()
    async with asyncio.TaskGroup() as tasks:
        for text in "one", "two", "three":
            tasks.create_task(send("Ada", text, start))
        tasks.create_task(send("Grace", "hello", start))
        tasks.create_task(send("cooks", "dinner!", start, group=True))
        tasks.create_task(send("gardeners", "rain!", start, group=True))


asyncio.run(main())

# 0 s  Ada: one
# 0 s  Grace: hello
# 0 s  cooks: dinner!
# 0 s  gardeners: not sent, try again in 3 s
# 1 s  Ada: two
# 2 s  Ada: three
