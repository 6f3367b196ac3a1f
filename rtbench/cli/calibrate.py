"""`rtbench calibrate`: this machine's own measurement error, at rising concurrency, kept for its reports."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from rtbench.cli.argument import positive_int, seconds
from rtbench.core.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from rtbench.analysis.calibration import Calibration
    from rtbench.analysis.capacity_step import StepResult

LEVELS, HOLD = "1,10,50,100,200,400", "20 s"
QUICK_LEVELS, QUICK_HOLD = "1,10,50", "8 s"
"""Of --quick: what 50 callers say in 8 s tells a 99th percentile of the error of waits just so."""


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the parser."""
    parser = subparsers.add_parser(
        "calibrate",
        help="measure this machine's own measurement error",
        description="Hold calls with the embedded emulator, whose delays are known, at rising concurrency until this "
        "machine cannot keep up. The outcome is kept for this machine, and shown in its reports.",
    )
    parser.add_argument(
        "--transport",
        action="append",
        choices=["websocket", "webrtc"],
        help="more than once for several (default: websocket)",
    )
    parser.add_argument("--levels", metavar="N,N,...", help=f"callers at a time (default: {LEVELS})")
    parser.add_argument(
        "--sessions",
        type=positive_int,
        metavar="N",
        help="not beyond so many at a time: what the runs to come need",
    )
    parser.add_argument("--hold", metavar="TIME", help=f"each is measured so long (default: {HOLD})")
    parser.add_argument(
        "--quick",
        action="store_true",
        help=f"a minute in place of four: {QUICK_LEVELS} callers unless --levels says otherwise, {QUICK_HOLD} each",
    )
    parser.add_argument(
        "--workers", type=positive_int, default=1, metavar="N", help="processes that hold calls (default: 1)"
    )
    parser.add_argument("--keep", type=Path, metavar="DIR", help="keep the runs there")
    parser.set_defaults(handler=calibrate)


def calibrate(args: argparse.Namespace) -> int:
    """Calibrate every transport that is asked for; INVALID where not even the first level was valid."""
    from rich.console import Console

    from rtbench.report.calibration import render_calibration

    levels = bounded(_levels(args.levels or (QUICK_LEVELS if args.quick else LEVELS)), args.sessions)
    hold_s = seconds("--hold", args.hold or (QUICK_HOLD if args.quick else HOLD))
    console = Console()
    code = ExitCode.PASS
    for transport in dict.fromkeys(args.transport or ["websocket"]):
        with tempfile.TemporaryDirectory(prefix="rtbench-") as scratch:
            folder = (args.keep or Path(scratch)) / transport
            folder.mkdir(parents=True, exist_ok=True)
            calibration, path = _calibrate(args, transport, levels, hold_s, folder)
        console.print(render_calibration(calibration))
        console.print()
        console.print(f"kept in {path}", soft_wrap=True, highlight=False)
        if calibration.valid_up_to is None:
            code = ExitCode.INVALID
    return code


def _calibrate(
    args: argparse.Namespace, transport: str, levels: list[int], hold_s: float, folder: Path
) -> tuple[Calibration, Path]:
    import dataclasses

    from rich.console import Console

    import rtbench
    from rtbench.analysis.calibration import Calibration, calibrate_levels, fingerprint
    from rtbench.clock import local_time
    from rtbench.load.calibration import CalibrationOrder, hold_calibration
    from rtbench.report.build import load_run
    from rtbench.results.machine_files import calibration_file, write_machine_file
    from rtbench.results.provenance import describe_host

    console = Console(stderr=True)
    steps: list[StepResult] = []

    def note(step: StepResult) -> None:
        steps.append(step)
        late = step.health.send_lateness_p99_ms
        told = "-" if late is None else f"{late:.2f} ms"
        console.print(
            f"{transport} {step.level:g} sessions: {step.verdict.level}, send late p99 {told}",
            highlight=False,
        )

    order = CalibrationOrder(transport, levels, hold_s, args.workers, ("rtbench", *sys.argv[1:]))
    directory = hold_calibration(order, folder, console, note)
    machine = fingerprint(dataclasses.asdict(describe_host()))
    calibration = Calibration(
        fingerprint=machine,
        transport=transport,
        made_at=local_time().isoformat(),
        rtbench=rtbench.__version__,
        levels=calibrate_levels(load_run(directory), steps),
        workers=args.workers,
    )
    path = calibration_file(machine, transport)
    write_machine_file(path, calibration.as_dict())
    return calibration, path


def _levels(written: str) -> list[int]:
    parts = [part.strip() for part in written.split(",")]
    if not all(part.isdecimal() and int(part) > 0 for part in parts):
        raise UsageError(f"--levels: must be whole numbers above 0, such as 1,10,100, not '{written}'")
    return sorted({int(part) for part in parts})


def bounded(levels: list[int], most: int | None) -> list[int]:
    """The levels up to a most, which is then the last of them."""
    return levels if most is None else [*(level for level in levels if level < most), most]
