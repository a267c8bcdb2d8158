"""A fleet that asks a language model: what it may is used, and nothing is refused."""

from __future__ import annotations

import asyncio
import json
import random
import sys
from asyncio.subprocess import PIPE
from pathlib import Path

import pytest

pytestmark = pytest.mark.real_time

ASKER = Path(__file__).with_name("asker.py")
# What the model accepts, a second and at once; of it we keep back what may be held up
# on its way.
TOKENS, REQUESTS = 5_000.0, 80.0
OURS = 0.95
SECONDS = 10.0


class Model:
    """Counts as most models do: the longest answer at first, then what it took."""

    def __init__(self) -> None:
        self._random = random.Random(7)
        self._levels = {"tokens": 0.0, "requests": 0.0}
        self._at = 0.0
        self.used = self.refused = 0

    def _fits(self, most: float) -> bool:
        now = asyncio.get_running_loop().time()
        past, self._at = now - self._at, now
        for name, rate in (("tokens", TOKENS), ("requests", REQUESTS)):
            self._levels[name] = max(0.0, self._levels[name] - past * rate)
        tokens, requests = self._levels["tokens"] + most, self._levels["requests"] + 1
        if tokens > TOKENS or requests > REQUESTS:
            return False
        self._levels = {"tokens": tokens, "requests": requests}
        return True

    async def answer(self, prompt: str, max_tokens: int) -> dict[str, float]:
        """Answer in a random time with a random number of tokens."""
        prompt_tokens = len(prompt) // 4
        most = prompt_tokens + max_tokens
        if not self._fits(most):
            self.refused += 1
            return {"retry_after": 0.1}
        await asyncio.sleep(self._random.uniform(0.05, 0.2))
        took = prompt_tokens + self._random.randint(1, max_tokens)
        self._levels["tokens"] = max(0.0, self._levels["tokens"] + took - most)
        self.used += took
        return {"tokens": took}

    async def talk(self, reader, writer) -> None:
        """Serve one connection until it is closed."""
        async for line in reader:
            answer = await self.answer(**json.loads(line))
            writer.write(json.dumps(answer).encode() + b"\n")
        writer.close()


async def test_a_fleet_uses_a_model_s_tokens_and_is_never_refused(valkey, name):
    """Four processes share requests and tokens: 95 % used, none refused."""
    model = Model()
    async with await asyncio.start_server(model.talk, "127.0.0.1", 0) as server:
        spec = {
            "socket": str(valkey.socket),
            "name": name,
            "port": server.sockets[0].getsockname()[1],
            "requests": (REQUESTS * OURS, 1),
            "tokens": (TOKENS * OURS, 1),
            "seconds": SECONDS,
        }
        command = [sys.executable, str(ASKER), json.dumps(spec)]
        askers = [
            await asyncio.create_subprocess_exec(*command, stdin=PIPE, stdout=PIPE)
            for _ in range(4)
        ]
        try:
            assert [await a.stdout.readline() for a in askers] == [b"ready\n"] * 4
            for asker in askers:
                asker.stdin.write(b"\n")
            async with asyncio.timeout(60):
                ended = [await asker.wait() for asker in askers]
        finally:
            for asker in askers:
                if asker.returncode is None:
                    asker.kill()

    # Nobody's asking ended by itself.
    assert ended == [0] * 4
    assert model.refused == 0
    assert model.used >= 0.95 * TOKENS * SECONDS
