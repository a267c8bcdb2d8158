"""A loop that refuses a timer for what is over, while its clock moves on."""

from __future__ import annotations

import asyncio
import importlib.util
from pathlib import Path

import looptime
import pytest

from aiolimiter import AsyncLimiter

from .timetable import VIRTUAL

PLAYED = Path(__file__).parent / "pyodide" / "scenes.py"


def load(path):
    """Import the file at *path*, which stands alone."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


SCENES = load(PLAYED).SCENES


class StrictLoop(looptime.LoopTimeEventLoop, asyncio.SelectorEventLoop):
    """Refuses the past as a browser's loop does; each look at its clock takes time."""

    look = 1e-6
    _spent = 0.0

    def time(self):
        self._spent += self.look
        return super().time() + self._spent

    def call_later(self, delay, callback, *args, context=None):
        if delay < 0:
            msg = "Can't schedule in the past"
            raise ValueError(msg)
        when = super().time() + self._spent + delay
        return super().call_at(when, callback, *args, context=context)

    def call_at(self, when, callback, *args, context=None):
        return self.call_later(when - self.time(), callback, *args, context=context)


def play(main, look=StrictLoop.look):
    """Run the coroutine *main* on a strict loop, and return its result."""
    faults = []

    async def watched():
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, context: faults.append(context))
        return await main

    def new_loop():
        loop = StrictLoop(**VIRTUAL)
        loop.look = look
        return loop

    with asyncio.Runner(loop_factory=new_loop) as runner:
        result = runner.run(watched())
    assert not faults
    return result


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.__name__)
@pytest.mark.parametrize("look", [1e-9, 1e-6, 2e-5])
def test_a_timetable_comes_true(scene, look):
    """Nobody is stranded, nobody early, and nobody late but by the looks."""
    for found, expected in play(scene(), look):
        assert expected - 1e-9 <= found <= expected + 0.012 + 5000 * look


def test_many_who_are_due_one_after_the_other():
    """Each is due before the timer for it can be asked for, and all are served."""

    async def main():
        limiter = AsyncLimiter(1, 1e-7)
        await asyncio.gather(*(limiter.acquire() for _ in range(500)))
        return limiter.statistics().waiting

    assert play(main()) == 0


def test_a_shared_limit(tmp_path):
    """A limit in a file asks for no timer in the past, either."""
    local = pytest.importorskip("aiolimiter.local", reason="needs POSIX file locks")

    async def main():
        limiter = local.FileLimiter(tmp_path / "limit", 10_000, 1, burst=1)
        await asyncio.gather(*(limiter.acquire() for _ in range(50)))
        return (await limiter.statistics()).waiting

    assert play(main()) == 0


@pytest.mark.parametrize("early", [0.0, 0.0009, 0.0019])
def test_a_loop_whose_timers_are_early(monkeypatch, early):
    """Who sleeps for `retry_after` is admitted, where that much of a sleep is cut."""

    class CuttingLoop(StrictLoop):
        def call_later(self, delay, callback, *args, context=None):
            cut = 0.0 if delay <= 0.002 else delay - early
            return super().call_later(cut, callback, *args, context=context)

    CuttingLoop.__module__ = "pyodide.webloop"
    monkeypatch.setattr(f"{__name__}.StrictLoop", CuttingLoop)
    for scene in SCENES:
        for found, expected in play(scene()):
            assert expected - 1e-9 <= found <= expected + 0.012 + 20 * 0.002
