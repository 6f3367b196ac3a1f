"""`sweep.json`: an interface for programs. Rates and quantiles are those of `summary.json`.

sweep_version
scenario       {name, path}
planned        number of points of the grid; fewer were run where the sweep was cut short
points         [{number, label, settings: {key: value}, run, exit_code, verdict, turns,
               dead_air_ms: {p50, p95}, voice_to_voice_ms: {p50, p95},
               false_cutoff_rate, cut_in_rate, response_rate, conversation_flow,
               delivery: {connect_ms, playout_wait_ms, min_prebuffer_ms, underrun_ms: {p50, p95}, kbit_per_s_sent,
               kbit_per_s_received, cpu_ms_per_session_second, packet_loss, mos}}]
               `run` is the run's directory from the sweep's; without a run, what is not known is null
frontier       [number]   points that no other beats in dead air and false cut-offs both
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from rtbench.analysis.delivery import Delivery
from rtbench.analysis.metric_summary import MetricSummary
from rtbench.analysis.summary_json import flow_json, quantile_json
from rtbench.analysis.sweep import PointResult, frontier

SWEEP_VERSION = 1


def sweep_json(name: str, path: str, planned: int, results: Sequence[PointResult]) -> dict[str, Any]:
    """The content of `sweep.json`; see the module for its keys."""
    return {
        "sweep_version": SWEEP_VERSION,
        "scenario": {"name": name, "path": path},
        "planned": planned,
        "points": [_point(result) for result in results],
        "frontier": [result.point.number for result in frontier(results)],
    }


def _point(result: PointResult) -> dict[str, Any]:
    return {
        "number": result.point.number,
        "label": result.point.label,
        "settings": result.point.settings,
        "run": result.run or None,
        "exit_code": result.exit_code,
        "verdict": result.level.value if result.level else None,
        "turns": result.turns,
        "dead_air_ms": _percentiles(result.dead_air),
        "voice_to_voice_ms": _percentiles(result.voice_to_voice),
        "false_cutoff_rate": asdict(result.false_cutoffs),
        "cut_in_rate": asdict(result.cut_ins),
        "response_rate": asdict(result.responses),
        "conversation_flow": flow_json(result.flow) if result.flow else None,
        "delivery": _delivery(result.delivery) if result.delivery else None,
    }


def _delivery(found: Delivery) -> dict[str, Any]:
    times = {name: getattr(found, name) for name in ("connect", "playout_wait", "min_prebuffer", "underrun")}
    rest = ("kbit_per_s_sent", "kbit_per_s_received", "cpu_ms_per_session_second", "packet_loss", "mos")
    return {
        **{f"{name}_ms": _percentiles(metric) for name, metric in times.items()},
        **{name: getattr(found, name) for name in rest},
    }


def _percentiles(metric: MetricSummary | None) -> dict[str, Any] | None:
    if metric is None:
        return None
    return {key: quantile_json(getattr(metric, key), metric.known_up_to) for key in ("p50", "p95")}
