"""The summary of a run: all that its report says in numbers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from rtbench.analysis.calibration import ErrorBar
from rtbench.analysis.comparability import effective_codec, effective_networks, likeness
from rtbench.analysis.cost import Cost, count_cost
from rtbench.analysis.errors import ErrorCounts, count_errors
from rtbench.analysis.health import Health, generator_health
from rtbench.analysis.heard_quality import HeardQuality, summarise_heard
from rtbench.analysis.latency_budget import BudgetPart, summarise_budget
from rtbench.analysis.measurement_error import MeasurementError, measurement_error
from rtbench.analysis.metric_summary import MetricSummary, RateSummary, summarise_metrics, summarise_rates
from rtbench.analysis.network import NetworkSummary, summarise_network
from rtbench.analysis.reliability import Reliability, summarise_reliability
from rtbench.analysis.run_totals import RunTotals
from rtbench.analysis.samples import Rows
from rtbench.analysis.sentence import plain_sentence
from rtbench.analysis.thresholds import ThresholdResult, judge_thresholds
from rtbench.analysis.turn_taking import TurnTaking, summarise_turn_taking
from rtbench.analysis.verdict import Level, Verdict, judge
from rtbench.analysis.worst import worst_stimuli, worst_turns
from rtbench.core.errors import ExitCode
from rtbench.core.metrics import METRIC_VERSION
from rtbench.results.reader import Run
from rtbench.results.reconciliation import Reconciliation
from rtbench.scenario.threshold import Threshold

HEADLINE = "voice_to_voice_ms"
LOST_SESSIONS = ("failed", "dropped")


@dataclass(frozen=True, slots=True)
class EmulatorHealth:
    """How busy the embedded emulator was, in 95% of the run's seconds."""

    cpu_share: float | None
    """Of a core, by its busiest process."""

    loop_lag_ms: float | None
    """What its event loop was late by at the most."""


@dataclass(frozen=True, slots=True)
class Summary:
    """What a run came to."""

    run: dict[str, Any]
    metric_version: int
    verdict: Verdict
    sentence: str
    thresholds: list[ThresholdResult]
    metrics: list[MetricSummary]
    rates: list[RateSummary]
    turn_outcomes: dict[str, int]
    session_outcomes: dict[str, int]
    void_turns: int
    errors: ErrorCounts
    health: Health
    measurement_error: MeasurementError | None
    turn_taking: TurnTaking | None
    """None where nobody spoke into the agent's answer or silence."""

    network: NetworkSummary | None
    """None where no call was held over WebRTC."""

    worst: pd.DataFrame
    """Rows of turns, worst first."""

    worst_stimuli: pd.DataFrame
    """Rows of stimuli, worst first."""

    reliability: Reliability | None = None
    """None where no connection was lost, and no error met."""

    cost: Cost | None = None
    """None where the service reported no tokens."""

    sound: HeardQuality | None = None
    """None where no recorded answer was scored."""

    error_bar: ErrorBar | None = None
    """Of the waits; None where the machine was never calibrated for the run's transport."""

    emulator: EmulatorHealth | None = None
    """None where the target was not the embedded one."""

    latency_budget: list[BudgetPart] = field(default_factory=list)
    """What the parts of a call took, beside what they may take; empty where no part is known."""

    @property
    def headline(self) -> MetricSummary:
        """`voice_to_voice_ms`, of turns without a tool call where there are any."""
        return next(metric for metric in self.metrics if metric.name == HEADLINE)

    @property
    def exit_code(self) -> ExitCode:
        """INVALID goes before a failed threshold: numbers that cannot be trusted fail nothing."""
        if self.verdict.level is Level.INVALID:
            return ExitCode.INVALID
        if any(result.fails for result in self.thresholds):
            return ExitCode.THRESHOLD_FAILED
        return ExitCode.PASS


def summarise(run: Run, thresholds_besides: Iterable[Threshold] = ()) -> Summary:
    """Sum up a run whose turns and stimuli have been joined with the emulator's log (`analysis.truth`).

    `thresholds_besides`: to be judged besides the run's own.
    """
    counted = run.provenance.get("reconciliation")
    reconciliation = Reconciliation.from_dict(counted) if counted else None
    health = generator_health(run.generator)
    network = summarise_network(run.sessions)
    simulation = network.simulation if network is not None else None
    verdict = judge(
        run.turns,
        health,
        reconciliation,
        rows_read=len(run.turns) + len(run.sessions),
        simulation_late_ms=None if simulation is None else simulation.p99_ms,
    )
    rows = Rows.of(run)
    metrics = summarise_metrics(rows)
    turn_taking = summarise_turn_taking(rows)
    own = [Threshold.from_dict(each) for each in run.provenance.get("thresholds", [])]
    thresholds = judge_thresholds([*own, *thresholds_besides], rows, RunTotals.of(run))
    headline = next(metric for metric in metrics if metric.name == HEADLINE)
    session_outcomes = _counts(run.sessions["outcome"])
    return Summary(
        run=_describe(run),
        metric_version=int(run.provenance.get("metric_version", METRIC_VERSION)),
        verdict=verdict,
        sentence=plain_sentence(
            verdict.level,
            (headline.p50, headline.p95),
            headline.unanswered,
            sum(session_outcomes.get(outcome, 0) for outcome in LOST_SESSIONS),
            thresholds,
            turn_taking.yield_rate if turn_taking else None,
        ),
        thresholds=thresholds,
        metrics=metrics,
        rates=summarise_rates(rows),
        turn_outcomes=_counts(run.turns["outcome"]),
        session_outcomes=session_outcomes,
        void_turns=int(run.turns["void"].sum()),
        errors=count_errors(run.turns, run.sessions),
        health=health,
        measurement_error=measurement_error(rows.valid_turns["voice_to_voice_error_ms"]),
        turn_taking=turn_taking,
        network=network,
        worst=worst_turns(run.turns),
        worst_stimuli=worst_stimuli(run.stimuli),
        reliability=summarise_reliability(run),
        cost=count_cost(run.turns, run.sessions),
        emulator=_emulator(reconciliation),
        sound=summarise_heard(run.plc_mos),
        latency_budget=summarise_budget(rows),
    )


def _emulator(counted: Reconciliation | None) -> EmulatorHealth | None:
    if counted is None or (counted.emulator_cpu_share is None and counted.emulator_loop_lag_ms is None):
        return None
    return EmulatorHealth(counted.emulator_cpu_share, counted.emulator_loop_lag_ms)


def _describe(run: Run) -> dict[str, Any]:
    provenance = run.provenance
    return {
        "name": run.name,
        "scenarios": [scenario["name"] for scenario in provenance.get("scenarios", [])],
        **{key: provenance.get(key) for key in ("target", "transport", "seed", "started_at", "ended_at")},
        "codec": effective_codec(provenance),
        "network": "+".join(effective_networks(provenance)),
        "likeness": likeness(provenance),
    }


def _counts(outcomes: pd.Series) -> dict[str, int]:
    return {str(outcome): int(count) for outcome, count in outcomes.value_counts().items()}
