"""The way in: which commands there are, and how each of them ends."""

from __future__ import annotations

import argparse
import inspect
import sys
from collections.abc import Mapping, Sequence
from typing import NoReturn, Protocol

from . import drip, fleet

# 128 and the signal (SIGINT, SIGPIPE), as a shell reports them.
_INTERRUPTED = 130
_UNREAD = 141

_ABOUT = "aiolimiter from the command line."
_MORE = "Without a command it runs 'drip'; 'COMMAND --help' explains each."


class Command(Protocol):
    """What a module must have to be a command; its docstring is the help."""

    def add_arguments(self, parser: argparse.ArgumentParser, /) -> None:
        """Declare what can be typed behind the name."""

    def run(self, options: argparse.Namespace, /) -> None:
        """Do it, writing to standard output."""


# The one place where a command is registered; the first is the default.
COMMANDS: Mapping[str, Command] = {"drip": drip, "fleet": fleet}


def main(arguments: Sequence[str] | None = None) -> int:
    """
    Run the command line.

    Args:
        arguments: What was typed behind ``python -m aiolimiter``; by default
            ``sys.argv`` has it.

    Returns:
        The exit status: 0, or 130 when interrupted, or 141 when whoever read
        the output went away.

    Raises:
        SystemExit: Status 2 and one line on standard error for bad input;
            status 0 for ``--help``.
    """
    typed = sys.argv[1:] if arguments is None else arguments
    options = _parser().parse_args(typed or [*COMMANDS][:1])
    status = 0
    # Starred, for what a command's tasks raise comes as a group.
    try:
        COMMANDS[options.command].run(options)
        sys.stdout.flush()  # or the interpreter finds out that nobody reads
    except* KeyboardInterrupt:
        status = _INTERRUPTED
    except* BrokenPipeError:
        status = _UNREAD
    return status


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="python -m aiolimiter",
        description=_ABOUT,
        epilog=_MORE,
        allow_abbrev=False,
    )
    rooms = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, command in COMMANDS.items():
        about = inspect.getdoc(command) or name
        room = rooms.add_parser(
            name,
            help=about.partition("\n")[0],
            description=about,
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )
        command.add_arguments(room)
    return parser


class _Parser(argparse.ArgumentParser):
    """A parser whose complaint is one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message} (--help explains)\n")
