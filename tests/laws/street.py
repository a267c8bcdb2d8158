"""A loop that is turned by hand, and who waits there."""

from __future__ import annotations

from .hand_loop import HandLoop


class Street:
    """A loop, and who waits there."""

    def __init__(self, now=0.0):
        self.loop = HandLoop(now)
        self.tasks = []

    def come(self, limiter, *args, then=None, **amounts):
        async def visit():
            await limiter.acquire(*args, **amounts)
            if then is not None:
                then()

        task = self.loop.begin(visit())
        self.tasks.append(task)
        return task

    def call(self, function, *args, **named):
        with self.loop.running():
            return function(*args, **named)

    def run(self):
        while self.loop.ready:
            self.loop.run(self.loop.ready.popleft())

    def sleep(self, seconds):
        """Let time pass, and everything happen that is due by then."""
        end = self.loop.now + seconds
        for _ in range(2000):
            self.run()
            alarm = self.loop.alarm()
            if alarm is None or alarm > end:
                break
            self.loop.now = max(self.loop.now, alarm)
            self.loop.fire()
        self.run()
        self.loop.now = max(self.loop.now, end)
