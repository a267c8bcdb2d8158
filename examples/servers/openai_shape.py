"""
A pretended OpenAI on 127.0.0.1: two limits, and fields that say what is left.

It counts requests, and the tokens that a question may need: its prompt and
``max_tokens``.  More than ``--requests`` or ``--tokens`` in ``--minute`` seconds are
refused with a 429.  After the 25th question somebody else, who has the same key,
takes half of the tokens.

Its first line of output is its port.  It ends when its input does; its last line is
what it counted.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys

from aiohttp import web

from aiolimiter import AsyncLimiter, CombinedLimiter

MESSAGE = {"role": "assistant", "content": "A bucket with a hole."}
CHOICE = {"index": 0, "finish_reason": "stop", "message": MESSAGE}
ANSWER = {
    "id": "1",
    "object": "chat.completion",
    "created": 0,
    "model": "pretended",
    "choices": [CHOICE],
}


class Model:
    """Its limits are ours, asked and not waited for."""

    def __init__(self, requests: float, tokens: float, minute: float) -> None:
        self._requests = AsyncLimiter(requests, minute)
        self._tokens = AsyncLimiter(tokens, minute)
        self._both = CombinedLimiter(requests=self._requests, tokens=self._tokens)
        self.counts = {"answered": 0, "refused": 0}

    async def answer(self, request: web.Request) -> web.Response:
        question = await request.json()
        letters = sum(len(message["content"]) for message in question["messages"])
        tokens = letters // 4 + question["max_tokens"]
        decision = self._both.try_acquire(requests=1, tokens=tokens)
        if not decision:
            self.counts["refused"] += 1
            return web.json_response({}, status=429, headers={"retry-after": "1"})
        self.counts["answered"] += 1
        if self.counts["answered"] == 25:
            self._tokens.try_acquire(self._tokens.burst / 2)
        left = {"requests": self._requests, "tokens": self._tokens}
        told = {
            f"x-ratelimit-remaining-{unit}": str(int(limiter.statistics().available))
            for unit, limiter in left.items()
        }
        return web.json_response(ANSWER, headers=told)


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    for name, default in [("requests", 500), ("tokens", 30_000), ("minute", 60)]:
        parser.add_argument(f"--{name}", type=float, default=default)
    model = Model(**vars(parser.parse_args()))
    app = web.Application()
    app.router.add_post("/v1/chat/completions", model.answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    print(runner.addresses[0][1], flush=True)
    await asyncio.to_thread(sys.stdin.read)
    await runner.cleanup()
    print(json.dumps(model.counts))


asyncio.run(main())
