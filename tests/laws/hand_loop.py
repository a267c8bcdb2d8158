"""
An event loop that is turned by hand.

Nothing happens by itself: the test says what time it is, which callback runs
next, and when the timer fires, be it early, on time or late.
"""

from __future__ import annotations

import asyncio
from asyncio import events
from collections import deque
from contextlib import contextmanager


class HandLoop(asyncio.AbstractEventLoop):
    """What a limiter and its tasks need of a loop, and no more."""

    def __init__(self, now=0.0):
        self.now = now
        self.ready = deque()
        self.timers = []
        self.closed = False

    def time(self):
        return self.now

    def call_soon(self, callback, *args, context=None):
        handle = asyncio.Handle(callback, args, self, context)
        self.ready.append(handle)
        return handle

    def call_at(self, when, callback, *args, context=None):
        if when < self.now:
            msg = f"{when} is over, it is {self.now}"
            raise ValueError(msg)
        handle = asyncio.TimerHandle(when, callback, args, self, context)
        self.timers.append(handle)
        return handle

    def call_later(self, delay, callback, *args, context=None):
        return self.call_at(self.now + delay, callback, *args, context=context)

    def _timer_handle_cancelled(self, handle):
        if handle in self.timers:
            self.timers.remove(handle)

    def create_future(self):
        return asyncio.Future(loop=self)

    def get_debug(self):
        return False

    def is_closed(self):
        return self.closed

    def is_running(self):
        return events._get_running_loop() is self

    def close(self):
        self.closed = True

    def call_exception_handler(self, context):
        # A task that ended with an error is the business of who awaits it; a
        # callback that did is a fault.
        if "handle" in context:
            raise context["exception"]

    @contextmanager
    def running(self):
        """Act as a callback of this loop does."""
        events._set_running_loop(self)
        try:
            yield
        finally:
            events._set_running_loop(None)

    def begin(self, coroutine):
        """Make a task and run it up to its first wait."""
        task = asyncio.Task(coroutine, loop=self)
        self.run(self.ready.pop())
        return task

    def run(self, handle):
        """Run one callback, whatever time it is."""
        if not handle.cancelled():
            events._set_running_loop(self)
            try:
                handle._run()
            finally:
                events._set_running_loop(None)

    def fire(self):
        """Run the earliest timer, whatever time it is."""
        handle = min(self.timers, key=asyncio.TimerHandle.when)
        self.timers.remove(handle)
        self.run(handle)

    def alarm(self):
        """When the earliest timer is set for, or None."""
        return min((handle.when() for handle in self.timers), default=None)
