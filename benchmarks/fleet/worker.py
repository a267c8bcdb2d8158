"""One process of a fleet: tasks that take as fast as a limiter lets them.

``python -m benchmarks.fleet.worker '{...}'`` says ``ready``, waits for a line,
and prints when it was admitted and what that cost the processor, as JSON.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from typing import Any

from .contenders import CONTENDERS


async def main(spec: dict[str, Any]) -> None:
    """Take for as long as it is told."""
    contender = CONTENDERS[spec["contender"]]
    acquire = await contender.make(spec["socket"], spec["name"], spec["rate"])
    admitted: list[float] = []
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.readline)

    async def take() -> None:
        while True:
            await acquire()
            admitted.append(time.monotonic())

    before = time.process_time()
    tasks = [asyncio.create_task(take()) for _ in range(spec["tasks"])]
    # Not cancelled: some clients take seconds to let go.
    done, _ = await asyncio.wait(
        tasks, timeout=spec["seconds"], return_when=asyncio.FIRST_EXCEPTION
    )
    cpu = time.process_time() - before
    for task in done:
        task.result()
    print(json.dumps({"admitted": admitted, "cpu": cpu}), flush=True)
    os._exit(0)


if __name__ == "__main__":
    asyncio.run(main(json.loads(sys.argv[1])))
