"""
Which field says what: a table, one row a dialect.

A name is its stem and words after it.  The words tell what the value is
(``remaining``, ``reset``), and what is left of them is the unit or the window:
``x-ratelimit-remaining-tokens``, ``anthropic-ratelimit-input-tokens-reset``.
"""

from __future__ import annotations

import re
from typing import NamedTuple


class Dialect(NamedTuple):
    """A way to name fields: what they begin with, and what is special in it."""

    stem: str
    # Whether more comes at a reset; None: the form of the value tells.
    renewed: bool | None = None
    # What the value is when no word tells.
    role: str = ""


DIALECTS = (
    # GitLab, Twitch, and the IETF draft up to -06
    Dialect("ratelimit-"),
    Dialect("rate-limit-"),
    # GitHub, Discord, Reddit, Atlassian; OpenAI, Azure and Groq, with units
    Dialect("x-ratelimit-"),
    # X, Okta, Zendesk, Prisjakt
    Dialect("x-rate-limit-"),
    # Anthropic: at its reset all is back, which is not when more comes
    Dialect("anthropic-ratelimit-", renewed=False),
    # Mistral
    Dialect("x-ratelimitbysize-"),
    Dialect("ratelimitbysize-"),
    # HubSpot: "-daily" without another word is the limit
    Dialect("x-hubspot-ratelimit-", role="limit"),
    # Brevo
    Dialect("x-sib-ratelimit-"),
    # Zendesk, which puts three numbers into one value
    Dialect("zendesk-ratelimit-", role="total"),
    # Binance: counts up, and the window is in the name
    Dialect("x-mbx-used-weight-", role="used"),
    Dialect("x-mbx-order-count-", role="used"),
)

# Names that are what they are: role, then unit.
FIELDS = {
    "retry-after-ms": "pause-ms",
    "retry-after": "pause",
    "x-ratelimit-retry-after": "pause",
    "x-retry-after": "pause",
    "age": "age",
    "ratelimit": "draft",
    "ratelimit-policy": "policy",
    "x-rate-limit": "limit",
    "x-shopify-shop-api-call-limit": "used/limit",
    "sforce-limit-info": "used/limit",
}

# Which word of a name says what the value is.
_ROLES = {
    "limit": "limit",
    "max": "limit",
    "remaining": "remaining",
    "used": "used",
    "observed": "used",
    "reset": "reset",
    "resettime": "reset",
    "interval": "window",
    "bucket": "name",
    "resource": "name",
    "scope": "scope",
    "global": "global",
}
ROLES = frozenset([*FIELDS.values(), *_ROLES.values(), "reset-after"]) - {
    "age", "draft", "policy", "global", "window"
}  # fmt: skip
# Words that belong to a role and are no unit.
_SILENT = {"after", "time", "ms", "milliseconds"}
# Names that only look like a quota.
_OTHER = {"nearlimit", "reason", "next", "policy", "status", "unified", "retry"}
_WINDOWS = {
    "secondly": 1.0,
    "second": 1.0,
    "minute": 60.0,
    "hour": 3600.0,
    "hourly": 3600.0,
    "day": 86_400.0,
    "daily": 86_400.0,
}
_LETTERS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}
_SPAN = re.compile(r"([0-9]{1,6})([smhd])")
# No name that is longer means anything.
LONGEST_NAME = 96


class Field(NamedTuple):
    """What a field of one name says, and of which quota."""

    role: str
    quota: str = ""
    unit: str = "requests"
    window: float | None = None
    renewed: bool | None = None
    scale: float = 1.0
    rank: int = 0


RANKS = {name: rank for rank, name in enumerate(FIELDS)}
DATE = Field("date")


def own(name: str, meaning: str) -> Field:
    """
    Return what a user says that a field means: a role, and a unit if it is another.

    Raises:
        ValueError: There is no such role.
    """
    role, _, unit = meaning.partition(" ")
    if role not in ROLES:
        msg = (
            f"a field is one of {', '.join(sorted(ROLES))}, and may have a unit "
            f'after it, as in "remaining tokens"; got {meaning!r} for {name!r}'
        )
        raise ValueError(msg)
    unit = unit or "requests"
    return Field(role, f"own {unit}", unit, renewed=True, rank=-1)


def meaning(name: str) -> Field | None:
    """Return what a field with this name, in lower case, says; None: no limit."""
    if name == "date":
        return DATE
    if name in FIELDS:
        quota = name if FIELDS[name] == "used/limit" else "x-rate-limit-"
        return Field(FIELDS[name], quota, rank=RANKS[name])
    for dialect in DIALECTS:
        if name.startswith(dialect.stem):
            return _of_words(dialect, name[len(dialect.stem) :].split("-"))
    return None


def _of_words(dialect: Dialect, words: list[str]) -> Field | None:
    if not _OTHER.isdisjoint(words):
        return None
    roles = [_ROLES[word] for word in words if word in _ROLES]
    rest = [word for word in words if word not in _ROLES and word not in _SILENT]
    role = dialect.role if dialect.role == "total" or not roles else roles[0]
    if not role:
        return None
    if role == "reset" and "after" in words:
        role = "reset-after"
    window, units = _window_of(rest)
    return Field(
        role,
        dialect.stem + "-".join(rest),
        "-".join(units) or "requests",
        window,
        dialect.renewed,
        1e-3 if {"ms", "milliseconds"} & set(words) else 1.0,
    )


def _window_of(words: list[str]) -> tuple[float | None, list[str]]:
    for place, word in enumerate(words):
        found = _SPAN.fullmatch(word)
        window = int(found[1]) * _LETTERS[found[2]] if found else _WINDOWS.get(word)
        if window is not None:
            return window, words[:place] + words[place + 1 :]
    return None, words
