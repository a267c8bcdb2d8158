"""How hard the laws try: a little each time, a lot on demand."""

from __future__ import annotations

import os

# LAWS=20 makes every law draw twenty times as many examples, and the
# exploration go one event further.
EFFORT = int(os.environ.get("LAWS", "1"))


def examples(usual):
    """How many examples to draw where *usual* ones are enough for each run."""
    if "HYPOTHESIS_PROFILE" in os.environ and EFFORT == 1:
        return usual * 10
    return usual * EFFORT
