"""One measurement in a process of its own.

``python -m benchmarks.worker QUESTION CONTENDER`` prints its metrics as JSON.
Questions that pyperf times go through pyperf, whose options follow the names.
"""

from __future__ import annotations

import gc
import json
import logging
import sys
import warnings

from .contenders import CONTENDERS
from .questions import QUESTIONS


def main() -> None:
    """Measure once."""
    question = QUESTIONS[sys.argv.pop(1)]
    contender = CONTENDERS[sys.argv.pop(1)]()
    # A peer that warns or logs at every call would be measured doing that.
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")
    if question.measure is not None:
        gc.collect()
        print(json.dumps(question.measure(contender)))
        return
    import pyperf

    name = f"{question.name} {contender.title}"
    names = ("-m", "benchmarks.worker", question.name, contender.name)
    runner = pyperf.Runner(program_args=names)
    runner.bench_time_func(
        name,
        lambda loops: question.timed(contender, loops),
        inner_loops=question.inner_loops,
    )


if __name__ == "__main__":
    main()
