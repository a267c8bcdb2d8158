"""``python -m benchmarks``: measure everything, print one table."""

from __future__ import annotations

import argparse
import datetime
import json
import os
import sys
import time
from pathlib import Path

from .contenders import CONTENDERS
from .peers import directory, version
from .questions import QUESTIONS


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "--only", metavar="1,2", help="questions to ask; default: all of them"
    )
    parser.add_argument(
        "--contenders", metavar="ours,lock", help="who is asked; default: everyone"
    )
    parser.add_argument(
        "--python",
        action="append",
        default=[],
        metavar="PATH",
        help="one more interpreter, a column of ours each; may be repeated",
    )
    parser.add_argument(
        "--rigorous", action="store_true", help="three times as many rounds"
    )
    parser.add_argument(
        "-o", "--output", type=Path, metavar="FILE", help="keep all numbers as JSON"
    )
    return parser.parse_args()


def chosen(text: str | None, among: dict[str, object]) -> list[str]:
    """Read a list of names, and refuse those that do not exist."""
    names = text.split(",") if text else list(among)
    for name in names:
        if name not in among:
            sys.exit(f"no such name: {name}; there are {', '.join(among)}")
    return names


def yardsticks(questions: list[str]) -> list[str]:
    """List whom the rows compare with: all that another interpreter runs."""
    rows = [row for key in questions for row in QUESTIONS[key].rows]
    against = {row.against for row in rows if row.against}
    return [name for name in CONTENDERS if name == "ours" or name in against]


def main() -> None:
    """Measure, then print."""
    args = arguments()
    questions = chosen(args.only, dict(QUESTIONS))
    names = chosen(args.contenders, dict(CONTENDERS))
    sys.path.append(str(directory("pyperf", sys.executable)))
    from . import rounds, table

    began = time.monotonic()
    more = 3 if args.rigorous else 1
    rounds.note(version(sys.executable))
    results, missing = rounds.run(questions, names, sys.executable, more)
    others: dict[str, rounds.Results] = {}
    for python in args.python:
        rounds.note(version(python))
        few = [name for name in yardsticks(questions) if name in names]
        found, absent = rounds.run(questions, few, python, more)
        others[version(python).split()[1]] = found
        missing += absent
    here = version(sys.executable).split()[1]
    if args.output:
        args.output.write_text(json.dumps({here: results, **others}, indent=1))
    print(table.markdown(table.build(questions, results, others, here)))
    today = datetime.datetime.now(tz=datetime.UTC).date()
    took = time.monotonic() - began
    where = f"{version(sys.executable)}, {os.cpu_count()} cores"
    print(f"\n{today}, {where}; took {took:.0f} s.")
    print("Medians; a ratio is taken within each round. A dash: it has no such thing.")
    for line in missing:
        print(f"left out: {line}")


if __name__ == "__main__":
    main()
