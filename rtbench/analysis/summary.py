"""The summary of a run: all that its report says in numbers, and `summary.json`.

`summary.json` is an interface. Keys are only added under one `summary_version`; a change of meaning
raises it. Quantities that cannot be told are null. A quantile is

    {"n", "value", "low", "high", "above", "needed"}

`value` with the ends of its 95% interval; or `above`, where the quantile falls among turns that were
never answered: then the longest wait known, 0 where none is; or neither, where n is below `needed`. A
quantile's `low` or `high` that falls there is null.

    summary_version, metric_version
    run            {name, scenarios, target, transport, seed, started_at, ended_at}
    verdict        {level: VALID | SUSPECT | INVALID, findings: [{level, code, message, advice}]}
    sentence       the run in one plain sentence
    thresholds     [{metric, statistic, operator, limit, status: passed | failed | too_few_samples |
                   unknown, n, actual, above, reason}]
    metrics        [{name, unit, group: without_tool | with_tool | sessions, n, unanswered, mean, min, max,
                   p50, p95, p99}]   mean and max are null where a turn was never answered
    rates          [{name, group, n, value, low, high}]
    outcomes       {turns: {outcome: n}, sessions: {outcome: n}, void_turns}
    errors         {reported: {class: n}, turns: {class: n}, sessions: {class: n}}
    generator      see `analysis.health.Health`
    measurement_error   null, or {n, mean_ms, p50_ms, p99_abs_ms, max_abs_ms} against the emulator's log
    worst_turns    [{session, turn, clip, outcome, voice_to_voice_ms}]
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import pandas as pd

from rtbench.analysis.errors import ErrorCounts, count_errors
from rtbench.analysis.health import Health, generator_health
from rtbench.analysis.measurement_error import MeasurementError, measurement_error
from rtbench.analysis.metric_summary import MetricSummary, RateSummary, summarise_metrics, summarise_rates
from rtbench.analysis.quantiles import Quantile, SessionResamples
from rtbench.analysis.sentence import plain_sentence
from rtbench.analysis.thresholds import ThresholdResult, judge_thresholds
from rtbench.analysis.verdict import Level, Verdict, judge
from rtbench.analysis.worst import worst_turns
from rtbench.core.errors import ExitCode
from rtbench.core.metrics import METRIC_VERSION
from rtbench.results.reader import Run
from rtbench.results.reconciliation import Reconciliation
from rtbench.scenario.threshold import Threshold

SUMMARY_VERSION = 1
HEADLINE = "voice_to_voice_ms"
LOST_SESSIONS = ("failed", "dropped")


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
    worst: pd.DataFrame
    """Rows of turns, worst first."""

    @property
    def headline(self) -> MetricSummary:
        """`voice_to_voice_ms`, of turns without a tool call where there are any."""
        return next(metric for metric in self.metrics if metric.name == HEADLINE)

    @property
    def exit_code(self) -> ExitCode:
        """INVALID goes before a failed threshold: numbers that cannot be trusted fail nothing."""
        if self.verdict.level is Level.INVALID:
            return ExitCode.INVALID
        if any(result.status != "passed" for result in self.thresholds):
            return ExitCode.THRESHOLD_FAILED
        return ExitCode.PASS

    def as_json(self) -> dict[str, Any]:
        """The content of `summary.json`; see the module for its keys."""
        return {
            "summary_version": SUMMARY_VERSION,
            "metric_version": self.metric_version,
            "run": self.run,
            "verdict": {
                "level": self.verdict.level.value,
                "findings": [asdict(finding) for finding in self.verdict.findings],
            },
            "sentence": self.sentence,
            "thresholds": [_threshold_json(result) for result in self.thresholds],
            "metrics": [_metric_json(metric) for metric in self.metrics],
            "rates": [{"name": rate.name, "group": rate.group, **asdict(rate.rate)} for rate in self.rates],
            "outcomes": {
                "turns": self.turn_outcomes,
                "sessions": self.session_outcomes,
                "void_turns": self.void_turns,
            },
            "errors": asdict(self.errors),
            "generator": asdict(self.health),
            "measurement_error": asdict(self.measurement_error) if self.measurement_error else None,
            "worst_turns": [_worst_json(turn) for turn in self.worst.to_dict("records")],
        }


def summarise(run: Run) -> Summary:
    """Sum up a run whose turns have been joined with the emulator's log (`analysis.truth`)."""
    counted = run.provenance.get("reconciliation")
    reconciliation = Reconciliation.from_dict(counted) if counted else None
    health = generator_health(run.generator)
    verdict = judge(run.turns, health, reconciliation, rows_read=len(run.turns) + len(run.sessions))
    resamples = SessionResamples(pd.concat([run.sessions["session"], run.turns["session"]]))
    metrics = summarise_metrics(run.turns, run.sessions, resamples)
    thresholds = judge_thresholds(_thresholds(run.provenance.get("thresholds", [])), run.turns, run.sessions)
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
        ),
        thresholds=thresholds,
        metrics=metrics,
        rates=summarise_rates(run.turns, run.sessions),
        turn_outcomes=_counts(run.turns["outcome"]),
        session_outcomes=session_outcomes,
        void_turns=int(run.turns["void"].sum()),
        errors=count_errors(run.turns, run.sessions),
        health=health,
        measurement_error=measurement_error(run.turns),
        worst=worst_turns(run.turns),
    )


def _thresholds(written: Sequence[dict[str, Any]]) -> list[Threshold]:
    return [
        Threshold(each["metric"], each["statistic"], each["operator"], float(each["limit"]))
        for each in written
    ]


def _describe(run: Run) -> dict[str, Any]:
    provenance = run.provenance
    return {
        "name": run.name,
        "scenarios": [scenario["name"] for scenario in provenance.get("scenarios", [])],
        **{key: provenance.get(key) for key in ("target", "transport", "seed", "started_at", "ended_at")},
    }


def _counts(outcomes: pd.Series) -> dict[str, int]:
    return {str(outcome): int(count) for outcome, count in outcomes.value_counts().items()}


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def _quantile_json(quantile: Quantile, known_up_to: float) -> dict[str, Any]:
    among_unanswered = quantile.value is not None and math.isinf(quantile.value)
    return {
        "n": quantile.n,
        "value": _finite(quantile.value),
        "low": _finite(quantile.low),
        "high": _finite(quantile.high),
        "above": known_up_to if among_unanswered else None,
        "needed": quantile.needed,
    }


def _metric_json(metric: MetricSummary) -> dict[str, Any]:
    return {
        "name": metric.name,
        "unit": metric.unit,
        "group": metric.group,
        "n": metric.n,
        "unanswered": metric.unanswered,
        "mean": _finite(metric.mean),
        "min": _finite(metric.smallest),
        "max": _finite(metric.largest),
        **{key: _quantile_json(getattr(metric, key), metric.known_up_to) for key in ("p50", "p95", "p99")},
    }


def _threshold_json(result: ThresholdResult) -> dict[str, Any]:
    return {
        **asdict(result.threshold),
        "status": result.status,
        "n": result.n,
        "actual": _finite(result.actual),
        "above": result.known_up_to,
        "reason": result.reason,
    }


def _worst_json(turn: dict[Any, Any]) -> dict[str, Any]:
    wait_ms = turn["voice_to_voice_ms"]
    return {
        "session": turn["session"],
        "turn": int(turn["number"]),
        "clip": turn["clip"],
        "outcome": turn["outcome"],
        "voice_to_voice_ms": None if pd.isna(wait_ms) else float(wait_ms),
    }
