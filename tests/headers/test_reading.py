"""What servers say of their limits, and how it is understood."""

from __future__ import annotations

import importlib
import sys
from math import isfinite

import http_sf
import pytest
from hypothesis import example, given, strategies as st

import aiolimiter
from aiolimiter import headers
from aiolimiter._core.headers import structured
from aiolimiter.headers import Advice

from . import fuzz
from .corpus import DOCUMENTED, IN_30, NOW, quota

NOTHING = Advice(refused=False, pause=None, quotas=(), scope=None)


@pytest.mark.parametrize(("provider", "fields", "quotas"), DOCUMENTED)
def test_every_documented_example_is_read(provider, fields, quotas):
    """What a provider documents is read as it is meant, as str and as bytes."""
    raw = [(name.encode(), value.encode()) for name, value in fields.items()]

    assert headers.read(200, fields, now=NOW).quotas == tuple(quotas)
    assert headers.read(200, raw, now=NOW).quotas == tuple(quotas)


@pytest.mark.parametrize(
    ("value", "wait"),
    [
        ("30", 30), ("0", 0), ("2.0", 2), (" 0.312 ", 0.312), ("-3", 0),
        ("-1484742195", 0), (IN_30, 30), ("2021-01-01T01:00:00.5+01:00", 30.5),
        ("Fri, 01 Jan 2021 00:00:00 GMT", 30),
        ("Friday, 01-Jan-21 00:00:00 GMT", 30),
        ("Fri Jan  1 00:00:00 2021", 30),
        ("Thursday, 01-Jan-95 00:00:00 GMT", 0),
        ("Fri, 01 Foo 2021 00:00:00 GMT", None),
        ("Fri, 41 Jan 2021 00:00:00 GMT", None),
        ("Fri, 01 Jan 2021 25:00:00 GMT", None),
        ("2021-13-01T00:00:00Z", None),
        ("+3", None), ("1e3", None), ("inf", None), ("nan", None), ("0x10", None),
        ("1_000", None), ("\u0663", None), ("", None), ("soon", None),
        ("9" * 400, None), ("1" * 5000, None),
    ],
)  # fmt: skip
def test_fractions(value, wait):
    """A Retry-After is seconds, also with a fraction, or a date; or unusable."""
    assert headers.retry_after(value, now=NOW) == wait


def test_a_negative_retry_after_is_no_wait():
    """A server that sends -1 wants no wait."""
    assert headers.read(429, {"Retry-After": "-1"}, now=NOW).pause == 0.0


@pytest.mark.parametrize(
    "date",
    [
        "Sun, 06 Nov 1994 08:49:37 GMT",
        "Sunday, 06-Nov-94 08:49:37 GMT",
        "Sun Nov  6 08:49:37 1994",
    ],
)
def test_http_dates_in_three_forms(date):
    """A date is read in the three forms of RFC 9110."""
    assert headers.retry_after(date, now=784_111_767.0) == 10.0


@pytest.mark.parametrize("skew", [-3600.0, 0.0, 3600.0])
def test_a_skewed_clock_does_not_matter_when_there_is_a_date(skew):
    """A date is compared with the response's own, not with our clock."""
    fields = [
        (b"Date", b"Thu, 31 Dec 2020 23:59:30 GMT"),
        (b"Retry-After", b"Fri, 01 Jan 2021 00:00:00 GMT"),
    ]

    assert headers.read(429, fields, now=NOW + skew).pause == 30.0


@pytest.mark.parametrize("date", ["Thu, 31 Dec 1999 23:59:30 GMT", "soon"])
def test_a_date_that_is_far_off_is_not_believed(date):
    """A Date that is a day or more away, or none, counts as none."""
    fields = {"Date": date, "Retry-After": "Fri, 01 Jan 2021 00:00:00 GMT"}

    assert headers.read(429, fields, now=NOW).pause == 30.0


def test_an_epoch_under_the_drafts_name():
    """A large RateLimit-Reset is an instant, though the draft says a delta."""
    fields = {"RateLimit-Remaining": "0", "RateLimit-Reset": "1609459200"}

    assert headers.read(429, fields, now=NOW).pause == 30.0


def test_a_delta_under_the_x_name():
    """A small X-RateLimit-Reset is a delta, though most send an instant."""
    fields = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "437"}

    assert headers.read(429, fields, now=NOW).pause == 437.0


