"""The page on what servers send, held against what is read."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from aiolimiter import headers

from .corpus import NOW

PAGE = Path(__file__).parents[2] / "docs/what-servers-say.md"
ROW = re.compile(r"\| (?P<who>[^|]+) \| (?P<sent>`[^|]+`) \| (?P<read>[^|]+) \|")
ROWS = [row.groupdict() for row in ROW.finditer(PAGE.read_text("utf-8"))]


def sent(cell):
    """The status and the fields of a cell."""
    status, fields = 200, []
    for span in re.findall(r"`([^`]+)`", cell):
        name, found, value = span.partition(": ")
        if found:
            fields.append((name, value))
        else:
            status = int(span)
    return status, fields


def told(quota):
    """A quota in the words of the page."""
    unit, left, limit = quota.unit, quota.remaining, quota.limit
    if left is not None:
        text = f"{left:g}" + ("" if limit is None else f" of {limit:g}")
        text += f" {unit} left"
    elif limit is not None:
        text = f"at most {limit:g} {unit}"
    else:
        text = f"{unit}: no number"
    if quota.window is not None:
        text += f", in {quota.window:g} s"
    if quota.reset_after is not None:
        what = "more" if quota.renewed else "all back"
        text += f", {what} in {quota.reset_after:.5g} s"
    return text


def words(advice):
    """An advice in the words of the page."""
    parts = [told(quota) for quota in advice.quotas]
    if advice.refused:
        pause = advice.pause
        parts.append("refused" + ("" if pause is None else f", pause {pause:.5g} s"))
    elif advice.pause is not None:
        parts.append(f"pause {advice.pause:.5g} s")
    if advice.scope is not None:
        parts.append(f"scope {advice.scope}")
    return "; ".join(parts) or "nothing"


@pytest.mark.parametrize("row", ROWS, ids=[row["who"] for row in ROWS])
def test_the_page_says_what_is_read(row):
    """What the page says is read of a service's fields is what is read of them."""
    status, fields = sent(row["sent"])

    assert row["read"] == words(headers.read(status, fields, now=NOW))


def test_the_page_has_all_services():
    """There are as many rows as the table that was made for it has."""
    assert len(ROWS) >= 35
