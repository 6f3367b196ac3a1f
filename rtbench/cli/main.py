"""The `rtbench` command: parses, calls the handler, and turns errors into one sentence and an exit code."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

import rtbench
from rtbench.cli import (
    calibrate,
    capacity,
    compare,
    corpus,
    doctor,
    emulator,
    export,
    history,
    report,
    run,
    scenario,
    sweep,
    worker,
)
from rtbench.cli.outlet import outliving_reader
from rtbench.core.errors import ExitCode, RtbenchError

COMMANDS = (
    run,
    report,
    compare,
    history,
    export,
    sweep,
    capacity,
    calibrate,
    doctor,
    emulator,
    worker,
    corpus,
    scenario,
)

DESCRIPTION = """The load tester for voice: holds scripted spoken conversations, many at once and in real time,
against a realtime speech-to-speech API, and tells what the callers would have heard."""

EXIT_CODES = """exit codes: 0 pass; 1 usage or configuration; 2 a threshold failed; 3 regression; 4 the run is invalid;
5 target unreachable or refused the credentials; 6 budget reached; 7 inconclusive (with --strict); 130 interrupted"""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> None:  # type: ignore[override]  # it does not return
        """Bad usage is one sentence and exit code 1, as all bad input; argparse's own 2 means a failed threshold here."""
        print(f"rtbench: {message}; see {self.prog} --help", file=sys.stderr)
        raise SystemExit(int(ExitCode.USAGE))


def build_parser() -> argparse.ArgumentParser:
    """The parser with all commands."""
    parser = _Parser(prog="rtbench", description=DESCRIPTION, epilog=EXIT_CODES)
    parser.add_argument("--version", action="version", version=f"rtbench {rtbench.__version__}")
    subparsers = parser.add_subparsers(dest="command", metavar="COMMAND", required=True, parser_class=_Parser)
    for command in COMMANDS:
        command.register(subparsers)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; its exit code."""
    args = build_parser().parse_args(arguments)
    try:
        return int(args.handler(args))
    except RtbenchError as error:
        print(f"rtbench: {error}", file=sys.stderr)
        return int(error.exit_code)
    except KeyboardInterrupt:
        print("rtbench: interrupted", file=sys.stderr)
        return int(ExitCode.INTERRUPTED)


def entry() -> None:
    """The console script."""
    for name in ("stdout", "stderr"):
        if (
            stream := getattr(sys, name)
        ) is not None:  # None where the descriptor was closed from the beginning
            setattr(sys, name, outliving_reader(stream))
    sys.exit(main())
