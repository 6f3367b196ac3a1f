"""The verdict on a run: whether its numbers are the service's, or the load generator's own.

INVALID   send lateness p99 > 20 ms; rows, workers or engines lost; > 5% of turns void; the run
          never ended; no turn was finished
SUSPECT   send lateness p99 > 5 ms; an engine or the emulator above 85% of a core; the emulator's event loop > 20 ms
          late; > 1% of turns void; a simulated network > 5 ms late by itself; nothing known of the generator's
          health; calls of an open load that could not start
VALID     otherwise
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pandas as pd

from rtbench.analysis.health import Health
from rtbench.analysis.run_totals import rows_lost
from rtbench.core import validity
from rtbench.core.emulator_load import EmulatorLoad
from rtbench.core.validity import Level
from rtbench.results.reconciliation import Reconciliation

__all__ = ["Finding", "Level", "Verdict", "judge", "judge_part"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that speaks against a run, or that its reader should know (level VALID)."""

    level: Level
    code: str
    """A stable name for programs."""

    message: str
    """What was found, with its number and the limit."""

    advice: str
    """What to do about it."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The worst level of the findings, and all of them, worst first."""

    level: Level
    findings: tuple[Finding, ...]


def judge(
    turns: pd.DataFrame,
    health: Health,
    reconciliation: Reconciliation | None,
    rows_read: int,
    simulation_late_ms: float | None = None,
) -> Verdict:
    """The verdict on a run. `rows_read`: turn and session rows found in its tables; `simulation_late_ms`: the own
    lateness of a simulated network, see `validity.simulation_late`."""
    return _verdict(
        [
            *_completeness(turns, reconciliation),
            *_losses(health, reconciliation, rows_read),
            *_not_started(reconciliation),
            *_lateness(health),
            *_void(turns),
            *_starved(health, turns),
            *_load(health),
            *_simulation(simulation_late_ms),
            *(
                _emulator(reconciliation.emulator_cpu_share, reconciliation.emulator_loop_lag_ms)
                if reconciliation is not None
                else ()
            ),
        ]
    )


def judge_part(turns: pd.DataFrame, health: Health, emulator: EmulatorLoad | None = None) -> Verdict:
    """The verdict on a part of a run that still goes on: what is lost by its end is not known yet.

    `emulator`: how busy the embedded one was meanwhile; None for any other target.
    """
    findings = [*_lateness(health), *_void(turns), *_starved(health, turns), *_load(health)]
    if emulator is not None:
        findings += _emulator(emulator.cpu_share, emulator.loop_lag_ms)
    return _verdict(findings)


def _verdict(findings: list[Finding]) -> Verdict:
    order = list(Level)[::-1]
    findings.sort(key=lambda finding: order.index(finding.level))
    return Verdict(findings[0].level if findings else Level.VALID, tuple(findings))


def _completeness(turns: pd.DataFrame, reconciliation: Reconciliation | None) -> Iterator[Finding]:
    if turns.empty:
        yield Finding(
            Level.INVALID,
            "no_turns",
            "No turn was finished.",
            "Look at the errors of the sessions; check target, key and scenario with a single user first.",
        )
    if reconciliation is None:
        yield Finding(
            Level.INVALID,
            "not_ended",
            "The run was killed or is still going on: the sessions that were open then are missing.",
            "Read its numbers as a sample of what was finished, and run again for a judgement.",
        )
    elif reconciliation.interrupted:
        yield Finding(
            Level.VALID,
            "interrupted",
            "The run was stopped by hand before its end.",
            "Run it to its end where the number of samples matters.",
        )


def _losses(health: Health, reconciliation: Reconciliation | None, rows_read: int) -> Iterator[Finding]:
    if reconciliation is None:
        return
    missing = reconciliation.workers_planned - reconciliation.workers_finished
    if missing > 0:
        yield Finding(
            Level.INVALID,
            "workers_lost",
            f"{missing} of {reconciliation.workers_planned} workers did not report to the end.",
            "Look for the cause in the workers' own output: memory, the network to the master, a kill.",
        )
    if reconciliation.engines_silent:
        yield Finding(
            Level.INVALID,
            "engine_silent",
            f"{reconciliation.engines_silent} engine process(es) gave no sign of life for seconds and were killed.",
            "Look whether something stopped them (a debugger, a container's freezer), or the machine was out of memory.",
        )
    if died := reconciliation.engines_died - reconciliation.engines_silent:
        yield Finding(
            Level.INVALID,
            "engine_died",
            f"{died} engine process(es) died during the run.",
            "Look at standard error of the run, and for the kernel's out-of-memory killer.",
        )
    handed_over = max(reconciliation.rows_sent, health.rows_handed_over)
    lost = rows_lost(reconciliation, health.rows_handed_over, rows_read)
    if doubt := validity.lost(lost, handed_over):
        yield Finding(
            doubt.level,
            "rows_lost",
            f"{doubt.message}.",
            "Free space on the disk of the run's directory; where workers run elsewhere, check their connection.",
        )


