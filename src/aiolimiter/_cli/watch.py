"""
Look at a shared limit while processes use it.

It only looks: it books nothing and changes nothing.  What is in force stands
beside what is used; while nothing is used a server knows neither:

    watch /run/app/github.limit
    watch github --redis redis://localhost
    watch chats --key Ada --redis redis://localhost --limit 5000/3600
    watch github --redis redis://localhost --limit 10/1 --limit 100/60
    watch github --redis redis://localhost --limit 5000/3600 --once --json

What is used may be more than the limit holds: by a pause, by a debt, or by what
is booked ahead for those who wait.
"""

from __future__ import annotations

import asyncio
import json
import sys
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager, nullcontext
from typing import NoReturn

from .._core.errors import BackendError
from .._shell.shared.rate import Rate
from .._sim.limits import limit
from . import extra
from .screen import line, screen
from .sight import Sight, of_file, on_server

# Seconds between two looks.
_PACE = 0.5


def add_arguments(parser: ArgumentParser) -> None:
    """Declare what can be typed behind the name."""
    parser.add_argument("what", metavar="NAME", help="a limiter's name, or a path")
    parser.add_argument("--redis", metavar="URL", help="the server that keeps it")
    parser.add_argument("--key", metavar="KEY", help="whose limit, of a keyed one")
    parser.add_argument(
        "--limit",
        metavar="LIMIT",
        type=_rate,
        action="append",
        help="what it admits, like 5000/3600 or '10/1 burst=5', where nobody uses it",
    )
    parser.add_argument("--once", action="store_true", help="look once, and end")
    parser.add_argument("--json", action="store_true", help="tell it as JSON")


def run(options: Namespace) -> None:
    """Look, once or again and again."""
    try:
        asyncio.run(_watch(options))
    except (OSError, ValueError, BackendError) as error:
        _refuse(str(error))


async def _watch(options: Namespace) -> None:
    if options.redis is None:
        if options.key is not None:
            msg = "argument --key: a file is the limit of one; give --redis URL"
            raise ValueError(msg)
        await _show(options, lambda: asyncio.to_thread(of_file, options.what))
        return
    place = extra.need("aiolimiter.redis._place").place(options.what, options.key)
    redis = extra.need("redis.asyncio")
    async with redis.from_url(options.redis) as client:
        try:
            await _show(
                options,
                lambda: on_server(client, options.what, place, options.limit or ()),
            )
        except extra.need("redis").RedisError as error:
            msg = f"can't look at {options.what!r} on {options.redis}: {error}"
            raise BackendError(msg) from error


async def _show(options: Namespace, look: Callable[[], Awaitable[Sight]]) -> None:
    with _shown(options) as show:
        while True:
            show(await look())
            if options.once:
                return
            await asyncio.sleep(_PACE)


def _shown(options: Namespace) -> AbstractContextManager[Callable[[Sight], None]]:
    if options.json:
        return nullcontext(lambda sight: print(json.dumps(sight._asdict()), flush=True))
    if options.once or not sys.stdout.isatty():
        return nullcontext(lambda sight: print(line(sight), flush=True))
    return screen(sys.stdout)


def _rate(text: str) -> Rate:
    try:
        parts = limit(text).parts
    except ValueError as error:
        raise ArgumentTypeError(str(error)) from None
    if [part.kind for part in parts] != ["bucket"]:
        msg = f"must be a bucket, as servers keep, like 5000/3600, got {text!r}"
        raise ArgumentTypeError(msg)
    return Rate(parts[0].max_rate, parts[0].time_period, parts[0].holds)


def _refuse(message: str) -> NoReturn:
    sys.stderr.write(f"python -m aiolimiter watch: {message}\n")
    raise SystemExit(2)
