"""
`RateLimit` and `RateLimit-Policy`, in the three generations of the IETF draft.

Up to draft 06 there were only policies, ``100;w=60``; in 07 a dictionary,
``limit=100, remaining=50, reset=5``; from 08 on named items,
``"default";r=50;t=30``.  A field that is malformed is ignored whole.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, TypeAlias

from .advice import Quota, made

# Parses a structured field (RFC 9651), given its bytes and "list" or "dict";
# raises ValueError.
Parse: TypeAlias = Callable[[bytes, str], Any]

# Of a longer list the rest is not looked at.
_MOST = 16
# The plain form, which nearly every server sends: a parser takes ten times as
# long.  What it takes, a parser takes, for the same.
_PLAIN = re.compile(
    r' *"([ !#-\[\]-~]{1,256})"; *r=([0-9]{1,15})(?:; *t=([0-9]{1,15}))? *'
)


def plain(value: str) -> Quota | None:
    """Return the quota of a field in its plain form; None of any other."""
    found = _PLAIN.fullmatch(value)
    if found is None:
        return None
    name, remaining, reset = found.groups()
    return told(name, float(remaining), None if reset is None else float(reset))


def told(name: str | None, remaining: float, reset: float | None) -> Quota:
    """Return a quota as the draft tells it."""
    renewed = None if reset is None else True
    return made(Quota, ("requests", name, None, remaining, reset, None, renewed))


def quotas(field: str, policy: str, parse: Parse) -> tuple[Quota, ...]:
    """Return what both fields say together; either may be empty."""
    left = _left(field, parse) if field else []
    held = _policies(policy, parse) if policy else {}
    joined = [_with_policy(quota, held.pop(quota.name or "", None)) for quota in left]
    return (*joined, *held.values())


def _left(field: str, parse: Parse) -> list[Quota]:
    found = plain(field)
    if found is not None:
        return [found]
    items = _parsed(parse, field, "list")
    if items is None:
        return _dictionary(_parsed(parse, field, "dict"))
    result: list[Quota] = []
    for name, parameters in items[:_MOST]:
        remaining = _integer(parameters.get("r"))
        reset = _integer(parameters.get("t"))
        # Exactly these: a token is no string, and a boolean no integer.
        if type(name) is not str or remaining is None:
            return []
        if reset is None and "t" in parameters:
            return []
        result.append(told(name, remaining, reset))
    return result


def _dictionary(members: dict[str, Any] | None) -> list[Quota]:
    if members is None:
        return []
    limit, remaining, reset = (
        _integer(members.get(key, (None,))[0])
        for key in ("limit", "remaining", "reset")
    )
    if remaining is None:
        return []
    return [told(None, remaining, reset)._replace(limit=limit)]


def _policies(field: str, parse: Parse) -> dict[str, Quota]:
    result: dict[str, Quota] = {}
    for place, (name, parameters) in enumerate(
        (_parsed(parse, field, "list") or [])[:_MOST]
    ):
        named = type(name) is str
        limit = _integer(parameters.get("q") if named else name)
        window = _integer(parameters.get("w"))
        unit = parameters.get("qu", "requests")
        if limit is None or type(unit) is not str:
            return {}
        if "w" in parameters and not window:
            return {}
        key = name if named else f"#{place}"
        quota = Quota(unit, name if named else None, limit, None, None, window, None)
        result[key] = quota
    return result


def _with_policy(quota: Quota, policy: Quota | None) -> Quota:
    if policy is None:
        return quota
    return quota._replace(unit=policy.unit, limit=policy.limit, window=policy.window)


def _parsed(parse: Parse, field: str, kind: str) -> Any:
    try:
        return parse(field.encode("ascii"), kind)
    except ValueError:
        return None


def _integer(value: object) -> float | None:
    return float(value) if type(value) is int and value >= 0 else None
