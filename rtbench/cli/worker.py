"""`rtbench worker`: join a distributed run."""

from __future__ import annotations

import argparse
from pathlib import Path


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the parser."""
    parser = subparsers.add_parser(
        "worker",
        help="join a distributed run",
        description="Hold calls for a master, which `rtbench run --workers` or `locust --master` started.",
    )
    parser.add_argument(
        "scenario", metavar="SCENARIO", type=Path, help="the scenario file that the master runs"
    )
    parser.add_argument("--master", required=True, metavar="HOST", help="where the master runs")
    parser.add_argument("--port", type=_port, default=5557, help="the master's port (default: 5557)")
    parser.add_argument("--until-stopped", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--with-parent", action="store_true", help=argparse.SUPPRESS)
    parser.set_defaults(handler=run)


def run(args: argparse.Namespace) -> int:
    """Work until the master says quit."""
    from rtbench.load.worker import WorkerOptions, work

    work(
        WorkerOptions(
            scenario=args.scenario,
            master_host=args.master,
            master_port=args.port,
            until_stopped=args.until_stopped,
            with_parent=args.with_parent,
        )
    )
    return 0


def _port(written: str) -> int:
    if not written.isdecimal() or not 1 <= int(written) <= 65_535:
        raise argparse.ArgumentTypeError(f"must be a port from 1 to 65535, not '{written}'")
    return int(written)
