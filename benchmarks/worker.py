"""One measurement in a process of its own.

``python -m benchmarks.worker QUESTION CONTENDER`` prints its metrics as JSON.
Questions that pyperf times take one more name, of the file for the seconds of
the Lock that was timed in turns with the contender, and then pyperf's options.
"""

from __future__ import annotations

import gc
import json
import logging
import sys
import warnings
from pathlib import Path

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
    beside = Path(sys.argv.pop(1))
    import pyperf

    def seconds(loops: int) -> float:
        mine, locks = question.timed(contender, loops)
        with beside.open("a") as file:
            print(mine / locks, file=file)
        return mine

    name = f"{question.name} {contender.title}"
    names = ("-m", __spec__.name, question.name, contender.name, str(beside))
    runner = pyperf.Runner(program_args=names)
    runner.bench_time_func(name, seconds)


if __name__ == "__main__":
    main()
