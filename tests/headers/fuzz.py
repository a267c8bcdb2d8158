"""
Responses that no server would send, by the million: `python -m tests.headers.fuzz`.

They come from three sources: a grammar of what servers send, mutations of what is
documented, and bytes.  Each input is known by its number, so that one that fails
can be made again: ``--first NUMBER --count 1``.  What is checked of each:

- nothing is raised, and every number that is read is finite and not below 0;
- bytes are read as text is;
- what the fast path takes, http-sf takes for the same;
- a head of 64 kB is read within a millisecond; that is told, not checked, as it
  depends on the machine.
"""

from __future__ import annotations

import argparse
import random
from math import isfinite
from time import perf_counter, thread_time

import http_sf

from aiolimiter import headers
from aiolimiter._core.headers import structured

from .corpus import DOCUMENTED, NOW

STATUSES = (200, 200, 304, 403, 418, 429, 429, 503, 529)
NAMES = sorted({name for _, fields, _ in DOCUMENTED for name in fields})
NAMES += ["Retry-After", "retry-after-ms", "X-Retry-After", "Date", "Age"]
VALUES = sorted({value for _, fields, _ in DOCUMENTED for value in fields.values()})
VALUES += ["Fri, 01 Jan 2021 00:00:00 GMT", "Friday, 01-Jan-21 00:00:00 GMT"]
VALUES += ["Fri Jan  1 00:00:00 2021", "120", "-1", "1e9", "inf", "0x10", "1_0"]
STEMS = (
    "",
    "x-",
    "anthropic-",
    "x-sib-",
    "zendesk-",
    "x-hubspot-",
    "x-mbx-used-weight-",
)
WORDS = [
    "ratelimit",
    "rate-limit",
    "limit",
    "remaining",
    "used",
    "observed",
    "reset",
    "reset-after",
    "reset-time",
    "requests",
    "tokens",
    "input-tokens",
    "daily",
    "minute",
    "1m",
    "10s",
    "max",
    "bucket",
    "scope",
    "global",
    "policy",
    "retry-after",
    "milliseconds",
    "ms",
    "interval",
    "nearlimit",
]
TYPICAL = '",;=:. ?*-+_()[]{}\\/0123456789abcdefGMTZrtqw\t\x00\x7f\xa0\xff²٣'
HEAD = 65_536


def number(chance: random.Random) -> str:
    """A number as servers write it, or nearly."""
    digits = "".join(
        chance.choices("0123456789", k=chance.choice([1, 2, 5, 10, 13, 16, 19]))
    )
    sign = chance.choice(["", "", "", "-", "+"])
    return sign + digits + chance.choice(["", "", "", ".5", ".", "e3", "s", "ms"])


def duration(chance: random.Random) -> str:
    """A duration as Go writes it, or nearly."""
    units = ["d", "h", "m", "s", "ms", "us", "ns", "y", ""]
    return "".join(
        number(chance) + chance.choice(units) for _ in range(chance.randint(1, 4))
    )


def date(chance: random.Random) -> str:
    """A date in one of the forms there are, with numbers that may not exist."""
    two = [f"{chance.randint(0, 99):02}" for _ in range(5)]
    year = chance.choice(["0000", "1970", "2021", "9999", "21"])
    month = chance.choice(["Jan", "Feb", "Foo", "December"])
    zone = chance.choice(["Z", "+01:00", "-0930", "", "GMT", " GMT+0100 (Here)"])
    return chance.choice(
        [
            f"Fri, {two[0]} {month} {year} {two[1]}:{two[2]}:{two[3]} GMT",
            f"Friday, {two[0]}-{month}-{two[4]} {two[1]}:{two[2]}:{two[3]} GMT",
            f"Fri {month} {two[0]} {two[1]}:{two[2]}:{two[3]} {year}",
            f"Fri {month} {two[0]} {year} {two[1]}:{two[2]}:{two[3]}{zone}",
            f"{year}-{two[0]}-{two[1]}T{two[2]}:{two[3]}{zone}",
            f"{year}-{two[0]}-{two[1]}T{two[2]}:{two[3]}:{two[4]}.5{zone}",
        ]
    )


