"""
The smallest of proxies, on 127.0.0.1: it tells the service who it asks for.

Like nginx with ``$proxy_add_x_forwarded_for`` it adds the address that a client
comes from to whatever that client has written.  A connection is one request.

    python examples/servers/proxy.py PORT-OF-THE-SERVICE

Its first line of output is its own port.  It ends when its input does.
"""

from __future__ import annotations

import asyncio
import sys

NAME = b"x-forwarded-for:"


def forwarded(head: bytes, client: str) -> bytes:
    """Return the head of a request, with *client* added on the right."""
    first, *lines = head.removesuffix(b"\r\n\r\n").split(b"\r\n")
    said = [line for line in lines if line.lower().startswith(NAME)]
    others = [line for line in lines if line not in said]
    chain = b", ".join([*(line[len(NAME) :].strip() for line in said), client.encode()])
    mine = [NAME + b" " + chain, b"connection: close"]
    return b"\r\n".join([first, *others, *mine, b"", b""])


async def pass_on(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, service: int
) -> None:
    """Ask the service for a client, and bring back what it answers."""
    head = await reader.readuntil(b"\r\n\r\n")
    client, _ = writer.get_extra_info("peername")
    answer, question = await asyncio.open_connection("127.0.0.1", service)
    question.write(forwarded(head, client))
    writer.write(await answer.read())
    question.close()
    writer.close()


async def main() -> None:
    service = int(sys.argv[1])
    async with await asyncio.start_server(
        lambda reader, writer: pass_on(reader, writer, service), "127.0.0.1", 0
    ) as proxy:
        print(proxy.sockets[0].getsockname()[1], flush=True)
        await asyncio.to_thread(sys.stdin.read)


asyncio.run(main())
