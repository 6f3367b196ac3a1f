"""`summary.json`: an interface for programs.

Keys are only added under one `summary_version`; a change of meaning
raises it. Quantities that cannot be told are null. A quantile is

    {"n", "value", "low", "high", "above", "needed"}

`value` with the ends of its 95% interval; or `above`, where the quantile falls among turns that were
never answered: then the longest wait known, 0 where none is; or neither, where n is below `needed`. A
quantile's `low` or `high` that falls there is null.

    summary_version, metric_version
    run            {name, scenarios, target, transport, codec, network, seed, started_at, ended_at,
                   likeness: {what: word}}   runs of one likeness can be compared
    verdict        {level: VALID | SUSPECT | INVALID, findings: [{level, code, message, advice}]}
    sentence       the run in one plain sentence
    exit_code      what the run itself comes to: 0, 2 or 4; a baseline may make it 3 or 7
    thresholds     [{metric, statistic, operator, limit, filters: [{name, operator, value}], abort_after_s,
                   status: passed | failed | too_few_samples | not_applicable | unknown, n, actual, above, reason}]
    baseline       null, or {change: REGRESSED | OK | INCONCLUSIVE, sentence, base: [name]}; the rest in compare.json
    metrics        [{name, unit, group: without_tool | with_tool | sessions, n, unanswered, mean, min, max,
                   p50, p95, p99}]   mean and max are null where a turn was never answered
    rates          [{name, group, n, value, low, high}]
    latency_budget [{name: audio input | model | audio output | speech to speech, metric, group, limit_ms, n, unanswered,
                   p50, p95, within: {n, value, low, high}}]   within: the share of turns below the limit
    outcomes       {turns: {outcome: n}, sessions: {outcome: n}, void_turns}
    errors         {reported: {class: n}, turns: {class: n}, sessions: {class: n}}
    generator      see `analysis.health.Health`
    emulator       null, or {cpu_share, loop_lag_ms} of the embedded one, in 95% of the run's seconds
    error_bar      null where this machine was never calibrated for the transport, or {transport, made_at,
                   valid_up_to, sessions, p50_ms, p99_abs_ms, rtbench, stale, workers, run_workers}, see `analysis.calibration.ErrorBar`
    measurement_error   null, or {n, mean_ms, p50_ms, p99_abs_ms, max_abs_ms} against the emulator's log
    turn_taking    null where nobody spoke into the agent's answer or silence, or
                   {stimuli: {kind: n}, void_stimuli,
                   rates: [{name, n, value, low, high}],
                   false_interruptions: [{stimulus, n, value, low, high}],
                   conversation_flow: {n, value, low, high, parts: [{name, right, eligible}]}   0 to 100,
                   metrics: [as above; group: stimuli | turns],
                   measurement_errors: {metric: as measurement_error},
                   worst: [{session, stimulus, turn, kind, clip, yielded, barge_in_heard_stop_ms}]}
    reliability    null where no connection was lost and no error met, or outages by outcome, their metrics,
                   errors by class and phase, and what was injected beside what was found; counts with
                   attempts_per_second_peak and never_recovered; never_recovered_share of the sessions with an outage;
                   storms: [{at_s, outages, came_back, never_recovered, cut_off, steady_state_ms}]; imbalances: sums
                   that do not agree, as sentences
    network        null where no call was held over WebRTC or behind a simulated network, or
                   {calls, codecs: {codec: n}, packets_expected, packets_lost, packets_late, packets_reordered,
                   packets_duplicated, concealed_ms, degraded_calls, codec_fallbacks, codec_fallback_s,
                   connection_ms: {part: median}, mos_inputs: {column: median},
                   peer_states: {state: {calls, times, after_ms}},
                   simulation: null, or {calls, mean_ms, p99_ms, worst_ms} of a simulated network's own lateness}
    cost           null where the service reported no tokens, or {usd, usd_per_minute, usd_per_session, call_minutes,
                   sessions, tokens: {kind: n}}   by published prices; null where the model has none
    sound          null where no recorded answer was scored, or {method: PLCMOS v2, answers, sessions, heard_s, mean,
                   lowest, median: quantile}   plc_mos, 1 to 5, of the answers that were recorded
    worst_turns    [{session, turn, clip, outcome, voice_to_voice_ms}]
"""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import Any

