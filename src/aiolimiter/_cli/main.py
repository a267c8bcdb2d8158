"""The way in: which commands there are, and how each of them ends."""

from __future__ import annotations

import argparse
import inspect
import sys
from collections.abc import Mapping, Sequence
from typing import NoReturn, Protocol

from . import drip, fleet, simulate, streams, watch

# 128 and the signal (SIGINT, SIGPIPE), as a shell reports them.
_INTERRUPTED = 130
_UNREAD = 141
_FAILED = 1

_ABOUT = "aiolimiter from the command line."
_MORE = "Without a command it runs 'drip'; 'COMMAND --help' explains each."


class Command(Protocol):
    """What a module must have to be a command; its docstring is the help."""

    def add_arguments(self, parser: argparse.ArgumentParser, /) -> None:
        """Declare what can be typed behind the name."""

    def run(self, options: argparse.Namespace, /) -> None:
        """Do it, writing to standard output."""


# The one place where a command is registered; the first is the default.
COMMANDS: Mapping[str, Command] = {
    "drip": drip,
    "fleet": fleet,
    "simulate": simulate,
    "watch": watch,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """
    Run the command line.

    Args:
        arguments: What was typed behind ``python -m aiolimiter``; by default
            ``sys.argv`` has it.

    Returns:
        The exit status: 0, or 130 when interrupted, or 141 when whoever read
        the output went away, or 1 when it could not be written otherwise.

    Raises:
        SystemExit: Status 2 and one line on standard error for bad input;
            status 0 for ``--help`` and ``--version``.
    """
    typed = sys.argv[1:] if arguments is None else arguments
    status = 0
    with streams.fit():
        # Starred, for what a command's tasks raise comes as a group.
        try:
            try:
                _run(typed)
            finally:
                sys.stdout.flush()  # or the interpreter finds out that nobody reads
        except* KeyboardInterrupt:
            status = _INTERRUPTED
        except* BrokenPipeError:
            status = _UNREAD
            streams.give_up()
        except* OSError as errors:
            status = _FAILED
            streams.give_up()
            why = {str(error) for error in errors.exceptions}
            sys.stderr.write(f"python -m aiolimiter: {', '.join(sorted(why))}\n")
    return status


def _run(typed: Sequence[str]) -> None:
    parser = _parser()
    options = parser.parse_args(typed)
    if options.command is None:
        options = parser.parse_args([*COMMANDS][:1])
    COMMANDS[options.command].run(options)


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="python -m aiolimiter",
        description=_ABOUT,
        epilog=_MORE,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="tell it, and end")
    rooms = parser.add_subparsers(dest="command", metavar="COMMAND")
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


class _Version(argparse.Action):
    """Look the version up when it is asked for: that takes a while."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        *_: object,
        **__: object,
    ) -> NoReturn:
        from .. import __version__

        print("aiolimiter", __version__)
        parser.exit()
