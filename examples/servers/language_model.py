"""
A pretended language model on 127.0.0.1, whose limits are strict.

In no window of ``--window`` seconds does it accept more requests than
``--requests``, nor more tokens than ``--tokens``.  Like the real ones it first
counts all that an answer may need (prompt and ``max_tokens``), and what the
answer took once that is known.  Whoever asks for more gets a 429.

It speaks JSON, a line each way: ``{"prompt": …, "max_tokens": …}`` is answered
by ``{"status": 200, "tokens": …}`` or ``{"status": 429, "retry_after": …}``.
Its first line of output is its port.  It ends when its input does; its last
line is what it counted.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import sys
from collections import deque


class Window:
    """What was counted in the last *seconds*, entry by entry."""

    def __init__(self, limit: float, seconds: float) -> None:
        self._limit = limit
        self._seconds = seconds
        # [instant, amount]; the amount is corrected when it is known better.
        self._entries: deque[list[float]] = deque()

    def wait(self, amount: float, now: float) -> float:
        """Seconds until *amount* fits; 0.0 if it does."""
        while self._entries and self._entries[0][0] <= now - self._seconds:
            self._entries.popleft()
        excess = sum(counted for _, counted in self._entries) + amount - self._limit
        for at, counted in self._entries:
            if excess <= 0.0:
                break
            excess -= counted
            if excess <= 0.0:
                return at + self._seconds - now
        return 0.0

    def count(self, amount: float, now: float) -> list[float]:
        """Count *amount*, which fits."""
        entry = [now, amount]
        self._entries.append(entry)
        return entry


class Model:
    """Answers in a random time with a random number of tokens."""

    def __init__(self, requests: float, tokens: float, window: float) -> None:
        self._requests = Window(requests, window)
        self._tokens = Window(tokens, window)
        self._random = random.Random(7)
        self.talks: set[asyncio.Task[None] | None] = set()
        self.counts = {"requests": 0, "tokens": 0, "refused": 0}

    async def answer(self, prompt: str, max_tokens: int) -> dict[str, float]:
        """Answer one request, or refuse it."""
        now = asyncio.get_running_loop().time()
        prompt_tokens = len(prompt) // 4
        most = prompt_tokens + max_tokens
        wait = max(self._requests.wait(1, now), self._tokens.wait(most, now))
        if wait > 0.0:
            self.counts["refused"] += 1
            return {"status": 429, "retry_after": wait}
        self.counts["requests"] += 1
        self._requests.count(1, now)
        entry = self._tokens.count(most, now)
        await asyncio.sleep(self._random.uniform(0.02, 0.1))
        entry[1] = tokens = prompt_tokens + self._random.randint(1, max_tokens)
        self.counts["tokens"] += tokens
        return {"status": 200, "tokens": tokens}

    async def talk(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """Serve one connection until it is closed."""
        self.talks.add(asyncio.current_task())
        async for line in reader:
            answer = await self.answer(**json.loads(line))
            writer.write(json.dumps(answer).encode() + b"\n")
        writer.close()


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    for name, default in [("requests", 100), ("tokens", 10_000), ("window", 2)]:
        parser.add_argument(f"--{name}", type=float, default=default)
    model = Model(**vars(parser.parse_args()))
    async with await asyncio.start_server(model.talk, "127.0.0.1", 0) as server:
        print(server.sockets[0].getsockname()[1], flush=True)
        await asyncio.to_thread(sys.stdin.read)
        await asyncio.gather(*filter(None, model.talks), return_exceptions=True)
    print(json.dumps(model.counts))


asyncio.run(main())