def structure(chance: random.Random) -> str:
    """A list or a dictionary of structured fields, or nearly."""
    items = []
    for _ in range(chance.choice([1, 1, 2, 3, 20])):
        name = chance.choice(
            ['"a"', '"a b"', '""', '"a\\""', "a", "1", ":YQ==:", "?1", "(1 2)"]
        )
        keys = chance.choices(
            ["r", "t", "q", "w", "qu", "pk", "limit", "*"], k=chance.randint(0, 4)
        )
        values = [number(chance), '"requests"', ":YQ==:", "?0", "tok"]
        items.append(name + "".join(f";{key}={chance.choice(values)}" for key in keys))
    return chance.choice([", ", ",", " , ", ";"]).join(items)


def grown(chance: random.Random) -> tuple[str, str]:
    """A field from the grammar."""
    words = chance.choices(WORDS, k=chance.randint(1, 3))
    name = chance.choice(
        [chance.choice(STEMS) + "-".join(words), *chance.choices(NAMES, k=2)]
    )
    return name, chance.choice([number, duration, date, structure, structure])(chance)


def mutated(chance: random.Random) -> tuple[str, str]:
    """A documented field, with parts of it gone, doubled, or other ones."""
    name, value = chance.choice(NAMES), chance.choice(VALUES)
    for _ in range(chance.randint(0, 3)):
        start, end = sorted(chance.randint(0, len(value)) for _ in "ab")
        part = chance.choice(
            ["", value[start:end] * 2, "".join(chance.choices(TYPICAL, k=2))]
        )
        value = value[:start] + part + value[end:]
    return name, value


def noise(chance: random.Random) -> tuple[str, str]:
    """Bytes, under a name that means something or none."""
    value = chance.randbytes(chance.choice([0, 1, 8, 64, 300])).decode("latin-1")
    name = chance.choice([chance.choice(NAMES), chance.randbytes(8).decode("latin-1")])
    return name, value


def response(number: int) -> tuple[int, list[tuple[str, str]]]:
    """The input of this number: a status, and fields."""
    chance = random.Random(number)
    source = (grown, mutated, noise)[number % 3]
    fields = [source(chance) for _ in range(chance.choice([1, 2, 3, 5, 9]))]
    if number % 1000 == 0:
        # A head of 64 kB: one long field, many short ones, or many that are long.
        each = chance.choice([100, 2048, HEAD])
        while sum(len(name) + len(value) for name, value in fields) < HEAD:
            name, value = source(chance)
            fields.append((name, (value or "1") * (each // len(value or "1") + 1)))
    return chance.choice(STATUSES), fields


def check(status: int, fields: list[tuple[str, str]]) -> float:
    """Check what is read; return how many seconds of CPU, the better of two."""
    times = []
    for _ in range(2):
        begun = thread_time()
        advice = headers.read(status, fields, now=NOW)
        times.append(thread_time() - begun)
    numbers = [n for q in advice.quotas for n in q if isinstance(n, float)]
    numbers += [] if advice.pause is None else [advice.pause]
    assert all(isfinite(n) and n >= 0.0 for n in numbers), advice

    if all(max(name + value, default="") <= "\xff" for name, value in fields):
        raw = [(n.encode("latin-1"), v.encode("latin-1")) for n, v in fields]
        assert headers.read(status, raw, now=NOW) == advice

    for _, value in fields:
        quick = structured.plain(value)
        if quick is not None:
            ((name, told),) = http_sf.parse(value.encode("ascii"), tltype="list")
            read = (name, told["r"], told.get("t"))
            assert read == (quick.name, quick.remaining, quick.reset_after)
    return min(times)


def main() -> None:
    """Check so many, and tell what the slowest took."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--count", type=int, default=1_000_000)
    asked = parser.parse_args()
    slowest, refused, paused, quotas = (0.0, -1), 0, 0, 0
    begun = perf_counter()
    for number in range(asked.first, asked.first + asked.count):
        status, fields = response(number)
        try:
            slowest = max(slowest, (check(status, fields), number))
        except BaseException:
            print(f"input {number}: {status} {fields!r}")
            raise
        advice = headers.read(status, fields, now=NOW)
        refused += advice.refused
        paused += advice.pause is not None
        quotas += bool(advice.quotas)
    print(
        f"{asked.count} inputs in {perf_counter() - begun:.0f} s, nothing raised: "
        f"{refused} refusals, {paused} pauses, {quotas} with quotas; the slowest, "
        f"input {slowest[1]}, was read in {slowest[0] * 1e3:.2f} ms"
    )


if __name__ == "__main__":
    main()
