"""How tests run: on virtual time, and on CI with none left out in silence."""

from __future__ import annotations

import functools
import gc
import os
from typing import TYPE_CHECKING

import looptime
import pytest
import pytest_asyncio
from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from _pytest.terminal import TerminalReporter

# On CI a test may only be left out for one of these; any other skip fails the run.
AGREED = ("Windows only", "Linux only", "needs CPython ")

VIRTUAL = pytest.mark.looptime(
    # asyncio's own resolution: a timer is early or late by at most what a real
    # loop allows.  The default, 1e-6, would round a limiter's instants.
    resolution=1e-9,
    # A ready callback always runs before time moves; looptime's 42 empty rounds
    # before each move would only cost.
    noop_cycles=0,
    # Everybody waits and nobody will come: fail, instead of hanging.
    idle_timeout=5,
)

settings.register_profile("dev", deadline=None)
settings.register_profile(
    "ci",
    deadline=None,
    max_examples=300,
    derandomize=True,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("ci" if "CI" in os.environ else "dev")


@pytest.fixture
def new_virtual_loop() -> Callable[[], asyncio.AbstractEventLoop]:
    """Make loops like those async tests run on: ``Runner(loop_factory=…)``."""
    return functools.partial(looptime.new_event_loop, **VIRTUAL.kwargs)


def pytest_sessionstart(session: pytest.Session) -> None:
    """Make virtual time the rule; a test's own marker can change its settings."""
    session.add_marker(VIRTUAL)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave the clock on the wall to the tests that ask for it."""
    for item in items:
        if item.get_closest_marker("real_time"):
            item.add_marker(pytest.mark.looptime(False))  # noqa: FBT003 -- its API
            # A machine that stands still for a second breaks what is told in
            # tenths.  What fails three times is ours; on virtual time, once is enough.
            item.add_marker(pytest.mark.flaky(reruns=2))


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function):
    """
    Keep looptime away from tests that are not async.

    It would ask the policy for a loop, which makes one that nobody closes.
    """
    if not pytest_asyncio.is_async_test(pyfuncitem):
        pyfuncitem.funcargs.pop("event_loop_policy", None)
    return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_sessionfinish(session: pytest.Session):
    """On CI, count a skip without an agreed reason as a failure."""
    yield
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if "CI" in os.environ and reporter is not None:
        reporter.ensure_newline()
        for reason in skipped_without_leave(reporter):
            reporter.write_line(f"not agreed on CI: {reason}", red=True)
            session.exitstatus = pytest.ExitCode.TESTS_FAILED


def skipped_without_leave(reporter: TerminalReporter) -> list[str]:
    """What was left out for a reason that is not among those agreed."""
    reasons = [
        str(report.longrepr[2]) if isinstance(report.longrepr, tuple) else "no reason"
        for report in reporter.stats.get("skipped", [])
    ]
    return [
        reason
        for reason in reasons
        if not reason.removeprefix("Skipped: ").startswith(AGREED)
    ]


def pytest_collection_finish() -> None:
    """Leave what is imported by now to itself: each test that collects walks it all."""
    gc.collect()
    gc.freeze()
