"""What does importing add to ``import asyncio``?

A fresh interpreter without site-packages each time, so what is not in the
contender's own directory cannot come in; what came in that is neither the
standard library's nor the contender's is counted.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys

from ..contenders.face import Contender
from ..peers import search_path
from .face import Measured, Question, Row

LAUNCHES = 11

SCRIPT = """
import asyncio, json, sys, time
sys.path[:0] = json.loads(sys.argv[1])
before = set(sys.modules)
start = time.perf_counter()
__import__(sys.argv[2])
took = time.perf_counter() - start
tops = {name.partition(".")[0] for name in set(sys.modules) - before}
other = tops - set(sys.stdlib_module_names) - {sys.argv[2].partition(".")[0]}
print(json.dumps([took, len(other)]))
"""


def measure(contender: Contender) -> Measured:
    """Return the median seconds, and how many third-party packages came in."""
    paths = json.dumps(search_path(contender.package, sys.executable))
    name: str = contender.imports
    command = [sys.executable, "-I", "-S", "-c", SCRIPT, paths, name]
    # The first one may have to compile.
    runs = [json.loads(subprocess.check_output(command)) for _ in range(LAUNCHES + 1)]
    seconds, strangers = zip(*runs[1:], strict=True)
    return {"seconds": statistics.median(seconds), "third_party": max(strangers)}


QUESTION = Question(
    name="8",
    verb="imports",
    measure=measure,
    rounds=1,
    rows=(
        Row("import, on top of asyncio", "seconds", reach="< 0.003"),
        Row("- third-party packages it brings", "third_party", "n", reach="<= 0"),
    ),
)
