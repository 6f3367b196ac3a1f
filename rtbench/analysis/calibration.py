"""A machine's calibration: how far its figures are from the truth at rising concurrency, by transport.

It is measured against the embedded emulator, whose delays are known, and holds for this machine, this
version of rtbench and a target that is as near as loopback: of a run of another version it gives no error
bar. It was held by so many workers, which is told beside it where a run had others.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Self

import pandas as pd

from rtbench.analysis.capacity_step import StepResult
from rtbench.analysis.measurement_error import MeasurementError, measurement_error
from rtbench.analysis.samples import Rows
from rtbench.analysis.truth import INTERRUPTION_METRICS, error_column
from rtbench.analysis.verdict import Level
from rtbench.results.machine_files import calibration_file, read_machine_file
from rtbench.results.reader import Run

CALIBRATION_VERSION = 1


@dataclass(frozen=True, slots=True)
class CalibrationLevel:
    """What was measured with so many sessions at a time."""

    sessions: int
    verdict: Level
    turns: int
    errors: dict[str, MeasurementError]
    """Measured minus true, by metric; those of which nothing came are left out."""

    send_lateness_p50_ms: float | None
    send_lateness_p99_ms: float | None
    cpu_share_p95: float | None
    """Of the busiest engine."""

    cpu_ms_per_session_second: float | None


@dataclass(frozen=True, slots=True)
class ErrorBar:
    """How far the waits of a run are from the truth, as a calibration of its machine found it."""

    transport: str
    made_at: str
    """ISO 8601."""

    valid_up_to: int | None
    """Sessions at a time; None where the machine was VALID with none."""

    sessions: int | None
    """With so many it was measured, as many as the run had or more; None where the run had more than any."""

    p50_ms: float | None
    """Measured minus true, in the middle; None where nothing was measured."""

    p99_abs_ms: float | None
    """99% of waits were within so much of the truth."""

    rtbench: str = ""
    """Version that was calibrated."""

    stale: bool = False
    """The run was held by another version, whose error was not measured: no figure is given."""

    workers: int | None = None
    """That held the calibration; None where it does not say."""

    run_workers: int | None = None
    """That held the run; None where it does not say."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """One transport on one machine."""

    fingerprint: str
    transport: str
    made_at: str
    """ISO 8601."""

    rtbench: str
    """Version."""

    levels: tuple[CalibrationLevel, ...]
    """By rising number of sessions."""

    workers: int | None = None
    """That held them; None in files from before it was kept."""

    @property
    def valid_up_to(self) -> int | None:
        """The most sessions up to which every level was VALID; None where not even the first was."""
        most = None
        for level in self.levels:
            if level.verdict is not Level.VALID:
                break
            most = level.sessions
        return most

    def at(self, sessions: int) -> CalibrationLevel | None:
        """The nearest level with at least so many sessions; None beyond what was measured."""
        return next((level for level in self.levels if level.sessions >= sessions), None)

    def error_bar(self, sessions: int, version: str, workers: int | None = None) -> ErrorBar:
        """Of a run that had so many sessions at a time, held by that version of rtbench with so many workers."""
        stale = version != self.rtbench
        level = None if stale else self.at(sessions)
        error = level.errors.get("voice_to_voice_ms") if level is not None else None
        return ErrorBar(
            transport=self.transport,
            made_at=self.made_at,
            valid_up_to=self.valid_up_to,
            sessions=level.sessions if level is not None and error is not None else None,
            p50_ms=error.p50_ms if error is not None else None,
            p99_abs_ms=error.p99_abs_ms if error is not None else None,
            rtbench=self.rtbench,
            stale=stale,
            workers=self.workers,
            run_workers=workers,
        )

    def as_dict(self) -> dict[str, Any]:
        """For a file."""
        return {"calibration_version": CALIBRATION_VERSION, **asdict(self)}

    @classmethod
    def from_dict(cls, written: Mapping[str, Any]) -> Self:
        """From a file. Raises KeyError, TypeError or ValueError for another version's."""
        if written["calibration_version"] != CALIBRATION_VERSION:
            raise ValueError("another version")
        return cls(
            fingerprint=written["fingerprint"],
            transport=written["transport"],
            made_at=written["made_at"],
            rtbench=written["rtbench"],
            levels=tuple(_level(each) for each in written["levels"]),
            workers=written.get("workers"),
        )


def kept_calibration(host: Mapping[str, Any], transport: str) -> Calibration | None:
    """What is kept for a machine, as `run.json` tells it, and a transport; None where it was never calibrated."""
    written = read_machine_file(calibration_file(fingerprint(host), transport))
    if written is None:
        return None
    try:
        return Calibration.from_dict(written)
    except (KeyError, TypeError, ValueError):
        return None  # a file of another layout: as good as none


def fingerprint(host: Mapping[str, Any]) -> str:
    """The machine's own name in files: 16 hexadecimal digits, of what `run.json` tells of a host.

    The kernel's version is left out: an update of it is not another machine.
    """
    lasting = {key: host.get(key) for key in ("cpu", "cores", "memory_bytes", "machine")}
    return hashlib.sha256(json.dumps(lasting, sort_keys=True).encode()).hexdigest()[:16]


def calibrate_levels(run: Run, steps: Iterable[StepResult]) -> tuple[CalibrationLevel, ...]:
    """The levels of a run that was joined with the emulator's log; of a level that was held again the last time counts."""
    levels = {round(step.level): _measured(run, step) for step in steps}
    return tuple(levels[sessions] for sessions in sorted(levels))


def errors_ms(rows: Rows) -> dict[str, MeasurementError]:
    """Measured minus true, of every metric whose truth the emulator's log knows."""
    columns = {"voice_to_voice_ms": rows.valid_turns["voice_to_voice_error_ms"]}
    columns |= {name: rows.valid_stimuli[error_column(name)] for name in INTERRUPTION_METRICS}
    found = {name: measurement_error(errors) for name, errors in columns.items()}
    return {name: error for name, error in found.items() if error is not None}


def _measured(run: Run, step: StepResult) -> CalibrationLevel:
    begin_ns = step.started_unix_ns
    end_ns = begin_ns + round(step.seconds * 1e9)
    rows = replace(
        Rows.of(run),
        turns=_between(run.turns, begin_ns, end_ns),
        stimuli=_between(run.stimuli, begin_ns, end_ns),
    )
    health = step.health
    return CalibrationLevel(
        sessions=round(step.level),
        verdict=step.verdict.level,
        turns=len(rows.turns),
        errors=errors_ms(rows),
        send_lateness_p50_ms=health.send_lateness_p50_ms,
        send_lateness_p99_ms=health.send_lateness_p99_ms,
        cpu_share_p95=health.cpu_share_p95,
        cpu_ms_per_session_second=health.cpu_ms_per_session_second,
    )


def _between(rows: pd.DataFrame, begin_ns: int, end_ns: int) -> pd.DataFrame:
    at_ns = rows["at_unix_ns"].astype("Int64")
    return rows[((at_ns >= begin_ns) & (at_ns < end_ns)).fillna(False).astype(bool)]


def _level(written: Mapping[str, Any]) -> CalibrationLevel:
    errors = {name: MeasurementError(**each) for name, each in written["errors"].items()}
    return CalibrationLevel(**{**written, "verdict": Level(written["verdict"]), "errors": errors})
