"""What can be typed behind a command, and what is said of everything else."""

from argparse import ArgumentTypeError

import pytest

from aiolimiter._cli import arguments


@pytest.mark.parametrize(
    ("text", "amount", "seconds"),
    [
        ("4/8", 4, 8),
        ("100/60", 100, 60),
        ("0.5/1", 0.5, 1),
        ("1e3/0.25", 1000, 0.25),
        (" 4 / 8 ", 4, 8),
        ("100", 100, 60),
    ],
)
def test_limit(text, amount, seconds):
    """A limit is an amount and the seconds it is for, which are a minute."""
    assert arguments.limit(text) == (amount, seconds)


@pytest.mark.parametrize(
    "text",
    [
        *("4/0", "0/8", "-4/8", "4/-8", "nan/1", "1/nan", "inf/1", "1/inf"),
        *("x", "", "/", "4/", "/8", "4/8/2", "4:8", "1e400/1", "1e-7/1", "1/2e9"),
    ],
)
def test_no_limit(text):
    """What is no limit is refused with an example of one."""
    with pytest.raises(ArgumentTypeError) as refusal:
        arguments.limit(text)

    assert str(refusal.value) == (
        f"must be AMOUNT/SECONDS like 4/8, each from 1e-6 to 1e9, got {text!r}"
    )


@pytest.mark.parametrize(("text", "number"), [("1", 1), ("1e3", 1000), ("5.0", 5)])
def test_count(text, number):
    """A count is a whole number, however it is written."""
    read = arguments.count(text)

    assert read == number
    assert type(read) is int


@pytest.mark.parametrize("text", ["0", "-1", "1.5", "nan", "inf", "x", "100001"])
def test_no_count(text):
    """A count has at least one, and no more than somebody would watch."""
    with pytest.raises(ArgumentTypeError) as refusal:
        arguments.count(text)

    assert (
        str(refusal.value) == f"must be a whole number from 1 to 100000, got {text!r}"
    )


def test_seconds():
    """A duration may be nothing at all."""
    assert [arguments.seconds(text) for text in ("0", "0.01", "60")] == [0, 0.01, 60]


@pytest.mark.parametrize("text", ["-0.1", "nan", "inf", "1s", "2e9"])
def test_no_seconds(text):
    """A duration neither goes back nor on for ever."""
    with pytest.raises(ArgumentTypeError) as refusal:
        arguments.seconds(text)

    assert str(refusal.value) == f"must be seconds, from 0 to 1e9, got {text!r}"


def test_burst():
    """A burst is an amount; a single task is the smallest."""
    assert [arguments.burst(text) for text in ("1", "2.5")] == [1, 2.5]


@pytest.mark.parametrize("text", ["0.99", "0", "-1", "nan", "inf", "x"])
def test_no_burst(text):
    """A bucket that can't hold a task is refused: none would ever get through."""
    with pytest.raises(ArgumentTypeError) as refusal:
        arguments.burst(text)

    assert str(refusal.value) == (
        f"must be an amount from 1, which each task takes, to 1e9, got {text!r}"
    )
