"""
A client of a language model that counts requests and tokens, as the model does.

Notice:
- One request takes from both limits in one step, or waits and takes nothing.
- Before a request only an estimate is known: the prompt, and the longest
  answer allowed.  That is reserved; settling gives back what was not needed.
- A minute is counted as 2 % longer than it is.  The model counts requests when
  they arrive, and one may be longer on its way than the next.
- The model is a process of its own and lets nothing slip.  It refuses nobody,
  and nearly all it allows is used.  So as not to bore you, its minute here
  lasts 3 seconds.
"""

import asyncio
import json
import sys
from asyncio.subprocess import PIPE
from pathlib import Path

from aiolimiter import CombinedLimiter, SlidingWindowLimiter

SERVER = Path(__file__).parent / "servers" / "language_model.py"
MINUTE = 3
OUR_MINUTE = MINUTE * 1.02
MAX_TOKENS = 200

tokens = SlidingWindowLimiter(15_000, OUR_MINUTE)
model = CombinedLimiter(requests=SlidingWindowLimiter(150, OUR_MINUTE), tokens=tokens)


async def ask(port: int, prompt: str) -> None:
    """Ask one question after the other, for ever."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    question = {"prompt": prompt, "max_tokens": MAX_TOKENS}
    estimate = len(prompt) // 4 + MAX_TOKENS
    try:
        while True:
            async with model.reserve(requests=1, tokens=estimate) as reservation:
                writer.write(json.dumps(question).encode() + b"\n")
                answer = json.loads(await reader.readline())
                reservation.settle(tokens=answer.get("tokens", 0))
                # Should it ever say no, everybody waits, not only we.
                tokens.pause(answer.get("retry_after", 0))
    finally:
        writer.close()


async def main() -> None:
    command = [sys.executable, str(SERVER), "--window", str(MINUTE)]
    command += ["--requests", "150", "--tokens", "15000"]
    server = await asyncio.create_subprocess_exec(*command, stdin=PIPE, stdout=PIPE)
    assert server.stdout is not None
    port = int(await server.stdout.readline())
    try:
        async with asyncio.timeout(2 * OUR_MINUTE), asyncio.TaskGroup() as group:
            for _ in range(40):
                group.create_task(ask(port, "What is a leaky bucket? " * 7))
    except TimeoutError:
        counts = json.loads((await server.communicate(b"bye"))[0])
        share = counts["tokens"] / (15_000 * 2 * OUR_MINUTE / MINUTE)
        print(f"requests that it refused: {counts['refused']}")
        print(f"used 95 % or more of the tokens it allows: {share >= 0.95}")


asyncio.run(main())

# requests that it refused: 0
# used 95 % or more of the tokens it allows: True
