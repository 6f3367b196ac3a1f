"""The option `--mos` of `rtbench run` and `rtbench report`: scores of recorded answers, made after a run and never in it."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from rtbench.core.errors import UsageError


def add_mos_option(parser: argparse.ArgumentParser) -> None:
    """`--mos`."""
    parser.add_argument(
        "--mos",
        action="store_true",
        help="score the recorded answers by PLCMOS, from their audio (needs the extra rtbench[mos])",
    )


def check_mos(args: argparse.Namespace, scenarios: Sequence[Path]) -> None:
    """Before a run. Raises UsageError where scores are asked for that could not be made after it."""
    if not args.mos:
        return
    from rtbench.report.plc_mos import check_installed
    from rtbench.scenario.load import load_scenario

    check_installed()
    for path in scenarios:
        scenario = load_scenario(path)
        if not scenario.record.audio:
            raise UsageError(f"{path}: --mos needs recordings; set `record: {{audio: true}}`.")


def score_end(args: argparse.Namespace, directory: Path) -> None:
    """Score what a run has recorded, if that was asked for; where that cannot be done it is told, and the report goes on."""
    try:
        score_if_asked(args, directory)
    except UsageError as error:
        print(f"rtbench: {error}", file=sys.stderr)


def score_if_asked(args: argparse.Namespace, directory: Path) -> None:
    """Score what was recorded in a run's directory. Raises UsageError where the extra or the recordings are missing."""
    if not args.mos:
        return
    from rich.console import Console

    from rtbench.report.plc_mos import check_installed, score_recordings
    from rtbench.results.run_directory import RunDirectory

    check_installed()
    with Console(stderr=True).status("listening to the recorded answers"):
        score_recordings(RunDirectory.open(directory))
