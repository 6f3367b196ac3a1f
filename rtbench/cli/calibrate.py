"""`rtbench calibrate`: this machine's own measurement error, at rising concurrency, kept for its reports."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from rtbench.core.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from rtbench.analysis.calibration import Calibration
    from rtbench.analysis.capacity_step import StepResult

LEVELS = "1,10,50,100,200,400"


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
    parser.add_argument(
        "--levels", default=LEVELS, metavar="N,N,...", help=f"callers at a time (default: {LEVELS})"
    )
    parser.add_argument("--hold", default="20 s", metavar="TIME", help="each is measured so long")
    parser.add_argument(
        "--workers", type=int, default=1, metavar="N", help="processes that hold calls (default: 1)"
    )
    parser.add_argument("--keep", type=Path, metavar="DIR", help="keep the runs there")
    parser.set_defaults(handler=calibrate)


def calibrate(args: argparse.Namespace) -> int:
    """Calibrate every transport that is asked for; INVALID where not even the first level was valid."""
    from rich.console import Console

    from rtbench.report.calibration import render_calibration

    levels, hold_s = _levels(args.levels), _hold_s(args.hold)
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
    )
    path = calibration_file(machine, transport)
    write_machine_file(path, calibration.as_dict())
    return calibration, path


def _levels(written: str) -> list[int]:
    parts = [part.strip() for part in written.split(",")]
    if not all(part.isdecimal() and int(part) > 0 for part in parts):
        raise UsageError(f"--levels: must be whole numbers above 0, such as 1,10,100, not '{written}'")
    return sorted({int(part) for part in parts})


def _hold_s(written: str) -> float:
    from rtbench.scenario.duration import Duration

    try:
        return Duration.parse(written).s
    except ValueError as error:
        raise UsageError(f"--hold: {error}") from None
