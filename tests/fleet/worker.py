"""
One process of a fleet: tasks that take from a shared limit as fast as they may.

Started by `Fleet` with a description as JSON.  It says ``ready``, waits for a
line, takes until its time is over, and notes each admission in a file at once,
so that what it got is known even if it is killed.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from importlib import import_module
from typing import Any


def limiter(spec: dict[str, Any]) -> Any:
    """Make the limiter of *spec*."""
    options = spec["options"]
    if "path" in spec:
        make = import_module("aiolimiter.local").FileLimiter
        return make(spec["path"], *spec["limit"], **options)
    make = import_module("aiolimiter.redis").RedisLimiter
    client = import_module("redis.asyncio").Redis(unix_socket_path=spec["socket"])
    return make(client, spec["name"], *spec["limit"], **options)


def say(text: str) -> None:
    """Tell whoever started this."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


async def take(shared: Any, spec: dict[str, Any], out: int, until: float) -> None:
    """Take until the time is over."""
    while time.monotonic() < until:
        await shared.acquire(spec["amount"])
        os.write(out, f"{time.monotonic()!r} {spec['amount']}\n".encode())


async def heartbeat(lags: list[float]) -> None:
    """Note by how much the loop is late."""
    while True:
        due = time.monotonic() + 0.01
        await asyncio.sleep(0.01)
        lags.append(time.monotonic() - due)


async def main(spec: dict[str, Any]) -> None:
    """Run one worker."""
    shared = limiter(spec)
    out = os.open(spec["out"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    say("ready")
    await asyncio.to_thread(sys.stdin.readline)
    lags: list[float] = [0.0]
    beat = asyncio.create_task(heartbeat(lags))
    until = time.monotonic() + spec["seconds"]
    tasks = [
        asyncio.create_task(take(shared, spec, out, until))
        for _ in range(spec["tasks"])
    ]
    _, late = await asyncio.wait(tasks, timeout=spec["seconds"] + spec["grace"])
    errors = [repr(t.exception()) for t in tasks if t.done() and t.exception()]
    beat.cancel()
    say(json.dumps({"stranded": len(late), "lag": max(lags), "errors": errors}))
    # Whoever is stranded is counted; nobody waits for them.
    os._exit(0)


asyncio.run(main(json.loads(sys.argv[1])))