def test_a_reset_that_means_full_does_not_pause():
    """When all is back is not when more comes; it counts if nothing else is told."""
    full = {"x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "6m0s"}
    more = {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "7"}

    assert headers.read(429, full | more, now=NOW).pause == 7.0
    assert headers.read(429, full, now=NOW).pause == 360.0
    assert headers.read(503, full, now=NOW).pause is None


def test_a_reset_in_the_past():
    """A reset that is over by the server's clock is in 0 seconds."""
    fields = {
        "anthropic-ratelimit-requests-remaining": "0",
        "anthropic-ratelimit-requests-reset": "2020-12-31T23:59:29Z",
    }

    assert headers.read(429, fields, now=NOW).pause == 0.0


@pytest.mark.parametrize(
    ("fields", "quotas"),
    [
        (
            {
                "RateLimit-Limit": "100, 100;w=10",
                "RateLimit-Remaining": "50",
                "RateLimit-Reset": "50",
                "RateLimit-Policy": "10;w=1, 50;w=60",
            },
            [
                quota(10, None, None, window=1),
                quota(50, None, None, window=60),
                quota(100, 50, 50),
            ],
        ),
        (
            {"RateLimit": "limit=100, remaining=50, reset=5"},
            [quota(100, 50, 5)],
        ),
        (
            {
                "RateLimit": '"a";r=5;t=3, "b";r=0',
                "RateLimit-Policy": '"a";q=9;qu="content-bytes";w=10',
            },
            [
                quota(9, 5, 3, name="a", unit="content-bytes", window=10),
                quota(None, 0, None, name="b"),
            ],
        ),
    ],
)
def test_the_three_generations_of_the_draft(fields, quotas):
    """The fields of all drafts are understood."""
    assert headers.read(200, fields, now=NOW).quotas == tuple(quotas)


@pytest.mark.parametrize(
    "value",
    [
        "default;r=5", '"a";r=-1', '"a";r=5.0', '"a";r=?1', '"a"', '"a";r=5;t=x',
        '"a";r=5, "b"', "limit=100", '"a";r=5,', "(", "\u00e9", '"a";r=5;t=-1',
        '"a";r=1234567890123456', "remaining=x",
    ],
)  # fmt: skip
def test_malformed_fields_are_ignored_whole(value):
    """A RateLimit with one wrong item says nothing."""
    assert headers.read(200, {"RateLimit": value}, now=NOW).quotas == ()


@pytest.mark.parametrize("value", ['"a";w=5', '"a";q=5;w=0', "a;q=5", '"a";q=1;qu=x'])
def test_malformed_policies_are_ignored_whole(value):
    """A RateLimit-Policy with one wrong item says nothing."""
    assert headers.read(200, {"RateLimit-Policy": value}, now=NOW).quotas == ()


@pytest.mark.parametrize(
    "fields",
    [
        {"x-ratelimit-limit": "many", "x-ratelimit-reset": "later"},
        {"x-ratelimit-reset-ms": "later"},
        {"x-shopify-shop-api-call-limit": "some"},
        {"x-hubspot-ratelimit-interval-milliseconds": "0"},
        {"x-ratelimit-tokens": "5", "x-" + "y" * 200: "5", "ratelimit-status": "5"},
        {"x-ratelimit-remaining": "1" * 3000},
    ],
)
def test_what_is_not_understood_says_nothing(fields):
    """A value that is none, or a name that means nothing, is no quota."""
    assert headers.read(200, fields, now=NOW).quotas == ()


def test_retry_after_beats_t():
    """Retry-After counts before what the draft's field says."""
    fields = {"RateLimit": '"a";r=0;t=30', "Retry-After": "7"}

    assert headers.read(429, fields, now=NOW).pause == 7.0
    assert headers.read(429, {"RateLimit": '"a";r=0;t=30'}, now=NOW).pause == 30.0


def test_an_empty_quota_of_the_draft_pauses_before_it_is_refused():
    """On a success, r=0 with a t says how long to wait; Retry-After does not."""
    spent = '"a";r=0;t=3'

    assert headers.read(200, {"RateLimit": spent}, now=NOW).pause == 3.0
    both = {"RateLimit": spent + ', "b";r=0;t=4', "Retry-After": "9"}
    assert headers.read(200, both, now=NOW).pause == 4.0


def test_milliseconds_count_first_and_of_two_the_longer():
    """The first field that is usable counts; sent twice, the larger of the two."""
    fields = [
        ("x-retry-after", "99"),
        ("retry-after", "3"),
        ("retry-after", "5"),
        ("retry-after-ms", "soon"),
    ]

    assert headers.read(429, fields, now=NOW).pause == 5.0
    assert (
        headers.read(429, [*fields, ("retry-after-ms", "1500")], now=NOW).pause == 1.5
    )


@pytest.mark.parametrize(
    ("status", "fields", "refused"),
    [
        (429, {}, True),
        (429, {"RateLimit-Remaining": "595"}, True),
        (403, {}, False),
        (403, {"Retry-After": "60"}, True),
        (403, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "9"}, True),
        (403, {"x-ratelimit-remaining": "1", "x-ratelimit-reset": "9"}, False),
        (418, {"Retry-After": "120"}, True),
        (418, {}, False),
        (503, {"Retry-After": "1"}, True),
        (503, {"Retry-After": "soon"}, False),
        (529, {"Retry-After": "1"}, True),
        (500, {"Retry-After": "1"}, False),
        (202, {"Retry-After": "1"}, False),
    ],
)
def test_which_answers_are_refusals(status, fields, refused):
    """429 always is a limit; 403, 418, 503 and 529 when they say so."""
    assert headers.read(status, fields, now=NOW).refused is refused


