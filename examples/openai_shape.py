"""
OpenAI's SDK, and a server like OpenAI's: requests, tokens, and what is left of them.

Notice:
- The line is `http_client=`: each attempt of the SDK waits until there is room for
  its request and for its tokens.  Nothing else of the program knows of it.
- A question costs its prompt and the longest answer it allows, as the server counts.
- Somebody else has the same key and takes half of the tokens.  The server says how
  many are left, so everybody waits, and not one question is refused.
- The same questions without the line, for comparison.  So as not to bore you, a
  minute lasts 3 seconds here.
"""

import asyncio
import json
import sys
from asyncio.subprocess import PIPE
from pathlib import Path

import httpx2
import openai

from aiolimiter import AsyncLimiter, CombinedLimiter
from aiolimiter.httpx2 import event_hooks

SERVER = Path(__file__).parent / "servers" / "openai_shape.py"
MINUTE, QUESTIONS, MAX_TOKENS = 3, 60, 70

model = CombinedLimiter(
    requests=AsyncLimiter(60, MINUTE, burst=20),
    tokens=AsyncLimiter(6_000, MINUTE, burst=2_000),
)


def cost(request: httpx2.Request) -> dict[str, float]:
    question = json.loads(request.content)
    letters = sum(len(message["content"]) for message in question["messages"])
    return {"requests": 1, "tokens": letters // 4 + question["max_tokens"]}


async def ask(http_client: httpx2.AsyncClient) -> None:
    command = [sys.executable, str(SERVER), "--minute", str(MINUTE)]
    command += ["--requests", "60", "--tokens", "6000"]
    server = await asyncio.create_subprocess_exec(*command, stdin=PIPE, stdout=PIPE)
    assert server.stdout is not None
    url = f"http://127.0.0.1:{int(await server.stdout.readline())}/v1"
    async with openai.AsyncOpenAI(
        api_key="none", base_url=url, http_client=http_client, max_retries=0
    ) as client:
        answers = [
            client.chat.completions.create(
                model="pretended",
                max_tokens=MAX_TOKENS,
                messages=[{"role": "user", "content": "What is a leaky bucket? " * 5}],
            )
            for _ in range(QUESTIONS)
        ]
        await asyncio.gather(*answers, return_exceptions=True)
    counts = json.loads((await server.communicate(b"bye"))[0])
    print(f"answered: {counts['answered']}, refused: {counts['refused']}")


async def main() -> None:
    hooks = event_hooks(model, cost=cost, tell="requests")
    await ask(openai.DefaultAsyncHttpxClient(event_hooks=hooks))
    await ask(openai.DefaultAsyncHttpxClient())


asyncio.run(main())

# answered: 60, refused: 0
# answered: ..., refused: ...
