"""Thresholds that may end a run: when they do, and that they see what the report will see."""

import json
import random
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pandas as pd
import pytest

from rtbench.analysis.run_totals import RunTotals
from rtbench.analysis.samples import Rows
from rtbench.analysis.thresholds import judge_thresholds
from rtbench.core.errors import ExitCode
from rtbench.core.metrics import (
    INCIDENT_METRICS,
    SESSION_METRICS,
    STIMULUS_METRICS,
    TURN_METRICS,
    Metric,
)
from rtbench.results import schema
from rtbench.scenario.live_threshold import LiveThresholds
from rtbench.scenario.threshold import parse_threshold
from rtbench.scenario.threshold_metric import KNOWN_METRICS, METRIC_UNITS

TURN: dict[str, Any] = {
    **dict.fromkeys(schema.TURNS.names),
    "session": "s1", "scenario": "brief", "outcome": "answered", "expects_answer": True, "void": False, "tool": False,
    "kind": "spoken", "concurrency": 3, "barged_in": False, "audible_ns": 1, "hold_pauses": 0, "false_cutoffs": 0,
    "closed_ns": 2, "user_speech_end_ns": 1, "cut_in": 0.0,
}  # fmt: skip


def _watch(written: str, after_s: float = 0.0) -> LiveThresholds:
    threshold = replace(parse_threshold(written), abort_after_s=after_s)
    return LiveThresholds([threshold], target="emulator", transport="websocket")


def _feed(live: LiveThresholds, *waits: float | None) -> LiveThresholds:
    for wait in waits:
        lost = {"outcome": "no_answer", "audible_ns": None} if wait is None else {}
        live.take("turns", TURN | {"voice_to_voice_ms": wait} | lost)
    return live


def test_a_run_ends_when_its_threshold_does_not_hold_any_more() -> None:
    live = _feed(_watch("voice_to_voice_ms:p50<800"), *[500.0] * 10)
    assert live.stop(1.0) is None
    stop = _feed(live, *[900.0] * 11).stop(40.0)
    assert stop is not None and stop.exit_code == ExitCode.THRESHOLD_FAILED
    assert str(stop) == "stopped after 40 s: voice_to_voice_ms p50 < 800 does not hold (900)"


def test_it_is_not_looked_at_before_its_time() -> None:
    live = _feed(_watch("voice_to_voice_ms:p50<800", after_s=30.0), *[900.0] * 10)
    assert live.stop(29.9) is None
    assert live.stop(30.0) is not None


def test_too_few_samples_end_nothing() -> None:
    assert _feed(_watch("voice_to_voice_ms:p95<800"), *[900.0] * 58).stop(99.0) is None
    assert _feed(_watch("voice_to_voice_ms:p95<800"), *[900.0] * 59).stop(99.0) is not None
    assert _feed(_watch("response_rate:rate>=0.9"), *[None] * 9).stop(99.0) is None


def test_answers_that_never_came_are_told_as_such() -> None:
    stop = _feed(_watch("voice_to_voice_ms:p50<800"), *[None] * 6, *[500.0] * 5).stop(9.0)
    assert stop is not None and str(stop).endswith("does not hold (never answered)")


def test_only_what_may_end_the_run_and_is_of_it_is_watched() -> None:
    threshold = parse_threshold("voice_to_voice_ms:p50<800")
    other = replace(parse_threshold("voice_to_voice_ms{target=openai}:p50<800"), abort_after_s=0.0)
    live = LiveThresholds([threshold, other], target="emulator", transport="websocket")
    assert _feed(live, *[900.0] * 20).stop(99.0) is None


CHOSEN = (
    "voice_to_voice_ms:p95", "voice_to_voice_ms{turn_kind=tool}:p50", "voice_to_voice_ms:max",
    "voice_to_voice_ms{concurrency>=4,scenario=brief}:min", "voice_to_voice_ms:count", "overlap_ms:mean",
    "recovery_ms:p75",
)  # fmt: skip


def _statistic(metric: str) -> str:
    """The first that suits the metric."""
    totals = ("turns", "sessions", "errors", "void_turns")
    return "rate" if METRIC_UNITS[metric] == "rate" else "count" if metric in totals else "p50"


EVERY = tuple(
    written
    for written in (f"{metric}:{_statistic(metric)}" for metric in KNOWN_METRICS if metric != "rows_lost")
    if parse_threshold(f"{written}<1").may_abort
)
"""Of every metric that may end a run."""


