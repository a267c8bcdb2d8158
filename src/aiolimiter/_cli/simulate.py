"""
Try a limit on traffic before it is shipped.

The limits are the real ones, on a clock that costs no time: an hour is over in
seconds.  Each limit meets the same requests:

    simulate 100/60 --burst 10 --arrivals poisson:3/s --for 5m
    simulate 100/60 --versus window:100/60 --versus '100/60 burst=1'
    simulate 100/60 --server window:100/60 --latency 20ms..80ms
    simulate 30000/60 --arrivals file:access.log --amount column:size
    simulate 30000/60 --amount 900 --settle uniform:0.3,1 --workers 20 --service 2s
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Callable
from math import inf
from pathlib import Path
from typing import Any, NoReturn, TypeVar

from .._sim.amounts import amounts
from .._sim.arrivals import Arrivals, arrivals
from .._sim.limits import Limit, limit
from .._sim.log import Log
from .._sim.quantities import duration, number
from .._sim.run import Simulation, slower
from .._sim.servers import Latency, latency, server
from .._sim.trial import Plan, Report
from . import extra, reports

T = TypeVar("T")

_PICTURES = (".svg", ".png", ".html")


def _count(text: str) -> int:
    many = number(text, "a whole number like 10")
    if not many.is_integer() or many > 1e6:  # noqa: PLR2004 -- a mistake
        msg = f"must be a whole number up to a million, like 10, got {text!r}"
        raise ValueError(msg)
    return int(many)


def _picture(text: str) -> Path:
    path = Path(text)
    if path.suffix not in _PICTURES:
        msg = f"must end in {', '.join(_PICTURES)}, like limit.svg, got {text!r}"
        raise ValueError(msg)
    return path


# What is typed, how it is called, what reads it, and what it says; a default
# where one is needed.
_ARGUMENTS: tuple[tuple[str, str, Callable[[str], Any], str], ...] = (
    ("--burst", "AMOUNT", number, "what the bucket holds (default: its amount)"),
    (
        "--arrivals",
        "WHO",
        str,
        (
            "steady:3/s, poisson:3/s, burst:50@0s,50@4m, or file:PATH, which has an "
            "instant a line or is an access log (default: poisson, at the limit's rate)"
        ),
    ),
    ("--for", "TIME", duration, "how long requests come (default: 5m; a file: all)"),
    ("--amount", "AMOUNT", str, "1, uniform:1,2000, lognormal:400,1 or column:NAME"),
    ("--key", "NAME", str, "the column of the file that tells whose request it is"),
    ("--max-wait", "TIME", duration, "the longest wait; what is longer is refused"),
    ("--workers", "N", _count, "instead of arrivals: so many who ask, again and again"),
    ("--service", "TIME", duration, "how long a request takes (default: no time)"),
    ("--settle", "PART", amounts, "what it really costs: 0.7 or uniform:0.3,1 of it"),
    ("--server", "LIMIT", server, "bucket:100/60, window:… or fixed:…: counts 429s"),
    ("--latency", "TIME", latency, "on the way to it: 50ms, or 20ms..80ms"),
    ("--seed", "N", _count, "another one draws other requests (default: 0)"),
    ("--plot", "FILE", _picture, "draw it into FILE.svg, FILE.png or FILE.html"),
)
_DEFAULTS = {
    "amount": "1",
    "workers": 0,
    "service": 0.0,
    "latency": Latency(),
    "seed": 0,
}
_LIMITS = "100/60, window:100/60, keyed:10/1, or '100/60 + window:5000/1h'"


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the limits, the traffic, the server and what is printed."""
    parser.add_argument("limit", metavar="LIMIT", type=_told(limit), help=_LIMITS)
    parser.add_argument(
        "--versus",
        metavar="LIMIT",
        type=_told(limit),
        action="append",
        default=[],
        help="another limit beside it; may be repeated",
    )
    for name, metavar, read, text in _ARGUMENTS:
        parser.add_argument(name, metavar=metavar, type=_told(read), help=text)
    parser.set_defaults(**_DEFAULTS)
    parser.add_argument(
        "--skip-bad",
        action="store_true",
        help="count lines that can't be read, instead of stopping at the first",
    )
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--json", action="store_true", help="print JSON")
    how.add_argument("--csv", action="store_true", help="print CSV, a row a limit")


