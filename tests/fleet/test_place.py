"""Where a limit is on a server: no two have the same place, and one can read it."""

from __future__ import annotations

from hypothesis import example, given, strategies as st

from aiolimiter.redis._place import LONGEST, place

# Few letters, so that what is meant to differ comes close to being the same.
TEXTS = st.text("ab:%{}~\0\ud800é3A", max_size=6) | st.text(
    st.characters(exclude_categories=[]), max_size=2 * LONGEST
)
WHO = st.tuples(TEXTS, st.none() | TEXTS)


@given(WHO, WHO)
@example(("api", "global"), ("api:global", None))
@example(("api", "admin:bob"), ("api:admin", "bob"))
@example(("a", ""), ("a:", None))
@example(("a", ""), ("a", None))
@example(("%3A", None), (":", None))
@example(("\ud83d\ude00", None), ("\U0001f600", None))
@example(("a" * 1_000_000, None), ("a" * 1_000_001, None))
@example(("a" * 201, None), (place("a" * 201).removeprefix("aiolimiter:"), None))
def test_two_limits_never_share_a_place(one, other):
    """Different names or keys have different places, whatever the strings."""
    assert (place(*one) == place(*other)) == (one == other)


@given(WHO)
@example(("\0" * LONGEST, "\ud800" * LONGEST))
def test_a_place_can_be_read_and_sent(who):
    """A place is short, without control characters, and a client can encode it."""
    told = place(*who)

    assert len(told) <= 20 + 2 * LONGEST
    assert told.encode().decode() == told
    assert told.startswith("aiolimiter:")
    assert not any(letter < " " for letter in told)


def test_what_is_plain_stays_plain():
    """Letters of any script, spaces and dashes are as they were given."""
    assert place("github api") == "aiolimiter:github api"
    assert place("user", "anna-名") == "aiolimiter:user:anna-名"
    assert place("{shop}:api", "a:{b}") == "aiolimiter:{shop}%3Aapi:a%3A%7Bb%7D"
    assert place("x" * 300).startswith("aiolimiter:" + "x" * 100 + "%~")
