"""A check-up before anything is spent: what this machine lacks, and whether a target is there and takes the key."""

from __future__ import annotations

import asyncio
import dataclasses
import os
import platform
import resource
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Literal, get_args

import psutil

from rtbench import __version__
from rtbench.analysis.calibration import Calibration, kept_calibration
from rtbench.core.errors import ExitCode, RtbenchError
from rtbench.dialects.registry import DIALECTS
from rtbench.engine.probe import probe
from rtbench.engine.target import EMULATOR, named_target
from rtbench.results.provenance import describe_host
from rtbench.scenario.transport import TransportName

Level = Literal["ok", "warning", "missing"]

OLDEST_PYTHON = (3, 11)

FILES_BESIDE_CALLS = 256
"""Descriptors that a worker's engine has open besides one or two per call: tables, pipes, libraries."""

FILES_PER_CALL = 2
BYTES_PER_CALL = 150_000
"""The target for a WebSocket call's memory."""

LEAST_DISK_BYTES = 1_000_000_000
BUSY_SHARE = 0.5
"""Of the cores, taken by others over the last minute: above it frames will be late."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    name: str
    level: Level
    told: str
    advice: str = ""
    exit_code: ExitCode = ExitCode.PASS
    """Of the command, where something is missing."""


def check_machine(users: int, out: Path) -> Iterator[Finding]:
    """What a run with so many callers at a time needs of this machine."""
    yield _python()
    yield from _cores()
    yield _files(users)
    yield _memory(users)
    yield _timer()
    yield _folder(out)
    yield _calibrated()
    yield _webrtc()


def check_target(name: str, model: str) -> Finding:
    """Whether the target can be reached and takes the key that is set; nothing is charged for it."""
    if name == EMULATOR:
        return Finding("target", "ok", "the emulator comes with rtbench and needs no key")
    try:
        target = named_target(name)
        asyncio.run(probe(target, DIALECTS[target.dialect], model))
    except RtbenchError as error:
        return Finding("target", "missing", str(error).rstrip("."), exit_code=error.exit_code)
    return Finding("target", "ok", f"{target.base_url} answers, and takes the key")


def _python() -> Finding:
    told = f"Python {platform.python_version()}"
    if sys.version_info < OLDEST_PYTHON:
        return Finding("python", "missing", told, "rtbench needs 3.11 or later.", ExitCode.USAGE)
    return Finding("python", "ok", told)


def _cores() -> Iterator[Finding]:
    cores = describe_host().cores
    load = os.getloadavg()[0] / cores
    if cores < 2:
        yield Finding("cores", "warning", "1 core", "An emulator, or a second worker, would share it.")
    else:
        yield Finding(
            "cores", "ok", f"{cores} cores: one per worker, and one for an emulator on this machine"
        )
    if load > BUSY_SHARE:
        yield Finding(
            "load",
            "warning",
            f"{load:.0%} of the cores are taken over the last minute",
            "Leave the machine to the test alone.",
        )
    else:
        yield Finding("load", "ok", f"{load:.0%} of the cores are taken over the last minute")


def _files(users: int) -> Finding:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = FILES_BESIDE_CALLS + FILES_PER_CALL * users
    told = f"{soft:,} open files are allowed, {users:,} calls need {needed:,}"
    if soft >= needed:
        return Finding("files", "ok", told)
    how = f"ulimit -n {needed}" if hard >= needed else "the system's limit (limits.conf, LimitNOFILE)"
    return Finding("files", "missing", told, f"Raise it: {how}.", ExitCode.USAGE)


def _memory(users: int) -> Finding:
    available, needed = psutil.virtual_memory().available, 500_000_000 + BYTES_PER_CALL * users
    told = f"{available / 1e9:,.1f} GB of memory are free, {users:,} calls need about {needed / 1e9:,.1f}"
    if available < needed:
        return Finding("memory", "warning", told, "Run fewer callers, or on more machines.")
    return Finding("memory", "ok", told)


def _timer() -> Finding:
    if platform.system() == "Linux":
        return Finding("timer", "ok", "timerfd: frames leave on absolute deadlines")
    return Finding(
        "timer",
        "warning",
        f"no timerfd on {platform.system()}",
        "Frames are a little later; calibrate to see.",
    )


def _folder(out: Path) -> Finding:
    there = next((folder for folder in (out, *out.absolute().parents) if folder.is_dir()), Path("/"))
    free = shutil.disk_usage(there).free
    if not os.access(there, os.W_OK):
        return Finding(
            "reports", "missing", f"{there} cannot be written to", "Choose another --out.", ExitCode.USAGE
        )
    told = f"{free / 1e9:,.1f} GB are free for reports in {out}"
    if free < LEAST_DISK_BYTES:
        return Finding("reports", "warning", told, "A long run writes some hundred MB.")
    return Finding("reports", "ok", told)


def _calibrated() -> Finding:
    """One transport is enough: who calls over one only needs no other."""
    host = dataclasses.asdict(describe_host())
    kept = {transport: kept_calibration(host, transport) for transport in get_args(TransportName)}
    told = "; ".join(f"{transport} {_calibration_told(each)}" for transport, each in kept.items())
    if any(each is not None and each.rtbench == __version__ for each in kept.values()):
        return Finding("calibration", "ok", f"{told}; reports show the error bar")
    return Finding(
        "calibration", "warning", told, "Run `rtbench calibrate` once with this version, in peace."
    )


def _calibration_told(calibration: Calibration | None) -> str:
    if calibration is None:
        return "was never calibrated"
    if calibration.rtbench != __version__:
        return f"was calibrated with rtbench {calibration.rtbench}, which this is not"
    valid = calibration.valid_up_to
    return f"is calibrated, VALID {'with none' if valid is None else f'up to {valid:,} sessions'}"


def _webrtc() -> Finding:
    missing = [name for name in ("aiortc", "av") if find_spec(name) is None]
    if missing:
        return Finding(
            "webrtc", "warning", f"{' and '.join(missing)} not installed", "WebSocket is not affected by it."
        )
    return Finding("webrtc", "ok", "WebRTC can be used")
