"""
Read what a response says of limits, in time linear in its bytes.

Nothing that a server can send raises, and no number that comes out is below 0,
infinite or none.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

from . import times
from .advice import Advice, Quota, made
from .dialects import DATE, LONGEST_NAME, Field, meaning, own
from .structured import Parse, plain, quotas

# What a client has of a response: pairs, or a mapping.
Headers: TypeAlias = (
    Mapping[str, str] | Iterable[tuple[str, str]] | Iterable[tuple[bytes, bytes]]
)
_Found: TypeAlias = list[tuple[Field, str]]

# No field that is longer is looked at, and no more fields than this.
_LONGEST, _MOST = 2048, 64
_PAIRS = (list, tuple)
# How many names are remembered: strangers make them up.
_NAMES = 1024

_NOTHING = Advice(False, None, (), None)  # noqa: FBT003 -- a field
_NOTHING_REFUSED = Advice(True, None, (), None)  # noqa: FBT003 -- a field
_SUCCESS = 400
_TOO_MANY = 429
# These are limits when they say how long to wait; 418 is Binance's.
_WITH_A_WAIT = frozenset([403, 418, 503, 529])
_FORBIDDEN = 403

_USED = re.compile(r"(?:[A-Za-z-]{1,64}=)?([0-9.]{1,18})/([0-9.]{1,18})")
_TOTAL = re.compile(r"(total|remaining|resets)=([0-9.]{1,18})")
_SCOPES = {"user", "global", "shared"}


class Reader:
    """
    Reads the headers of responses.

    Args:
        parse: Parses a structured field; see `Parse`.
        fields: What fields with other names mean, by their names.

    Raises:
        ValueError: A field can't mean that.
    """

    __slots__ = ("_dated", "_known", "_own", "_parse")

    def __init__(self, parse: Parse, fields: Mapping[str, str] | None = None) -> None:
        self._parse = parse
        self._own = {
            name.lower(): own(name, meant) for name, meant in (fields or {}).items()
        }
        # All responses of a second have one Date: it is read once.
        self._dated: tuple[str | bytes, float | None] = "", None
        # What a name means, as it was spelled: found at once the next time.
        self._known: dict[str | bytes, Field | None] = {}

    def __call__(self, status: int, headers: Headers, *, now: float) -> Advice:
        """Return what *headers* say of limits; see `aiolimiter.headers.read`."""
        found, date = self._find(headers)
        if not found:
            return _NOTHING_REFUSED if status == _TOO_MANY else _NOTHING
        if status < _SUCCESS and len(found) == 1 and found[0][0].role == "draft":
            quota = plain(found[0][1])
            if quota is not None:
                pause = None if quota.remaining else quota.reset_after
                return made(Advice, (False, pause, (quota,), None))
        return _Response(found, self._present(date, now), self._parse).advice(status)

    def _find(self, headers: Headers) -> tuple[_Found, str | bytes]:
        known = self._known
        found: _Found = []
        date: str | bytes = ""
        pairs: Any = headers
        # Asking an abstract class takes as long as reading two fields.
        if headers.__class__ not in _PAIRS and isinstance(headers, Mapping):
            pairs = headers.items()
        for name, value in pairs:
            try:
                field = known[name]
            except KeyError:
                field = self._learn(name)
            if field is None:
                continue
            if field is DATE:
                # Most responses have one, and nothing to compare it with.
                date = value
            else:
                text = value if isinstance(value, str) else value.decode("latin-1")
                if len(text) <= _LONGEST:
                    found.append((field, text.strip(" \t")))
                    if len(found) == _MOST:
                        break
        return found, date

    def _present(self, date: str | bytes, now: float) -> float:
        # By the server's clock, if that is within a day of ours.
        if not date or len(date) > _LONGEST:
            return now
        text, there = self._dated
        if text.__class__ is not date.__class__ or text != date:
            said = date if isinstance(date, str) else date.decode("latin-1")
            there = times.instant(said.strip(" \t"), now)
            self._dated = date, there
        if there is not None and abs(there - now) <= times.DAY:
            return there
        return now

    def _learn(self, name: str | bytes) -> Field | None:
        if len(name) > LONGEST_NAME:
            return None
        text = name if isinstance(name, str) else name.decode("latin-1")
        text = text.lower()
        field = self._own.get(text) or meaning(text)
        if len(self._known) >= _NAMES:
            self._known.clear()
        self._known[name] = field
        return field


class _Response:
    # One response: its fields, sorted by what they say.

    __slots__ = ("_now", "_parse", "_pauses", "_quotas", "_texts")

    def __init__(self, found: _Found, now: float, parse: Parse) -> None:
        self._parse = parse
        self._texts: dict[str, list[str]] = {}
        self._pauses: dict[int, list[float]] = {}
        self._quotas: dict[str, _Told] = {}
        self._now = now
        quotas = self._quotas
        for field, value in found:
            role = field.role
            if role in _AS_THEY_ARE:
                self._texts.setdefault(role, []).append(value)
            elif role in _PAUSES:
                self._add_pause(field, value)
            else:
                told = quotas.get(field.quota)
                if told is None:
                    told = quotas[field.quota] = _Told(field)
                told.add(field, value, now)

    def advice(self, status: int) -> Advice:
        quotas = () if self._cached() else self._all()
        asked = self._asked()
        refused = status == _TOO_MANY or (
            status in _WITH_A_WAIT
            and (asked is not None or (status == _FORBIDDEN and _is_spent(quotas)))
        )
        pause = None
        if refused:
            pause = asked if asked is not None else _until_more(quotas, status)
        elif status < _SUCCESS and not self._cached():
            pause = self._drained()
        return Advice(refused, pause, quotas, self._scope())

    def _add_pause(self, field: Field, value: str) -> None:
        if field.role == "pause-ms":
            seconds = times.number(value)
            seconds = None if seconds is None else seconds / 1e3
        else:
            seconds = times.retry_after(value, now=self._now)
        if seconds is not None:
            self._pauses.setdefault(field.rank, []).append(seconds)

    def _asked(self) -> float | None:
        if not self._pauses:
            return None
        return max(self._pauses[min(self._pauses)])

    def _cached(self) -> bool:
        ages = self._texts.get("age")
        return ages is not None and any(times.number(text) for text in ages)

    def _draft(self) -> tuple[Quota, ...]:
        fields = ", ".join(self._texts.get("draft", ()))
        policies = ", ".join(self._texts.get("policy", ()))
        if not fields and not policies:
            return ()
        return quotas(fields, policies, self._parse)

    def _all(self) -> tuple[Quota, ...]:
        name = self._name()
        told = [told.quota(name) for told in self._quotas.values()]
        return (*self._draft(), *[quota for quota in told if quota is not None])

    def _drained(self) -> float | None:
        waits = [
            quota.reset_after
            for quota in self._draft()
            if quota.remaining == 0.0 and quota.reset_after is not None
        ]
        return max(waits, default=None)

    def _name(self) -> str | None:
        names = self._texts.get("name")
        return names[0] if names else None

    def _scope(self) -> str | None:
        if _SAY_SCOPES.isdisjoint(self._texts):
            return None
        if "true" in (text.lower() for text in self._texts.get("global", ())):
            return "global"
        told = (text.lower() for text in self._texts.get("scope", ()))
        return next((text for text in told if text in _SCOPES), None)


_AS_THEY_ARE = {"age", "draft", "policy", "name", "scope", "global"}
_SAY_SCOPES = {"scope", "global"}
_PAUSES = {"pause", "pause-ms"}


class _Told:
    # What the fields of one quota say.

    __slots__ = (
        "_exact",
        "_limit",
        "_remaining",
        "_renewed",
        "_reset",
        "_unit",
        "_used",
        "_window",
    )

    def __init__(self, field: Field) -> None:
        self._unit = field.unit
        self._window = field.window
        self._renewed: bool | None = field.renewed
        self._limit: float | None = None
        self._remaining: float | None = None
        self._used: float | None = None
        self._reset: float | None = None
        self._exact = False

    def add(self, field: Field, value: str, now: float) -> None:
        role = field.role
        if role in _COUNTS:
            number = times.number(value)
            if number is None:
                # "100, 100;w=10": drafts up to 06 list the windows behind it.
                number = times.number(_FIRST.split(value, maxsplit=1)[0].strip())
            self._set(role, number)
        elif role in {"reset", "reset-after"}:
            self._add_reset(field, value, now)
        elif role == "used/limit":
            if found := _USED.fullmatch(value):
                self._set("used", times.number(found[1]))
                self._set("limit", times.number(found[2]))
        elif role == "total":
            for name, text in _TOTAL.findall(value[:256]):
                self._set("limit" if name == "total" else name, times.number(text))
        else:
            seconds = times.number(value)
            self._window = seconds * field.scale if seconds else self._window

    def quota(self, name: str | None) -> Quota | None:
        limit, used, remaining = self._limit, self._used, self._remaining
        if remaining is None and limit is not None and used is not None:
            remaining = max(0.0, limit - used)
        if limit is None and remaining is None and used is None and self._reset is None:
            return None
        renewed = None if self._reset is None else self._renewed is not False
        return Quota(
            self._unit, name, limit, remaining, self._reset, self._window, renewed
        )

    def _add_reset(self, field: Field, value: str, now: float) -> None:
        if field.scale < 1.0:
            seconds = times.number(value)
            found = None if seconds is None else (seconds * field.scale, False)
        else:
            found = times.reset(value, now)
        # A delta needs no clock, so it is believed before an instant.
        if found is None or (self._exact and field.role == "reset"):
            return
        self._reset, as_duration = found
        self._exact = field.role == "reset-after"
        # Whoever writes "6m0s" means that by then all is back.
        if as_duration:
            self._renewed = False

    def _set(self, role: str, value: float | None) -> None:
        if value is None:
            return
        if role == "remaining":
            self._remaining = value
        elif role == "limit":
            self._limit = value
        elif role == "used":
            self._used = value
        else:
            self._reset = value


_COUNTS = {"remaining", "limit", "used"}
_FIRST = re.compile(r"[,;]")


def _is_spent(quotas: tuple[Quota, ...]) -> bool:
    return any(q.remaining == 0.0 and q.reset_after is not None for q in quotas)


def _until_more(quotas: tuple[Quota, ...], status: int) -> float | None:
    spent = [
        (quota.renewed, quota.reset_after)
        for quota in quotas
        if quota.remaining == 0.0 and quota.reset_after is not None
    ]
    waits = [wait for renewed, wait in spent if renewed]
    if not waits and status == _TOO_MANY:
        waits = [wait for _, wait in spent]
    return max(waits, default=None)