@pytest.mark.parametrize(
    ("fields", "scope"),
    [
        ({"X-RateLimit-Global": "true"}, "global"),
        ({"X-RateLimit-Global": "false", "X-RateLimit-Scope": "shared"}, "shared"),
        ({"X-RateLimit-Scope": "galaxy"}, None),
    ],
)
def test_whose_limit_it_was(fields, scope):
    """Discord says whose limit a refusal is about."""
    assert headers.read(429, fields, now=NOW).scope == scope


def test_a_cached_answer_is_not_believed():
    """What a cache kept says nothing of now."""
    fields = {"RateLimit": '"a";r=0;t=3', "Age": "5"}

    assert headers.read(200, fields, now=NOW) == NOTHING
    assert headers.read(200, fields | {"Age": "0"}, now=NOW).pause == 3.0


def test_policy_names_do_not_matter():
    """A policy whose name changes with its values is still read."""
    for left in (3, 2, 1):
        fields = {
            "RateLimit": f'"10-in-1s-{left}";r={left};t=1',
            "RateLimit-Policy": f'"10-in-1s-{left}";q=10;w=1',
        }
        (told,) = headers.read(200, fields, now=NOW).quotas
        assert (told.limit, told.remaining) == (10, left)


def test_a_service_of_ones_own():
    """A service with odd names is one line; the known ones are read as before."""
    read = headers.reading({"X-Acme-Left": "remaining tokens", "X-Acme-Again": "pause"})

    advice = read(429, {"x-acme-left": "5", "X-ACME-AGAIN": "9"}, now=NOW)

    assert advice.pause == 9.0
    assert advice.quotas == (quota(None, 5, None, unit="tokens"),)
    assert read(429, {"retry-after": "3"}, now=NOW).pause == 3.0
    with pytest.raises(ValueError, match=r"^a field is one of limit, name, .*'left'"):
        headers.reading({"X-Acme-Left": "left"})


def test_without_http_sf_nothing_is_read(monkeypatch):
    """Where http-sf is missing, the first look at a response names the extra."""
    monkeypatch.setitem(sys.modules, "http_sf", None)
    monkeypatch.delitem(sys.modules, "aiolimiter.headers")
    monkeypatch.setattr(aiolimiter, "headers", headers)  # put back afterwards
    alone = importlib.import_module("aiolimiter.headers")

    with pytest.raises(ImportError, match=r"aiolimiter\[headers\]'$"):
        alone.read(200, {}, now=NOW)
    with pytest.raises(ImportError, match=r"aiolimiter\[headers\]'$"):
        alone.reading({"X-Acme-Left": "remaining"})
    assert alone.whole_seconds(0.2) == 1


