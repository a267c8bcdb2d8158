"""
Ten keys to one language model, each with limits of its own.

Notice:
- Each key has a bucket for its requests and one for its tokens; a question
  takes from both of its key in one step.
- A question goes to the key with the most left, those who wait counted.
- 100 questions come at once.  A key lets 5 through at first and 5 a second
  from then on, so ten keys answer them all in one second, and share evenly.
"""

import asyncio
from collections import Counter

from aiolimiter import CombinedLimiter, KeyedLimiter

requests = KeyedLimiter(5, 1)
tokens = KeyedLimiter(4000, 1)
keys = [f"key {number}" for number in range(10)]
asked: Counter[str] = Counter()


def left(key: str) -> float:
    # Who waits for both waits in the line of the one that takes longer.
    lines = requests[key].statistics(), tokens[key].statistics()
    return lines[0].available - sum(line.waiting for line in lines)


async def ask(question: str) -> None:
    key = max(keys, key=left)
    model = CombinedLimiter(requests=requests[key], tokens=tokens[key])
    async with model.reserve(requests=1, tokens=600) as reservation:
        asked[key] += 1
        tokens_used = 100 + len(question)  # here a real model would come in
        reservation.settle(tokens=tokens_used)


async def main() -> None:
    clock = asyncio.get_running_loop().time
    start = clock()
    await asyncio.gather(*(ask("What is a leaky bucket?") for _ in range(100)))
    print(f"100 answers after {clock() - start:.0f} s")
    print("asked of each key:", *asked.values())


asyncio.run(main())

# 100 answers after 1 s
# asked of each key: 10 10 10 10 10 10 10 10 10 10
