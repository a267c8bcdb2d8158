"""The public face: what it shows, and in which words."""

from __future__ import annotations

import inspect
import pydoc
import re
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

import aiolimiter
import aiolimiter.aiohttp
import aiolimiter.asgi
import aiolimiter.fastapi
import aiolimiter.headers
import aiolimiter.httpx
import aiolimiter.httpx2
import aiolimiter.local
import aiolimiter.opentelemetry
import aiolimiter.redis

from .docs.stage import LITERAL

ROOT = Path(__file__).parents[1]
NAMES = aiolimiter.__all__
CLASSES = [name for name in NAMES if inspect.isclass(getattr(aiolimiter, name))]

VERBS = {
    "acquire": "(self, amount=1, *, max_wait=None)",
    "has_capacity": "(self, amount=1)",
    "max_pause": "settable",
    "observer": "settable",
    "pause": "(self, seconds)",
    "reserve": "(self, amount=1, *, max_wait=None)",
    "reset": "(self)",
    "restrict": "(self, remaining)",
    "statistics": "(self)",
    "try_acquire": "(self, amount=1)",
}
# What every limiter has, of one process or shared.
FAMILY = {
    verb: VERBS[verb]
    for verb in (
        "acquire",
        "has_capacity",
        "pause",
        "restrict",
        "statistics",
        "try_acquire",
    )
}
# What users call, and how.  A name that is not here is not promised.
FACE: dict[str, dict[str, str]] = {
    "AdaptiveLimiter": {
        "__init__": "(self, max_rate, time_period=60, *, burst=None, start=None)",
        "attempt": "(self, amount=1, *, max_wait=None)",
        "burst": "read only",
        "max_rate": "read only",
        "rate": "read only",
        "time_period": "read only",
        **VERBS,
    },
    "AsyncLimiter": {
        "__init__": "(self, max_rate, time_period=60, *, burst=None)",
        "burst": "settable",
        "max_rate": "settable",
        "time_period": "settable",
        **VERBS,
    },
    "Attempt": {"refused": "(self, retry_after=None)"},
    "BackendError": {},
    "CombinedLimiter": {
        "__init__": "(self, *limiters, **named)",
        "acquire": "(self, amount=1, *, max_wait=None, **amounts)",
        "reserve": "(self, amount=1, *, max_wait=None, **amounts)",
        "statistics": "(self)",
        "try_acquire": "(self, amount=1, **amounts)",
    },
    "CombinedReservation": {"settle": "(self, actual=None, **actuals)"},
    "Decision": {"granted": "field", "remaining": "field", "retry_after": "field"},
    "KeyedLimiter": {
        "__contains__": "(self, key)",
        "__getitem__": "(self, key)",
        "__init__": "(self, max_rate, time_period=60, *, burst=None, max_keys=None)",
        "__iter__": "(self)",
        "__len__": "(self)",
        "burst": "settable",
        "max_pause": "settable",
        "max_rate": "settable",
        "observer": "settable",
        "reset": "(self)",
        "statistics": "(self)",
        "time_period": "settable",
    },
    "KeyedSlidingWindowLimiter": {
        "__contains__": "(self, key)",
        "__getitem__": "(self, key)",
        "__init__": "(self, max_rate, time_period=60, *, max_keys=None)",
        "__iter__": "(self)",
        "__len__": "(self)",
        "max_pause": "settable",
        "max_rate": "settable",
        "observer": "settable",
        "reset": "(self)",
        "statistics": "(self)",
        "time_period": "settable",
    },
    "Limiter": FAMILY,
    "LimiterStatistics": {
        "amount_waiting": "field",
        "available": "field",
        "level": "field",
        "seconds_to_next": "field",
        "waiting": "field",
    },
    "Observer": {
        "backend": "(self, limiter, seconds, error)",
        "paused": "(self, limiter, seconds)",
        "refused": "(self, limiter, amount, retry_after)",
        "waited": "(self, limiter, amount, seconds)",
    },
    "RateLimitExceeded": {
        "__init__": "(self, message, decision)",
        "retry_after": "read only",
    },
    "Reservation": {"amount": "field", "settle": "(self, actual)"},
    "SharedLimiter": {
        **FAMILY,
        "change": "(self, *, max_rate=None, time_period=None, burst=None)",
        "reset": "(self)",
    },
    "SlidingWindowLimiter": {
        "__init__": "(self, max_rate, time_period=60)",
        "max_rate": "settable",
        "time_period": "settable",
        **VERBS,
    },
    "set_default_observer": {},
}


def kind(member: object) -> str:
    """How a member is used: its signature without types, or what it is."""
    if isinstance(member, property):
        return "settable" if member.fset else "read only"
    if not inspect.isfunction(member):
        return "field"
    signature = inspect.signature(member)
    plain = [
        p.replace(annotation=p.empty, default=number(p.default))
        for p in signature.parameters.values()
    ]
    return str(inspect.Signature(plain))


def number(default: object) -> object:
    """Write 1.0 as 1: to a caller they are the same."""
    whole = isinstance(default, float) and default.is_integer()
    return int(default) if whole else default


