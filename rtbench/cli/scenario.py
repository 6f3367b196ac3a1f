"""`rtbench scenario`: check scenario files, and print their JSON schema."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rtbench.scenario.model import Scenario


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the `scenario` command and its two actions."""
    parser = subparsers.add_parser("scenario", help="validate scenarios; print their JSON schema")
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)

    check = actions.add_parser("check", help="validate scenario files and the clips that they use")
    check.add_argument("files", metavar="FILE", nargs="+", type=Path, help="scenario file (YAML)")
    check.set_defaults(handler=run_check)

    schema = actions.add_parser("schema", help="print the JSON schema of scenario files, for editors")
    schema.set_defaults(handler=run_schema)


def run_check(args: argparse.Namespace) -> int:
    """Validate every file, and tell one line about each that stands; UsageError at the first fault."""
    from rtbench.scenario.load import load_scenarios

    for scenario in load_scenarios(args.files):
        print(_summary(scenario))
    return 0


def run_schema(args: argparse.Namespace) -> int:
    """Print the schema as JSON."""
    from rtbench.scenario.schema import scenario_schema

    json.dump(scenario_schema(), sys.stdout, indent=2)
    print()
    return 0


def _summary(scenario: Scenario) -> str:
    from rtbench.cli.fault_check import check_faults
    from rtbench.scenario.bounds import conversation_bounds
    from rtbench.scenario.clips import check_clips, open_corpus, script_clips

    check_faults(scenario)
    corpus = open_corpus(scenario)
    check_clips(scenario, corpus)
    clips = script_clips(scenario, corpus)
    corpus.load(clips)
    bounds = conversation_bounds(scenario, corpus)
    utterances = (
        f"{bounds.most_utterances}"
        if bounds.fewest_utterances == bounds.most_utterances
        else f"{bounds.fewest_utterances} to {bounds.most_utterances}"
    )
    path = scenario.source.path if scenario.source else "-"
    return (
        f"{path}: {scenario.name}, {utterances} utterances from {len(clips)} clips, "
        f"at most {bounds.longest.s:.0f} s with answers as long as their timeouts"
    )
