"""
A service behind a proxy: each client has a limit of its own, whatever it writes.

Notice:
- All that the service sees of its clients is the proxy.  `Forwarded` believes what
  the proxy added to X-Forwarded-For, and nothing that stands left of it.
- "greedy" asks 20 times a second, and gets 5 at once, then 5 a second.  "forger"
  does so in the name of somebody else each time, and gets no more.
- "modest" asks 4 times a second and is served as if it were alone.
- `#` was served, `.` was refused.  The clients' addresses are those of Linux.
- The service alone: uvicorn --app-dir examples --no-proxy-headers behind_a_proxy:app
"""

import asyncio
import socket
import sys
from asyncio.subprocess import PIPE
from pathlib import Path

import httpx2
import uvicorn
from fastapi import FastAPI

from aiolimiter import KeyedLimiter
from aiolimiter.asgi import Forwarded, RateLimitMiddleware

PROXY = Path(__file__).parent / "servers" / "proxy.py"
SECONDS = 2

app = FastAPI()
app.add_middleware(
    RateLimitMiddleware,
    limit=KeyedLimiter(5, 1, max_keys=100_000),
    key=Forwarded(["127.0.0.1"]),
)


@app.get("/")
async def hello() -> str:
    return "hello"


async def client(name: str, port: int, address: str, rate: float) -> str:
    """Ask *rate* times a second from *address*, and draw what came of it."""
    drawn, transport = "", httpx2.AsyncHTTPTransport(local_address=address)
    async with httpx2.AsyncClient(transport=transport) as http:
        for number in range(int(SECONDS * rate)):
            forged = {"X-Forwarded-For": f"6.6.6.{number}"} if name == "forger" else {}
            answer = await http.get(f"http://127.0.0.1:{port}/", headers=forged)
            drawn += "." if answer.status_code == 429 else "#"
            await asyncio.sleep(1 / rate)
    return f"{name}  {drawn.count('#'):2} of {len(drawn):2}  {drawn}"


async def main() -> None:
    line = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(app, log_level="error", ws="none", proxy_headers=False)
    service = uvicorn.Server(config)
    serving = asyncio.create_task(service.serve(sockets=[line]))
    command = [sys.executable, str(PROXY), str(line.getsockname()[1])]
    proxy = await asyncio.create_subprocess_exec(*command, stdin=PIPE, stdout=PIPE)
    assert proxy.stdout is not None
    port = int(await proxy.stdout.readline())
    drawn = await asyncio.gather(
        client("greedy", port, "127.0.0.2", 20),
        client("modest", port, "127.0.0.3", 4),
        client("forger", port, "127.0.0.4", 20),
    )
    print(*drawn, sep="\n")
    await proxy.communicate(b"")  # nothing, which ends it
    service.should_exit = True
    await serving


if __name__ == "__main__":
    asyncio.run(main())

# greedy  ... of 40  #####...
# modest   8 of  8  ########
# forger  ... of 40  #####...
