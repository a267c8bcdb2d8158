"""Arrivals from a file: an instant a line, or a server's access log."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from datetime import datetime
from functools import lru_cache
from math import isfinite
from pathlib import Path
from random import Random
from typing import Any, NamedTuple, TextIO

from .amounts import Amounts
from .arrivals import Arrival

# host ident user [time] "request" status size "referer" "agent": the common log
# format and, with the last two, the combined one (Apache's mod_log_config).
_COMMON = re.compile(
    r"(?P<host>\S+) \S+ (?P<user>\S+) \[(?P<time>[^\]]+)\] "
    r'"(?P<request>(?:[^"\\]|\\.)*)" (?P<status>\d{3}|-) (?P<size>\d+|-)'
)
# What a line of JSON calls its instant.
_INSTANTS = ("time", "timestamp", "ts", "@timestamp", "date")
# From here on a number of seconds is one of milliseconds.
_MILLISECONDS = 1e11

_WANTED = (
    "an instant in seconds, a line of the common or combined log format, or JSON "
    f"with one of {', '.join(_INSTANTS)}"
)


class Line(NamedTuple):
    """What a line says: an instant in seconds, and what else stands in it."""

    at: float
    columns: dict[str, Any]


class Log:
    """
    A file, or standard input when *path* is ``-``.

    The first line is at 0.  A line that is older than the one before it, as in
    the log of a server with several workers, counts as of that instant.

    Args:
        path: Where it is.
        amount: The column that tells how much each request wants.
        key: The column that tells whose it is.
        skip_bad: Whether to leave out lines that can't be read, and count them.

    Attributes:
        bad: How many were left out.
    """

    def __init__(
        self,
        path: str,
        *,
        amount: str | None = None,
        key: str | None = None,
        skip_bad: bool = False,
    ) -> None:
        self.path = path
        self._amount = amount
        self._key = key
        self._skip_bad = skip_bad
        self.bad = 0

    def requests(self, until: float, amounts: Amounts, seed: int) -> Iterator[Arrival]:
        """
        Go through all lines before *until*.

        Raises:
            OSError: The file can't be read.
            ValueError: A line can't be read; its number is told.
        """
        random, first, last = Random(seed), None, 0.0
        self.bad = 0
        with self._open() as file:
            for number, text in enumerate(file, 1):
                if not text.strip():
                    continue
                try:
                    line = read(text)
                    amount = self._amount_of(line, amounts, random)
                    key = self._column(line, self._key) if self._key else ""
                except ValueError as error:
                    if not self._skip_bad:
                        msg = f"{self.path}, line {number}: {error}"
                        raise ValueError(msg) from None
                    self.bad += 1
                    continue
                first = line.at if first is None else first
                last = max(last, line.at - first)
                if last >= until:
                    return
                yield Arrival(last, amount, str(key))

    def _open(self) -> Any:
        if self.path == "-":
            stdin: TextIO = sys.stdin
            return nullcontext(stdin)
        return Path(self.path).open(encoding="utf-8", errors="surrogateescape")

    def _amount_of(self, line: Line, amounts: Amounts, random: Random) -> float:
        if self._amount is None:
            return amounts(random)
        value = self._column(line, self._amount)
        try:
            amount = float(value)
        except (TypeError, ValueError):
            amount = -1.0
        if not (isfinite(amount) and amount >= 0.0):
            msg = f"column {self._amount} must be a number, 0 or more, got {value!r}"
            raise ValueError(msg)
        return amount

    def _column(self, line: Line, name: str) -> Any:
        if name not in line.columns:
            there = ", ".join(line.columns) or "none"
            msg = f"there is no column {name!r}: there is {there}"
            raise ValueError(msg)
        return line.columns[name]


def read(text: str) -> Line:
    """
    Read one line.

    Raises:
        ValueError: It is none that is known.
    """
    text = text.strip()
    for reader in _READERS:
        if (line := reader(text)) is not None:
            return line
    msg = f"must be {_WANTED}, got {text[:80]!r}"
    raise ValueError(msg)


def _plain(text: str) -> Line | None:
    words = text.replace(",", " ").split()
    at = _seconds(words[0])
    if at is None:
        return None
    return Line(at, {str(number): word for number, word in enumerate(words, 1)})


def _common(text: str) -> Line | None:
    found = _COMMON.match(text)
    if found is None:
        return None
    columns: dict[str, Any] = found.groupdict()
    at = _common_instant(columns.pop("time"))
    if at is None:
        return None
    columns["path"] = [*columns["request"].split(), "", ""][1]
    return Line(at, columns)


def _json(text: str) -> Line | None:
    if not text.startswith("{"):
        return None
    try:
        columns = json.loads(text)
    except ValueError:
        return None
    for name in _INSTANTS:
        if name in columns and (at := _seconds(columns[name])) is not None:
            return Line(at, columns)
    return None


_READERS: tuple[Callable[[str], Line | None], ...] = (_plain, _common, _json)


def _seconds(value: Any) -> float | None:
    if isinstance(value, bool):
        return None
    try:
        seconds = float(value)
    except (TypeError, ValueError):
        return _instant(value) if isinstance(value, str) else None
    if not isfinite(seconds):
        return None
    return seconds / 1000.0 if abs(seconds) >= _MILLISECONDS else seconds


# Most lines of a busy log share their second with the one before.
@lru_cache(1024)
def _instant(text: str) -> float | None:
    try:
        return datetime.fromisoformat(text).timestamp()
    except ValueError:
        return None


@lru_cache(1024)
def _common_instant(text: str) -> float | None:
    try:
        return datetime.strptime(text, "%d/%b/%Y:%H:%M:%S %z").timestamp()
    except ValueError:
        return None
