"""Which of many keys is the nearest to new."""

from __future__ import annotations

from math import inf

from hypothesis import given, strategies as st

from aiolimiter._core.keyed.nearest import LOOKS, Nearest

INSTANTS = st.integers(0, 20).map(float)


def add(nearest, key, empty_at, now):
    """Note *key*, which has come at *now*."""
    nearest.note(key, empty_at)
    nearest.put_right(now)


def test_the_first_one_to_be_new_is_the_nearest():
    """Of keys that took nothing since they came, the first to be new is found."""
    empty_at = {"a": 3.0, "b": 1.0, "c": 2.0}
    nearest = Nearest(empty_at.get)
    for key, instant in empty_at.items():
        add(nearest, key, instant, 0.0)

    assert nearest.pop() == "b"
    del empty_at["b"]
    assert nearest.pop() == "c"


def test_what_was_taken_since_counts():
    """A key that took more since it came is as far from new as it is now."""
    empty_at = {"a": 1.0, "b": 2.0}
    nearest = Nearest(empty_at.get)
    for key, instant in empty_at.items():
        add(nearest, key, instant, 0.0)
    empty_at["a"] = 5.0

    assert nearest.pop() == "b"


def test_of_too_many_that_took_more_the_nearest_that_was_looked_at_is_taken():
    """Looking ends after a while: then it is the nearest of those looked at."""
    nearest = Nearest(lambda key: 2000.0 - key)
    for key in range(1000):
        add(nearest, key, float(key), -1.0)

    assert nearest.pop() == LOOKS - 1


def test_a_key_that_comes_and_goes_is_noted_once():
    """Memory follows the keys, not how often each of them came."""
    nearest = Nearest({"a": 9.0}.get)

    for _ in range(100):
        add(nearest, "a", 9.0, 0.0)

    assert len(nearest) == 1


def test_a_key_that_comes_back_nearer_to_new_has_one_place():
    """Where a key stood before it was forgotten and came back counts no more."""
    empty_at = {"a": 9.0}
    nearest = Nearest(empty_at.get)
    add(nearest, "a", 9.0, 0.0)
    empty_at["a"] = 1.0
    add(nearest, "a", 1.0, 0.0)
    assert nearest.pop() == "a"
    empty_at["b"] = 10.0
    add(nearest, "b", 10.0, 0.0)
    empty_at["a"] = 20.0

    assert nearest.pop() == "b"


@given(
    events=st.lists(
        st.tuples(st.integers(0, 5), st.sampled_from(["come", "more", "go"]), INSTANTS),
        max_size=40,
    )
)
def test_the_nearest_of_a_few_is_always_found(events):
    """Whatever came, took more and was forgotten: the nearest is the nearest."""
    empty_at = {}
    nearest = Nearest(empty_at.get)
    for key, event, instant in events:
        if event == "come" and key not in empty_at:
            empty_at[key] = instant
            add(nearest, key, instant, 0.0)
        elif event == "more" and key in empty_at:
            empty_at[key] = max(empty_at[key], instant)
        elif event == "go":
            empty_at.pop(key, None)
    while empty_at:
        least = min(empty_at.values())

        assert empty_at.pop(nearest.pop()) == least


def test_one_that_will_never_be_new():
    """A key whose debt outlasts all time is noted, too, and is the last to go."""
    empty_at = {"a": inf, "b": 1.0}
    nearest = Nearest(empty_at.get)
    for key, instant in empty_at.items():
        add(nearest, key, instant, 0.0)

    assert nearest.pop() == "b"
    del empty_at["b"]
    assert nearest.pop() == "a"
