"""Examples of what servers send, from their documentation and recorded answers."""

from __future__ import annotations

import pytest

from aiolimiter.headers import Quota

NOW = 1_609_459_170.0  # 2020-12-31T23:59:30Z
IN_30 = "2021-01-01T00:00:00Z"


def quota(*numbers, unit="requests", **others):
    """A quota with its limit, what remains and when it is reset."""
    limit, remaining, reset_after = numbers
    told = {"renewed": None if reset_after is None else True, **others}
    return Quota(
        unit, limit=limit, remaining=remaining, reset_after=reset_after, **told
    )


# provider, fields, quotas
DOCUMENTED = [
    (
        "GitHub",
        {
            "x-ratelimit-limit": "5000",
            "x-ratelimit-remaining": "4987",
            "x-ratelimit-used": "13",
            "x-ratelimit-reset": "1609459200",
            "x-ratelimit-resource": "core",
        },
        [quota(5000, 4987, 30, name="core")],
    ),
    (
        "GitLab",
        {
            "RateLimit-Limit": "600",
            "RateLimit-Observed": "5",
            "RateLimit-Remaining": "595",
            "RateLimit-Reset": "1609459200",
            "RateLimit-ResetTime": "Fri, 01 Jan 2021 00:00:00 GMT",
        },
        [quota(600, 595, 30)],
    ),
    (
        "OpenAI",
        {
            "x-ratelimit-limit-requests": "60",
            "x-ratelimit-remaining-requests": "59",
            "x-ratelimit-reset-requests": "12ms",
            "x-ratelimit-limit-tokens": "150000",
            "x-ratelimit-remaining-tokens": "149984",
            "x-ratelimit-reset-tokens": "6m0s",
        },
        [
            quota(60, 59, 0.012, renewed=False),
            quota(150000, 149984, 360, unit="tokens", renewed=False),
        ],
    ),
    (
        "Azure",
        {"x-ratelimit-remaining-tokens": "19913"},
        [quota(None, 19913, None, unit="tokens")],
    ),
    (
        "Anthropic",
        {
            "anthropic-ratelimit-input-tokens-limit": "1000",
            "anthropic-ratelimit-input-tokens-remaining": "999",
            "anthropic-ratelimit-input-tokens-reset": IN_30,
            "anthropic-ratelimit-unified-reset": "1609459200",
        },
        [quota(1000, 999, 30, unit="input-tokens", renewed=False)],
    ),
    (
        "Groq",
        {"x-ratelimit-reset-requests": "2m59.56s"},
        [quota(None, None, pytest.approx(179.56), renewed=False)],
    ),
    (
        "Mistral",
        {
            "x-ratelimitbysize-limit-minute": "500",
            "x-ratelimitbysize-remaining-minute": "400",
        },
        [quota(500, 400, None, window=60)],
    ),
    (
        "Discord",
        {
            "X-RateLimit-Limit": "5",
            "X-RateLimit-Remaining": "0",
            "X-RateLimit-Reset-After": "1.543",
            "X-RateLimit-Reset": "1470173023.123",
            "X-RateLimit-Bucket": "abcd1234",
        },
        [quota(5, 0, 1.543, name="abcd1234")],
    ),
    ("Shopify", {"X-Shopify-Shop-Api-Call-Limit": "32/40"}, [quota(40, 8, None)]),
    (
        "Binance",
        {"X-MBX-USED-WEIGHT-1M": "1180", "X-MBX-ORDER-COUNT-10S": "3"},
        [quota(None, None, None, window=60), quota(None, None, None, window=10)],
    ),
    (
        "X",
        {
            "x-rate-limit-limit": "900",
            "x-rate-limit-remaining": "1",
            "x-rate-limit-reset": "1609459200",
        },
        [quota(900, 1, 30)],
    ),
    (
        "Reddit",
        {"x-ratelimit-remaining": "594.0", "x-ratelimit-reset": "437"},
        [quota(None, 594, 437)],
    ),
    (
        "Atlassian",
        {
            "X-RateLimit-Limit": "100",
            "X-RateLimit-Remaining": "9",
            "X-RateLimit-NearLimit": "true",
            "X-RateLimit-Reset": "2021-01-01T00:00Z",
            "RateLimit-Reason": "jira-burst-based",
        },
        [quota(100, 9, 30)],
    ),
    (
        "HubSpot",
        {
            "X-HubSpot-RateLimit-Daily": "500",
            "X-HubSpot-RateLimit-Daily-Remaining": "4",
            "X-HubSpot-RateLimit-Max": "100",
            "X-HubSpot-RateLimit-Remaining": "99",
            "X-HubSpot-RateLimit-Interval-Milliseconds": "10000",
        },
        [quota(500, 4, None, window=86400), quota(100, 99, None, window=10)],
    ),
    (
        "Salesforce",
        {"Sforce-Limit-Info": "api-usage=18/5000"},
        [quota(5000, 4982, None)],
    ),
    (
        "Zendesk",
        {"zendesk-ratelimit-tickets-index": "total=100; remaining=99; resets=41"},
        [quota(100, 99, 41, unit="tickets-index")],
    ),
    (
        "Cloudflare",
        {
            "Ratelimit": '"default";r=50;t=30',
            "Ratelimit-Policy": '"default";q=100;w=60',
        },
        [quota(100, 50, 30, name="default", window=60)],
    ),
    ("Rachio", {"X-RateLimit-Reset": IN_30}, [quota(None, None, 30)]),
    (
        "lemlist",
        {
            "X-RateLimit-Reset": "Fri Jan 01 2021 01:00:00 GMT+0100 "
            "(Central European Standard Time)"
        },
        [quota(None, None, 30)],
    ),
    (
        "Brevo",
        {"x-sib-ratelimit-limit": "10", "x-sib-ratelimit-reset": "2"},
        [quota(10, None, 2)],
    ),
    ("ms", {"x-ratelimit-reset-ms": "2500"}, [quota(None, None, 2.5)]),
    ("epoch ms", {"x-ratelimit-reset": "1609459200000"}, [quota(None, None, 30)]),
    ("epoch us", {"x-ratelimit-reset": "1609459200000000"}, [quota(None, None, 30)]),
]