def _not_started(reconciliation: Reconciliation | None) -> Iterator[Finding]:
    if reconciliation is None or not reconciliation.sessions_not_started:
        return
    planned, missed = reconciliation.sessions_planned or 0, reconciliation.sessions_not_started
    yield Finding(
        Level.SUSPECT,
        "sessions_not_started",
        f"{missed:,} of {planned:,} calls were due while as many as may be were under way, and did not start.",
        "Raise the cap of the load's shape; where the service has become slow, that is why calls pile up.",
    )


def _lateness(health: Health) -> Iterator[Finding]:
    p99_ms = health.send_lateness_p99_ms
    if p99_ms is None:
        yield Finding(
            Level.SUSPECT,
            "health_unknown",
            "How late the generator sent is not recorded.",
            "The run ended before its first health row, or the row was lost; run for ten seconds or more.",
        )
    elif doubt := validity.late(p99_ms):
        yield Finding(
            doubt.level,
            "send_late",
            f"{doubt.message}.",
            "Run fewer users per worker, more workers, or longer frames; leave the machine to the test alone.",
        )


def _void(turns: pd.DataFrame) -> Iterator[Finding]:
    if turns.empty:
        return
    doubt = validity.void(float(turns["void"].mean()))
    if doubt is None:
        return
    reasons = turns.loc[turns["void"], "void_reason"]
    example = next((str(reason) for reason in reasons if reason), "")
    yield Finding(
        doubt.level,
        "void_turns",
        f"{doubt.message}{'; for instance, ' + example if example else ''}.",
        "Late frames: as for send lateness. Identity: keep the run's trace and report it as a bug of rtbench.",
    )


def _starved(health: Health, turns: pd.DataFrame) -> Iterator[Finding]:
    """Why frames were late, where it was not the engine's own work."""
    p99_ms = health.send_lateness_p99_ms
    is_late = p99_ms is not None and validity.late(p99_ms) is not None
    if not is_late and (turns.empty or validity.void(float(turns["void"].mean())) is None):
        return
    waited_ms, stolen_ms = health.waited_max_ms or 0.0, health.stolen_max_ms or 0.0
    if max(waited_ms, stolen_ms) <= validity.VOID_LATENESS_MS:
        return
    yield Finding(
        Level.VALID,
        "starved",
        f"In its worst second an engine waited {waited_ms:.0f} ms for a processor, and its machine's hypervisor gave "
        f"{stolen_ms:.0f} ms of them to others.",
        "Leave the machine to the test alone; on a shared host take one whose processors are its own.",
    )


def _load(health: Health) -> Iterator[Finding]:
    share = health.cpu_share_p95
    if share is not None and (doubt := validity.busy(share)):
        yield Finding(
            doubt.level,
            "cpu_high",
            f"{doubt.message}.",
            "Add a worker (--workers) or a machine; below the limit the engine has room for bursts.",
        )


def _simulation(late_ms: float | None) -> Iterator[Finding]:
    if late_ms is not None and (doubt := validity.simulation_late(late_ms)):
        yield Finding(
            doubt.level,
            "simulation_late",
            f"{doubt.message}.",
            "Run fewer users per worker or more workers: the network is simulated by the engine, packet by packet.",
        )


def _emulator(cpu_share: float | None, loop_lag_ms: float | None) -> Iterator[Finding]:
    """Of the embedded emulator, which is then what was measured, rather than its settings."""
    doubts = {
        "emulator_busy": validity.emulator_busy(cpu_share) if cpu_share is not None else None,
        "emulator_late": validity.emulator_late(loop_lag_ms) if loop_lag_ms is not None else None,
    }
    for code, doubt in doubts.items():
        if doubt is not None:
            yield Finding(
                doubt.level,
                code,
                f"{doubt.message}: answers waited for it, too.",
                "Run fewer users, give it a machine of its own (rtbench emulator, --target), or measure a real service.",
            )
