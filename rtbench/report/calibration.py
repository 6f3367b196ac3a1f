"""A machine's calibration for people: the table of the command, and the error bar in every report of that machine."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import Group
from rich.table import Table
from rich.text import Text

from rtbench.analysis.calibration import Calibration, CalibrationLevel, ErrorBar, kept_calibration
from rtbench.report import notation

HEADLINE = "voice_to_voice_ms"
HEAD = ("sessions", "verdict", "turns", "error p50", "99% within", "largest", "late p99", "CPU")


def machine_error_bar(provenance: Mapping[str, Any], sessions: int) -> ErrorBar | None:
    """What the calibration of a run's machine says of the run, with so many sessions at a time; None without one.

    `provenance` is the content of `run.json`.
    """
    host, transport = provenance.get("host"), provenance.get("transport")
    if not isinstance(host, dict) or not transport:
        return None
    calibration = kept_calibration(host, str(transport))
    if calibration is None:
        return None
    version = str((provenance.get("versions") or {}).get("rtbench", ""))
    workers = (provenance.get("reconciliation") or {}).get("workers_planned")
    return calibration.error_bar(sessions, version, workers)


def told_error_bar(error: ErrorBar | None) -> str:
    """The error bar of a run's waits in words."""
    if error is None:
        return "this machine was never calibrated for this transport; `rtbench calibrate` does it"
    made = f"{error.transport}, {error.made_at[:10]}"
    if error.stale:
        return (
            f"none that holds: the machine was calibrated with rtbench {error.rtbench}, which is not what held "
            f"the run; `rtbench calibrate` does it again ({made})"
        )
    valid = error.valid_up_to
    limit = "VALID at no number of sessions" if valid is None else f"VALID up to {valid:,} sessions"
    if error.sessions is None:
        return f"beyond what was calibrated: {limit} ({made})"
    return (
        f"{short_error_bar(error)}, {error.p50_ms:+.2f} ms in the middle, measured with "
        f"{error.sessions:,} sessions{_workers_told(error)}; {limit} ({made})"
    )


def _workers_told(error: ErrorBar) -> str:
    """Who held calibration and run, where those were not as many."""
    if error.workers is None or error.run_workers is None or error.workers == error.run_workers:
        return ""
    return f" by {error.workers:,} worker{'s' * (error.workers > 1)}, the run by {error.run_workers:,}"


def short_error_bar(error: ErrorBar) -> str:
    """The same for a headline."""
    if error.stale:
        return f"unknown: calibrated with rtbench {error.rtbench}"
    if error.p99_abs_ms is None:
        return "beyond what was calibrated"
    return f"±{error.p99_abs_ms:.2f} ms (99% of turns)"


def render_calibration(calibration: Calibration) -> Group:
    """The table for a terminal, and one sentence."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim", title=calibration.transport)
    for heading in HEAD:
        table.add_column(heading, justify="right", no_wrap=True)
    for level in calibration.levels:
        table.add_row(*_row(level, HEADLINE))
    others = sorted({name for level in calibration.levels for name in level.errors} - {HEADLINE})
    tables = [table]
    for name in others:
        more = Table(
            box=None, padding=(0, 2, 0, 0), header_style="dim", title=f"{calibration.transport}: {name}"
        )
        for heading in (HEAD[0], "n", *HEAD[3:6]):
            more.add_column(heading, justify="right", no_wrap=True)
        for level in calibration.levels:
            if name in level.errors:
                more.add_row(f"{level.sessions:,}", f"{level.errors[name].n:,}", *_error(level, name))
        tables.append(more)
    return Group(*tables, Text(), Text(sentence(calibration)))


def sentence(calibration: Calibration) -> str:
    """The calibration in one plain sentence."""
    valid = calibration.valid_up_to
    if valid is None:
        return f"This machine's numbers were VALID at no concurrency over {calibration.transport}: leave it to the test alone."
    error = next(level for level in calibration.levels if level.sessions == valid).errors.get(HEADLINE)
    within = f"; there 99% of waits were within {error.p99_abs_ms:.2f} ms of the truth" if error else ""
    beyond = "" if valid == calibration.levels[-1].sessions else ", not above"
    return f"Over {calibration.transport} this machine's numbers are VALID up to {valid:,} sessions{beyond}{within}."


def _row(level: CalibrationLevel, name: str) -> list[str]:
    return [
        f"{level.sessions:,}",
        level.verdict.value,
        f"{level.turns:,}",
        *_error(level, name),
        notation.number(level.send_lateness_p99_ms, "ms"),
        notation.percent(level.cpu_share_p95),
    ]


def _error(level: CalibrationLevel, name: str) -> list[str]:
    error = level.errors.get(name)
    if error is None:
        return [notation.NONE] * 3
    return [f"{error.p50_ms:+.2f} ms", f"±{error.p99_abs_ms:.2f} ms", f"{error.max_abs_ms:.1f} ms"]
