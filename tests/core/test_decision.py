"""The values a limiter answers with, and the errors it raises."""

from __future__ import annotations

import pickle

import pytest

from aiolimiter import BackendError, Decision, LimiterStatistics, RateLimitExceeded

GRANTED = Decision(granted=True, retry_after=0.0, remaining=3.0)
REFUSED = Decision(granted=False, retry_after=1.5, remaining=0.0)


def test_a_decision_is_true_when_granted():
    """A decision is as true as it is granted, whatever else it says."""
    assert GRANTED
    assert not REFUSED


@pytest.mark.parametrize("value", [GRANTED, LimiterStatistics(1.0, 9.0, 0, 0.0, None)])
def test_values_are_frozen(value):
    """What was answered does not change."""
    with pytest.raises(AttributeError):
        value.level = value.granted = 0


def test_an_error_reads_like_its_message():
    """A RateLimitExceeded is its message, and carries the decision."""
    error = RateLimitExceeded("too long", REFUSED)

    assert str(error) == "too long"
    assert error.decision is REFUSED
    assert error.retry_after == 1.5


def test_an_error_survives_another_process():
    """A RateLimitExceeded can be pickled, as pools of processes need it."""
    error = pickle.loads(pickle.dumps(RateLimitExceeded("too long", REFUSED)))

    assert (str(error), error.decision) == ("too long", REFUSED)


@pytest.mark.parametrize("error", [RateLimitExceeded, BackendError])
def test_errors_are_found_where_they_are_public(error):
    """Tracebacks name the errors as users import them."""
    assert f"{error.__module__}.{error.__qualname__}" == f"aiolimiter.{error.__name__}"
    assert issubclass(error, Exception)