def public(cls: type) -> set[str]:
    """The members a class adds to those of its builtin base."""
    inherited = {name for base in cls.__mro__ for name in dir(base) if base in BUILTINS}
    return {n for n in dir(cls) if not n.startswith("_") and n not in inherited}


BUILTINS = (object, tuple, Exception)


def is_ours(value: object) -> bool:
    """Whether something was defined in this package."""
    return getattr(value, "__module__", "").partition(".")[0] == "aiolimiter"


def test_all_is_sorted_and_complete():
    """`__all__` lists every name of ours that can be had, in order."""
    had = {name: getattr(aiolimiter, name) for name in NAMES}
    shown = {
        name
        for name, value in vars(aiolimiter).items()
        if not name.startswith("_") and is_ours(value)
    }

    assert sorted(NAMES) == NAMES
    assert set(had) == shown


def test_each_public_name_is_promised():
    """Every name of the public face has its members written down here."""
    assert sorted(FACE) == NAMES


@pytest.mark.parametrize("name", CLASSES)
def test_members_are_as_promised(name):
    """A class has the members promised, with these arguments, and no others."""
    cls = getattr(aiolimiter, name)

    assert {member: kind(getattr(cls, member)) for member in FACE[name]} == FACE[name]
    assert public(cls) == {n for n in FACE[name] if not n.startswith("_")}


@pytest.mark.parametrize("name", CLASSES)
def test_everything_public_is_documented(name):
    """A public class has a docstring, and so has each of its methods."""
    cls = getattr(aiolimiter, name)
    members = [getattr(cls, member) for member in public(cls)]
    callables = [m for m in members if inspect.isfunction(m) or isinstance(m, property)]

    assert inspect.cleandoc(cls.__doc__)
    assert [m for m in callables if not m.__doc__] == []


MODULES = [
    aiolimiter,
    aiolimiter.aiohttp,
    aiolimiter.asgi,
    aiolimiter.fastapi,
    aiolimiter.headers,
    aiolimiter.httpx,
    aiolimiter.httpx2,
    aiolimiter.local,
    aiolimiter.opentelemetry,
    aiolimiter.redis,
]


@pytest.mark.parametrize("module", MODULES)
def test_every_name_is_in_the_reference(module):
    """The API page names everything that can be imported."""
    page = set(re.findall(r"\w+", (ROOT / "docs/api.md").read_text("utf-8")))

    assert set(module.__all__) - page == set()


@pytest.mark.parametrize("path", ["docs/api.md", "tests/typing/api.py"])
def test_every_member_is_written_down(path):
    """The API page and the file for type checkers name all names and members."""
    words = set(re.findall(r"\w+", (ROOT / path).read_text("utf-8")))
    members = {member for face in FACE.values() for member in face}
    special = {member for member in members if member.startswith("_")}

    assert {*NAMES, *members} - special - words == set()


@pytest.mark.parametrize("module", MODULES)
def test_every_name_is_shown_at_work(module):
    """Each public name has an example in its docstring; tests/docs runs it."""
    silent = [name for name in module.__all__ if not shows(getattr(module, name))]

    assert silent == []


@pytest.mark.parametrize("verb", [*VERBS, "__call__"])
def test_every_verb_is_shown_at_work(verb):
    """Each verb of a limiter has an example in its docstring, too."""
    assert shows(getattr(aiolimiter.AsyncLimiter, verb))


def shows(thing: object) -> bool:
    """Whether a docstring has an example of the kinds that are run."""
    text = inspect.getdoc(thing) or ""
    return ">>> " in text or LITERAL.search(text + "\n") is not None


@pytest.mark.parametrize("module", MODULES)
def test_messages_call_a_limiter_by_a_public_name(module):
    """What a wrong call is said to be of, and a forgotten await, can be imported."""
    limiters = [
        thing
        for thing in (getattr(module, name) for name in module.__all__)
        if inspect.isclass(thing) and hasattr(thing, "acquire")
    ]
    verbs = [*VERBS, "change", "__aenter__", "__aexit__", "__call__"]
    owners = {
        member.__qualname__.partition(".")[0]
        for limiter in limiters
        for verb in verbs
        if inspect.isfunction(member := getattr(limiter, verb, None))
    }

    assert owners - {*NAMES, *module.__all__} == set()


def test_dir_shows_every_name():
    """`dir` lists all public names, also those that were not used yet."""
    code = "import aiolimiter; print(*dir(aiolimiter))"
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    shown = done.stdout.split()

    assert {*NAMES, "__version__"} <= set(shown)
    assert sorted(shown) == shown


def test_help_shows_every_name():
    """`help` documents all public names."""
    text = pydoc.render_doc(aiolimiter, renderer=pydoc.plaintext)

    assert [
        name
        for name in NAMES
        if not re.search(rf"^    (class )?{name}\(", text, re.MULTILINE)
    ] == []


def test_the_version_is_that_of_the_installed_package():
    """`__version__` is what the metadata says."""
    assert aiolimiter.__version__ == version("aiolimiter")


def test_a_name_that_does_not_exist_is_an_attribute_error():
    """Asking for anything else fails as with any module."""
    message = r"^module 'aiolimiter' has no attribute 'AsnycLimiter'$"
    with pytest.raises(AttributeError, match=message):
        aiolimiter.AsnycLimiter  # noqa: B018 -- looking is the point
