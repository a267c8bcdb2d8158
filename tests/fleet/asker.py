"""
A process that asks a language model, within two limits that it shares with others.

Started with a description as JSON; it says ``ready``, waits for a line, and asks
for ``seconds``.
"""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

import redis.asyncio

from aiolimiter.redis import RedisLimiter

MAX_TOKENS = 200
PROMPT = "What is a leaky bucket? " * 7
ESTIMATE = len(PROMPT) // 4 + MAX_TOKENS


async def ask(port: int, requests: RedisLimiter, tokens: RedisLimiter) -> None:
    """Ask one question after the other, for ever."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    question = json.dumps({"prompt": PROMPT, "max_tokens": MAX_TOKENS}).encode()
    while True:
        async with requests, tokens.reserve(ESTIMATE) as reservation:
            writer.write(question + b"\n")
            answer = json.loads(await reader.readline())
            await reservation.settle(answer.get("tokens", 0))
            if "retry_after" in answer:
                await tokens.pause(answer["retry_after"])


async def main(spec: dict[str, Any]) -> None:
    """Ask for a while."""
    client = redis.asyncio.Redis(unix_socket_path=spec["socket"])
    requests, tokens = (
        RedisLimiter(client, f"{spec['name']} {unit}", *spec[unit])
        for unit in ("requests", "tokens")
    )
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    await asyncio.to_thread(sys.stdin.readline)
    asking = [
        asyncio.create_task(ask(spec["port"], requests, tokens)) for _ in range(10)
    ]
    done, _ = await asyncio.wait(asking, timeout=spec["seconds"])
    for task in asking:
        task.cancel()
    await asyncio.gather(*asking, return_exceptions=True)
    sys.exit(len(done))


if __name__ == "__main__":
    asyncio.run(main(json.loads(sys.argv[1])))