@pytest.fixture(scope="module")
def drawn() -> dict[str, list[dict[str, Any]]]:
    """Rows with everything in them that a rule is about."""
    rng = random.Random(4)

    def some(metrics: Iterable[Metric[Any]]) -> dict[str, float | None]:
        """A value of every metric, or none."""
        values = {
            metric.name: float(rng.random() < 0.6) if metric.unit == "rate" else rng.uniform(1, 900)
            for metric in metrics
        }
        return {name: None if rng.random() < 0.2 else value for name, value in values.items()}

    def turn(number: int) -> dict[str, Any]:
        outcome = rng.choice(
            ["answered"] * 6 + ["no_answer", "failed", "cancelled", "interrupted", "not_asked"]
        )
        heard = outcome == "answered"
        return TURN | some(TURN_METRICS) | {
            "session": f"s{number % 9}", "outcome": outcome, "expects_answer": outcome != "not_asked",
            "voice_to_voice_ms": rng.uniform(300, 2000) if heard else None, "void": rng.random() < 0.1,
            "audible_ns": 7 if heard or rng.random() < 0.5 else None, "barged_in": rng.random() < 0.3,
            "tool": rng.random() < 0.4, "concurrency": rng.randrange(8), "cut_in": float(rng.random() < 0.2),
            "hold_pauses": rng.randrange(3), "false_cutoffs": rng.randrange(3), "overlap_ms": rng.uniform(0, 90),
            "scenario": rng.choice(["brief", "other"]),
        }  # fmt: skip

    def session(number: int) -> dict[str, Any]:
        return dict.fromkeys(schema.SESSIONS.names) | some(SESSION_METRICS) | {
            "session": f"s{number}", "errors": json.dumps({"closed": rng.randrange(3)}), "scenario": "brief",
            "connect_ms": rng.choice([None, rng.uniform(5, 50)]), "session_success": float(rng.random() < 0.8),
        }  # fmt: skip

    def stimulus(number: int) -> dict[str, Any]:
        return dict.fromkeys(schema.STIMULI.names) | some(STIMULUS_METRICS) | {
            "session": f"s{number % 9}", "void": rng.random() < 0.2, "scenario": "brief",
            "yielded": rng.choice([None, 0.0, 1.0]), "barge_in_detect_ms": rng.choice([None, rng.uniform(90, 300)]),
        }  # fmt: skip

    def incident(number: int) -> dict[str, Any]:
        outcome = rng.choice(["recovered", "recovered", "gave_up", "ended"])
        back = outcome == "recovered"
        return dict.fromkeys(schema.INCIDENTS.names) | some(INCIDENT_METRICS) | {
            "session": f"s{number % 9}", "outcome": outcome, "scenario": "brief",
            "reconnect_ms": rng.uniform(200, 900) if back else None,
            "recovery_ms": rng.uniform(900, 4000) if back and rng.random() < 0.9 else None,
            "recovered": None if outcome == "ended" else float(back),
        }  # fmt: skip

    return {
        "turns": [turn(number) for number in range(400)],
        "sessions": [session(number) for number in range(60)],
        "stimuli": [stimulus(number) for number in range(80)],
        "incidents": [incident(number) for number in range(80)],
    }


@pytest.mark.parametrize("metric", [*CHOSEN, *EVERY])
def test_the_run_sees_what_the_report_will_see(metric: str, drawn: dict[str, list[dict[str, Any]]]) -> None:
    frames = {}
    for name, columns in (
        ("turns", schema.TURNS),
        ("sessions", schema.SESSIONS),
        ("stimuli", schema.STIMULI),
        ("incidents", schema.INCIDENTS),
    ):
        frame = pd.DataFrame(drawn[name], columns=columns.names)
        empty = [column for column in frame if frame[column].isna().all()]
        frames[name] = frame.astype(dict.fromkeys(empty, float))
    counts = {
        "turns": 400, "sessions": 60, "void_turns": int(frames["turns"]["void"].sum()),
        "errors": sum(sum(json.loads(row["errors"]).values()) for row in drawn["sessions"]),
    }  # fmt: skip
    totals = RunTotals("emulator", "websocket", ("brief", "other"), pd.DataFrame(), counts)
    (judged,) = judge_thresholds([parse_threshold(f"{metric}<0")], Rows(**frames), totals)
    assert judged.actual is not None
    at, above = (f"{metric}<={judged.actual + change:.9f}" for change in (1e-6, -1e-6))
    if judged.actual == float("inf"):
        at, above = f"{metric}>999999999", f"{metric}<=999999999"
    outcomes = []
    for written in (at, above):
        live = _watch(written)
        for table, rows in drawn.items():
            for row in rows:
                live.take(table, row)
        outcomes.append(live.stop(1.0))
    assert outcomes[0] is None
    assert outcomes[1] is not None