@pytest.mark.parametrize("edge", ["httpx", "httpx2", "aiohttp"])
def test_without_http_sf_no_client_is_limited(monkeypatch, edge):
    """An edge says so when it is imported, and not when a server speaks."""
    monkeypatch.setitem(sys.modules, "http_sf", None)
    for name in [name for name in sys.modules if name.startswith("aiolimiter._http")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.delitem(sys.modules, f"aiolimiter.{edge}", raising=False)
    with pytest.raises(ImportError, match=r"aiolimiter\[headers\]'$"):
        importlib.import_module(f"aiolimiter.{edge}")


TEXT = st.text(st.characters(max_codepoint=255), max_size=40)
NAMES = st.sampled_from(
    [name for _, fields, _ in DOCUMENTED for name in fields]
    + ["Retry-After", "retry-after-ms", "Date", "Age", "X-RateLimit-Reset-After"]
)
VALUES = st.sampled_from(
    [value for _, fields, _ in DOCUMENTED for value in fields.values()]
)


@st.composite
def mutated(draw):
    """A documented value, with a part of it replaced."""
    value = draw(VALUES)
    start, end = sorted(draw(st.integers(0, len(value))) for _ in "ab")
    return value[:start] + draw(TEXT) + value[end:]


@given(
    st.sampled_from([200, 403, 418, 429, 503, 529]),
    st.lists(st.tuples(NAMES | TEXT, mutated() | TEXT), max_size=80),
)
@example(429, [("x-ratelimit-reset", "9" * 18), ("x-ratelimit-limit", "1.")])
def test_nothing_a_server_sends_raises(status, fields):
    """Whatever comes, the numbers that are read are finite and not below 0."""
    advice = headers.read(status, fields, now=NOW)

    numbers = [n for q in advice.quotas for n in q if isinstance(n, float)]
    numbers += [] if advice.pause is None else [advice.pause]
    assert all(isfinite(number) and number >= 0.0 for number in numbers)


def test_what_no_server_would_send_is_read():
    """Of three thousand heads, grown, mutated and random, none raises."""
    for number in range(3000):
        fuzz.check(*fuzz.response(number))


FIELD = st.from_regex(r' *"[ !#-\[\]-~]{0,5}";? ?r?=?[0-9]{0,3};? ?t?=?[0-9]{0,3} *')


@given(FIELD | mutated())
@example('"a\\"";r=5')
@example('"";r=0005; t=7')
def test_fast_path_and_http_sf_agree(field):
    """What the regular expression takes, a parser takes for the same."""
    quick = structured.plain(field)
    if quick is not None:
        ((name, told),) = http_sf.parse(field.encode("ascii"), tltype="list")
        assert (name, told["r"], told.get("t")) == (
            quick.name,
            quick.remaining,
            quick.reset_after,
        )


class Unread(str):
    """A text of which nobody may know more than its length."""

    __slots__ = ()

    def strip(self, *_):
        raise AssertionError

    encode = lower = isdigit = isascii = split = __iter__ = __getitem__ = strip


@pytest.mark.parametrize(
    "name", ["RateLimit", "Retry-After", "x-ratelimit-reset", "Date"]
)
def test_long_fields_cost_nothing(name):
    """Of a field above 2,048 characters only the length is looked at."""
    fields = [(name, Unread("1" * 65_536)), ("x-ratelimit-limit", "5")]

    advice = headers.read(429, fields, now=NOW)

    assert advice.quotas == (quota(5, None, None),)


def test_no_more_fields_are_read_than_say_something():
    """The 65th field of interest is not reached, nor any that follows."""
    seen = []
    fields = (seen.append(n) or ("x-ratelimit-limit", "5") for n in range(1000))

    advice = headers.read(429, fields, now=NOW)

    assert advice.quotas == (quota(5, None, None),)
    assert len(seen) == 64


@pytest.mark.parametrize("kind", [str, str.encode])
def test_the_date_of_a_second_is_read_once(kind):
    """Responses of one second have one Date; of the next, another one."""
    epoch = kind("x-ratelimit-reset"), kind("1600000060")
    remaining = kind("x-ratelimit-remaining"), kind("0")
    waits = []
    for second in ("40", "40", "41"):
        date = kind("Date"), kind(f"Sun, 13 Sep 2020 12:26:{second} GMT")
        advice = headers.read(429, [epoch, remaining, date], now=1.6e9 - 5)
        waits.append(advice.pause)

    assert waits == [60, 60, 59]


def test_names_that_strangers_make_up_are_forgotten():
    """However many names are read, few are remembered."""
    reader = headers._usual()
    for number in range(3000):
        headers.read(200, {f"x-{number}": ""}, now=NOW)

    assert len(reader._known) <= 1024