import pandas as pd

from rtbench.analysis.compare import Comparison
from rtbench.analysis.cost import Cost
from rtbench.analysis.heard_quality import METHOD, HeardQuality
from rtbench.analysis.latency_budget import BudgetPart
from rtbench.analysis.metric_summary import MetricSummary
from rtbench.analysis.quantiles import Quantile
from rtbench.analysis.rates import Rate
from rtbench.analysis.reliability import Reliability
from rtbench.analysis.summary import Summary
from rtbench.analysis.thresholds import ThresholdResult
from rtbench.analysis.turn_taking import ConversationFlow, TurnTaking

SUMMARY_VERSION = 1


def summary_json(summary: Summary, comparison: Comparison | None = None) -> dict[str, Any]:
    """The content of `summary.json`; see the module for its keys."""
    error = summary.measurement_error
    turn_taking = summary.turn_taking
    return {
        "summary_version": SUMMARY_VERSION,
        "metric_version": summary.metric_version,
        "run": summary.run,
        "verdict": {
            "level": summary.verdict.level.value,
            "findings": [asdict(finding) for finding in summary.verdict.findings],
        },
        "exit_code": int(summary.exit_code),
        "sentence": summary.sentence,
        "thresholds": [_threshold(result) for result in summary.thresholds],
        "baseline": None if comparison is None else _baseline(comparison),
        "metrics": [_metric(metric) for metric in summary.metrics],
        "rates": [{"name": each.name, "group": each.group, **asdict(each.rate)} for each in summary.rates],
        "latency_budget": [_budget_part(part) for part in summary.latency_budget],
        "outcomes": {
            "turns": summary.turn_outcomes,
            "sessions": summary.session_outcomes,
            "void_turns": summary.void_turns,
        },
        "errors": asdict(summary.errors),
        "generator": asdict(summary.health),
        "emulator": asdict(summary.emulator) if summary.emulator else None,
        "error_bar": asdict(summary.error_bar) if summary.error_bar else None,
        "measurement_error": asdict(error) if error else None,
        "turn_taking": _turn_taking(turn_taking, summary.worst_stimuli) if turn_taking else None,
        "network": asdict(summary.network) if summary.network else None,
        "reliability": _reliability(summary.reliability) if summary.reliability else None,
        "cost": _cost(summary.cost) if summary.cost else None,
        "sound": _sound(summary.sound) if summary.sound else None,
        "worst_turns": [_worst_turn(turn) for turn in summary.worst.to_dict("records")],
    }


def _budget_part(part: BudgetPart) -> dict[str, Any]:
    taken = part.taken
    return {
        "name": part.name,
        "metric": taken.name,
        "group": taken.group,
        "limit_ms": part.limit_ms,
        "n": taken.n,
        "unanswered": taken.unanswered,
        "p50": quantile_json(taken.p50, taken.known_up_to),
        "p95": quantile_json(taken.p95, taken.known_up_to),
        "within": asdict(part.within),
    }


def _reliability(found: Reliability) -> dict[str, Any]:
    return {
        "incidents": found.incidents,
        "metrics": [_metric(metric) for metric in found.metrics],
        "recovered": asdict(found.recovered),
        "context_retained": asdict(found.context_retained),
        "errors": found.errors.to_dict("records"),
        "injected": [asdict(each) for each in found.injected],
        "counts": found.counts,
        "never_recovered_share": found.never_recovered_share,
        "storms": [asdict(storm) for storm in found.storms],
        "imbalances": found.imbalances,
    }


