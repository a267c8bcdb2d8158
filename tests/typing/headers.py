"""What stands in a head, as users write it; type checkers read this."""

from __future__ import annotations

from collections.abc import Callable
from typing import assert_type

from aiolimiter.headers import (
    Advice,
    Quota,
    policy,
    read,
    reading,
    retry_after,
    told,
    whole_seconds,
)


def heard(fields: dict[str, str]) -> None:
    advice = read(429, fields, now=0.0)
    assert_type(advice, Advice)
    assert_type(advice.pause, float | None)
    assert_type(advice.quotas, tuple[Quota, ...])
    read(429, list(fields.items()), now=0.0)
    read(429, fields)  # type: ignore[call-arg]  # the instant is an argument
    assert_type(reading({"X-Acme-Left": "remaining"}), Callable[..., Advice])
    assert_type(retry_after("120", now=0.0), float | None)


def said() -> None:
    assert_type(policy("default", 100, 60), str)
    policy("default", 100, 60, unit="content-bytes")
    policy("default", 100)  # type: ignore[call-arg]  # in which time?
    assert_type(told("default", 41.7), str)
    told("default", 0, 0.6)
    assert_type(whole_seconds(0.02), int)
