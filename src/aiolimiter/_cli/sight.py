"""How a shared limit stands, seen from outside: nothing is booked or changed."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Sequence
from typing import Any, NamedTuple

from .._core.errors import BackendError
from .._core.shared import lows, slots
from .._core.shared.trip import Force, State
from .._shell.shared.rate import MICRO, Rate, in_force, terms

# How often a file that is in use is tried, and how long that takes, in seconds.
_TRIES, _NAP = 100, 0.001


class Sight(NamedTuple):
    """
    A limit at one instant; of several rates the fullest one.

    What depends on a rate is None where nobody has told it, and no key tells it.

    Attributes:
        name: What is looked at.
        max_rate: Units in each *time_period*,
        time_period: in seconds.
        burst: The largest amount.
        level: Units that are used; above *burst* by a pause, a debt, or what is
            booked ahead for those who wait.
        available: Units that are free.
        wait: Seconds until something is free.
        waits: Whether somebody is known to wait.  A process books but a moment
            ahead, so how many wait is known to the processes only.
        paused: Whether it is a pause that lasts for *wait*, and not those who wait.
        raised_ago: Seconds since the last pause, restriction or reset; None if
            there was none.
        at: When it was, in seconds of the store's clock.
    """

    name: str
    max_rate: float | None
    time_period: float | None
    burst: float | None
    level: float
    available: float | None
    wait: float | None
    waits: bool
    paused: bool | None
    raised_ago: float | None
    at: float


def of_file(path: str) -> Sight:
    """
    Look at the limit that is kept in the file at *path*.

    Raises:
        BackendError: It is in use without a pause, or damaged.
        OSError: There is none, or it can't be opened.
        ValueError: It is not a limiter's file.
    """
    # Not where there are no file locks, until it is asked for.
    from ..local import _file
    from ..local._place import Place
    from ..local._store import FileStore

    mode = stat.S_IMODE(os.stat(path).st_mode)  # noqa: PTH116 -- a str all the way
    contract = _file.contract_of(path)
    rate = Rate(*contract)
    limits = terms([rate])
    file = _file.StateFile(Place(path, mode | 0o600), contract)
    for _ in range(_TRIES):
        if file.lock():
            break
        time.sleep(_NAP)
    else:
        msg = f"{path} is locked all the time: a process that has it may be stopped"
        raise BackendError(msg)
    try:
        state = FileStore(file, limits.rates[0], rate.burst)._read()  # noqa: SLF001 -- a look
        now = time.monotonic_ns() // 1000
    finally:
        file.unlock()
    return _sight(path, [rate], state, now)


async def on_server(client: Any, name: str, place: str, rates: Sequence[Rate]) -> Sight:
    """
    Look at the limit that a server keeps at *place*.

    Args:
        client: A client of the server.
        name: What the limit is called.
        place: The key.
        rates: What those who use it were started with; none where nobody tells.

    Raises:
        BackendError: The key holds something that is not a limiter.
    """
    async with client.pipeline(transaction=True) as pipeline:
        pipeline.get(place).time()
        stored, (seconds, micro) = await pipeline.execute()
    now = seconds * 1_000_000 + micro
    state = State((0.0,) * max(1, len(rates)), 0)
    if stored is not None:
        state = _state(place, stored)
    if not rates and state.force is not None:
        rates = _stored(state.force)
    return _sight(name, rates, state, now) if rates else _unknown(name, now)


def _stored(force: Force) -> tuple[Rate, ...]:
    # In which period it is told stands there only if it was changed: so as long as
    # it takes to fill the burst, which is what most say.
    rates, caps = force.terms
    periods = tuple(
        float(f"{cap / rate * MICRO:.12g}")
        for rate, cap in zip(rates, caps, strict=True)
    )
    told = force._replace(periods=force.periods or periods)
    return in_force(told, ())[1]


def _unknown(name: str, now: int) -> Sight:
    return Sight(
        name=name,
        max_rate=None,
        time_period=None,
        burst=None,
        level=0.0,
        available=None,
        wait=None,
        waits=False,
        paused=None,
        raised_ago=None,
        at=now * MICRO,
    )


def _state(place: str, stored: bytes | str) -> State:
    from ..redis import _script

    try:
        return _script.state(stored)
    except ValueError as error:
        msg = f"the key {place!r} holds something that is not a limiter"
        raise BackendError(msg) from error


def _sight(name: str, rates: Sequence[Rate], state: State, now: int) -> Sight:
    limits, rates = in_force(state.force, rates)
    levels = slots.leaked(limits, state, now)
    wait = max(0.0, slots.due(limits, levels, 0.0) * MICRO)
    _, rate, level = max(
        (level / rate.burst, rate, level)
        for rate, level in zip(rates, levels, strict=True)
    )
    # What is low in future is low because somebody is booked until then.
    past = tuple(low for low in state.lows if low.at <= now)
    lowest = lows.since(past, state.raised, levels)
    return Sight(
        name=name,
        max_rate=rate.max_rate,
        time_period=rate.time_period,
        burst=rate.burst,
        level=level,
        available=max(0.0, rate.burst - level),
        wait=wait,
        waits=wait > 0.0 and _is_booked_ahead(state, now),
        paused=wait > 0.0 and state.raised > 0 and slots.due(limits, lowest, 0.0) > 0.0,
        raised_ago=_ago(state, now),
        at=now * MICRO,
    )


def _is_booked_ahead(state: State, now: int) -> bool:
    return bool(state.lows) and state.lows[-1].at > now


def _ago(state: State, now: int) -> float | None:
    return max(0.0, (now - state.raised) * MICRO) if state.raised else None
