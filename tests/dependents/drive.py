"""
Drive libraries that are written for aiolimiter 1.x: `make dependents`.

Each has the limiter of this repository in its place, and nothing else changed;
what it sends is looked at from outside, on the clock on the wall.
"""

from __future__ import annotations

import asyncio
import time

import httpx
from httpx_limiter import AsyncRateLimitedTransport, Rate
from httpx_limiter.aiolimiter import AiolimiterAsyncLimiter
from restgdf import ResilienceConfig
from restgdf.resilience import ResilientSession
from telegram.ext import AIORateLimiter

import aiolimiter

# Seconds: a busy machine is no error.
LATE = 2


async def python_telegram_bot():
    """A bot that may send 5 a second to all, and 2 to one group at first."""
    limiter = AIORateLimiter(
        overall_max_rate=5,
        overall_time_period=0.5,
        group_max_rate=2,
        group_time_period=0.4,
    )
    sent = []

    async def send(chat):
        sent.append((chat, time.monotonic() - start))
        return True

    start = time.monotonic()
    answers = await asyncio.gather(
        *(
            limiter.process_request(send, (chat,), {}, "sendMessage", data, None)
            for chat in (-1, -1, -1, -1, 7, 8, 9)
            for data in [{"chat_id": chat}]
        )
    )

    assert all(answers)
    expect([at for chat, at in sent if chat == -1], [0, 0, 0.2, 0.4])
    expect(sorted(at for _, at in sent), [0, 0, 0, 0, 0, 0.1, 0.2])


async def httpx_limiter():
    """A client of httpx that sends 2 at once, and then one each 0.2 s."""
    sent = []

    def answer(_):
        sent.append(time.monotonic() - start)
        return httpx.Response(200)

    transport = AsyncRateLimitedTransport(
        limiter=AiolimiterAsyncLimiter.create(Rate.create(2, 0.4)),
        transport=httpx.MockTransport(answer),
    )
    async with httpx.AsyncClient(transport=transport) as client:
        start = time.monotonic()
        await asyncio.gather(*(client.get("http://nobody.invalid") for _ in range(4)))

    expect(sent, [0, 0, 0.2, 0.4])


async def restgdf():
    """A session that asks each service 4 times a second, and two of them."""
    sent = {"one": [], "two": []}

    class Response:
        status = 200
        headers: dict[str, str] = {}  # noqa: RUF012 -- as in aiohttp

        def release(self):
            pass

    class Session:
        closed = False

        async def get(self, url, **_):
            sent[url.split("/")[3]].append(time.monotonic() - start)
            return Response()

    config = ResilienceConfig(enabled=True, rate_per_service_root_per_second=4)
    session = ResilientSession(Session(), config)
    start = time.monotonic()
    await asyncio.gather(
        *(
            session.get(f"http://nobody.invalid/{service}/FeatureServer")
            for service in ("one", "two")
            for _ in range(6)
        )
    )

    for instants in sent.values():
        expect(instants, [0, 0, 0, 0, 0.25, 0.5])


def expect(instants, due):
    """Nobody is early, nobody late but by a busy machine."""
    assert len(instants) == len(due), instants
    # All were asked for a moment after the start.
    on_time = (
        d <= at + 1e-6 and at <= d + LATE for at, d in zip(instants, due, strict=True)
    )
    assert all(on_time), (instants, due)


def main():
    """Drive them all."""
    assert hasattr(aiolimiter, "KeyedLimiter"), f"not ours: {aiolimiter.__file__}"
    for drive in (python_telegram_bot, httpx_limiter, restgdf):
        asyncio.run(asyncio.wait_for(drive(), 30))
        print(f"{drive.__name__} goes on as before")


main()