def run(options: Namespace) -> None:
    """Simulate, and print what each limit did."""
    first: Limit = options.limit
    if options.burst is not None:
        first = _with_burst(first, options.burst)
    limits = [first, *options.versus]
    source = _source(options, first)
    plan = _plan(options, source)
    out = reports.Out(sys.stdout, sys.stderr)
    if options.plot is not None:
        extra.need("matplotlib")  # or it would be missed when all is done
    with out.progress(plan.until) as told:
        simulation = Simulation(limits, source, plan, progress=told)
        try:
            found = simulation.run()
        except KeyboardInterrupt:
            _print(options, out, simulation.reports())
            raise
        except OSError as error:
            path = error.filename or getattr(source, "path", "it")
            _stop(f"argument --arrivals: can't read {path}: {error.strerror}")
        except ValueError as error:
            _stop(f"argument --arrivals: {error}")
    _print(options, out, found)
    if isinstance(source, Log) and source.bad:
        out.note(f"{source.bad} lines of {source.path} could not be read")
    if not (options.json or options.csv):
        _advise(out, first, source, plan, found[0])


def _print(options: Namespace, out: reports.Out, found: list[Report]) -> None:
    if options.json:
        out.json(found)
    elif options.csv:
        out.csv(found)
    else:
        out.table(found)
        out.chart(found[0])
    if options.plot is not None:
        from . import plot

        try:
            plot.draw(options.plot, found)
        except OSError as error:
            _stop(f"argument --plot: can't write {options.plot}: {error.strerror}")
        if not (options.json or options.csv):
            out.note(f"drawn into {options.plot}")


def _advise(
    out: reports.Out, limit: Limit, source: Arrivals | None, plan: Plan, found: Report
) -> None:
    if not found.rejected or (isinstance(source, Log) and source.path == "-"):
        return
    part = slower(limit, source, plan)
    if part is None:
        out.note(
            "no lower rate helps: what goes at once is more than the server takes; "
            f"try a smaller burst, as '{limit.rate * 60:.4g}/60 burst=1', or a window"
        )
    else:
        out.note(
            f"at {part:.0%} of the rate ({limit.rate * part * 60:.4g}/60) the server "
            "refuses nothing"
        )


def _plan(options: Namespace, source: Arrivals | None) -> Plan:
    until = vars(options)["for"]
    if until is None:
        until = inf if isinstance(source, Log) else 300.0
    column = options.amount.startswith("column:")
    return Plan(
        until=until,
        wanted=_read("--amount", amounts, "1" if column else options.amount),
        seed=options.seed,
        max_wait=options.max_wait,
        workers=options.workers,
        service=options.service,
        settle=options.settle,
        server=options.server,
        latency=options.latency,
    )


def _source(options: Namespace, limit: Limit) -> Arrivals | None:
    text, amount, key = options.arrivals, options.amount, options.key
    path = None if text is None else text.removeprefix("file:")
    is_file = path != text
    if not is_file and (amount.startswith("column:") or key is not None):
        which = "--key" if key is not None else "--amount"
        _stop(f"argument {which}: a column is one of a file: --arrivals file:PATH")
    if options.workers:
        if text is not None:
            _stop("argument --workers: not with --arrivals: workers ask by themselves")
        return None
    if path is not None and is_file:
        column = amount.removeprefix("column:") if amount != "1" else None
        column = column if amount.startswith("column:") else None
        return Log(path, amount=column, key=key, skip_bad=options.skip_bad)
    rate = min((part.rate for part in limit.parts), default=1.0)
    return _read("--arrivals", arrivals, text or f"poisson:{rate:.15g}/1")


def _with_burst(limit: Limit, burst: float) -> Limit:
    part = limit.parts[0]
    if len(limit.parts) > 1 or part.kind.endswith("window") or not burst > 0.0:
        _stop("argument --burst: must be above 0, and the limit one bucket like 100/60")
    return Limit((part._replace(burst=burst),))


def _told(read: Callable[[str], T]) -> Callable[[str], T]:
    """Return *read* with its complaint in the form that argparse passes on."""

    def reader(text: str) -> T:
        try:
            return read(text)
        except ValueError as error:
            raise ArgumentTypeError(str(error)) from None

    return reader


def _read(argument: str, read: Callable[[str], T], text: str) -> T:
    try:
        return read(text)
    except ValueError as error:
        _stop(f"argument {argument}: {error}")


def _stop(message: str) -> NoReturn:
    sys.stderr.write(f"python -m aiolimiter simulate: {message} (--help explains)\n")
    raise SystemExit(2)