def _cost(found: Cost) -> dict[str, Any]:
    by = {"usd_per_minute": found.usd_per_minute, "usd_per_session": found.usd_per_session}
    return {**asdict(found), **by}


def _sound(found: HeardQuality) -> dict[str, Any]:
    return {"method": METHOD, **asdict(found), "median": quantile_json(found.median, 0.0)}


def _baseline(comparison: Comparison) -> dict[str, Any]:
    return {"change": comparison.change.value, "sentence": comparison.sentence, "base": comparison.base}


def flow_json(flow: ConversationFlow) -> dict[str, Any]:
    """`conversation_flow` from 0 to 100, with its parts."""
    parts = [asdict(part) for part in flow.parts]
    return {**_scaled(flow.rate, 100.0), "parts": parts}


def quantile_json(quantile: Quantile, known_up_to: float) -> dict[str, Any]:
    """A quantile as the module describes it."""
    among_unanswered = quantile.value is not None and math.isinf(quantile.value)
    return {
        "n": quantile.n,
        "value": finite(quantile.value),
        "low": finite(quantile.low),
        "high": finite(quantile.high),
        "above": known_up_to if among_unanswered else None,
        "needed": quantile.needed,
    }


def finite(value: float | None) -> float | None:
    """A number that JSON can hold; None for the others."""
    return value if value is not None and math.isfinite(value) else None


def _turn_taking(found: TurnTaking, worst: pd.DataFrame) -> dict[str, Any]:
    return {
        "stimuli": found.stimuli,
        "void_stimuli": found.void,
        "rates": [{"name": each.name, **asdict(each.rate)} for each in found.rates],
        "false_interruptions": [
            {"stimulus": kind, **asdict(rate)} for kind, rate in found.false_interruptions.items()
        ],
        "conversation_flow": flow_json(found.flow),
        "metrics": [_metric(metric) for metric in found.metrics],
        "measurement_errors": {name: asdict(error) for name, error in found.measurement_errors.items()},
        "worst": [_worst_stimulus(stimulus) for stimulus in worst.to_dict("records")],
    }


def _scaled(rate: Rate, factor: float) -> dict[str, Any]:
    ends = {"value": rate.value, "low": rate.low, "high": rate.high}
    return {"n": rate.n, **{key: None if end is None else factor * end for key, end in ends.items()}}


def _metric(metric: MetricSummary) -> dict[str, Any]:
    return {
        "name": metric.name,
        "unit": metric.unit,
        "group": metric.group,
        "n": metric.n,
        "unanswered": metric.unanswered,
        "mean": finite(metric.mean),
        "min": finite(metric.smallest),
        "max": finite(metric.largest),
        **{key: quantile_json(getattr(metric, key), metric.known_up_to) for key in ("p50", "p95", "p99")},
    }


def _threshold(result: ThresholdResult) -> dict[str, Any]:
    return {
        **asdict(result.threshold),
        "status": result.status,
        "n": result.n,
        "actual": finite(result.actual),
        "above": result.known_up_to,
        "reason": result.reason,
    }


def _worst_turn(turn: dict[Any, Any]) -> dict[str, Any]:
    wait_ms = turn["voice_to_voice_ms"]
    return {
        "session": turn["session"],
        "turn": int(turn["number"]),
        "clip": turn["clip"],
        "outcome": turn["outcome"],
        "voice_to_voice_ms": None if pd.isna(wait_ms) else float(wait_ms),
    }


def _worst_stimulus(stimulus: dict[Any, Any]) -> dict[str, Any]:
    return {
        "session": stimulus["session"],
        "stimulus": int(stimulus["number"]),
        "turn": int(stimulus["turn"]),
        "kind": stimulus["kind"],
        "clip": stimulus["clip"],
        "yielded": None if pd.isna(stimulus["yielded"]) else bool(stimulus["yielded"]),
        "barge_in_heard_stop_ms": None
        if pd.isna(stimulus["barge_in_heard_stop_ms"])
        else float(stimulus["barge_in_heard_stop_ms"]),
    }
