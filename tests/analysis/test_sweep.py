import pandas as pd
import pytest

from rtbench.analysis.metric_summary import MetricSummary
from rtbench.analysis.quantiles import Quantile
from rtbench.analysis.rates import Rate
from rtbench.analysis.sweep import (
    PointResult,
    SweepPoint,
    frontier,
    measure_point,
    value_text,
    worst_exit_code,
)
from rtbench.analysis.truth import with_interruption_truth
from rtbench.analysis.verdict import Level
from rtbench.results.reader import Run
from rtbench.results.run_directory import RunDirectory

KEY = "session.turn_detection.silence_duration_ms"


@pytest.fixture
def measured(make_turns, make_sessions, make_stimuli, make_generator, tmp_path):
    """The result of a point with these turns."""

    def measure(turns: list[dict]) -> PointResult:
        run = Run(
            directory=RunDirectory(tmp_path),
            provenance={},
            turns=make_turns(*turns).assign(voice_to_voice_error_ms=float("nan")),
            sessions=make_sessions(),
            stimuli=with_interruption_truth(make_stimuli(), pd.DataFrame()),
            generator=make_generator(),
            waveforms=pd.DataFrame(),
            truth=pd.DataFrame(),
        )
        return measure_point(SweepPoint(1, {KEY: 200}), "01/run", 4, run)

    return measure


def _answered(n: int, **row: object) -> list[dict]:
    return [
        {"session": f"s{number}", "agent_cut_in": False, "endpoint_delay_ms": 500.0, **row}
        for number in range(n)
    ]


def _median(value: float | None) -> MetricSummary:
    p50, p95 = Quantile(0.5, 9, value), Quantile(0.95, 9, None)
    return MetricSummary("endpoint_delay_ms", "ms", "turns", 9, 0, 0.0, value, value, value, p50, p95, p95)


def _placed(*places: tuple[float | None, float | None]) -> list[PointResult]:
    nothing = Rate(0, None)
    return [
        PointResult(
            SweepPoint(number, {KEY: number}), "x", 0, Level.VALID, 9, _median(dead_air_ms), None,
            Rate(50, share), nothing, nothing, None,
        )
        for number, (dead_air_ms, share) in enumerate(places, start=1)
    ]  # fmt: skip


def test_dead_air_is_that_of_answered_turns_into_which_the_agent_did_not_break(measured) -> None:
    result = measured(
        [
            *_answered(6),
            *_answered(2, endpoint_delay_ms=-300.0, hold_pauses=1, false_cutoffs=1),
            *_answered(1, endpoint_delay_ms=-400.0, agent_cut_in=True),
            *_answered(1, endpoint_delay_ms=9_000.0, outcome="no_answer"),
        ]
    )
    assert (result.dead_air.n, result.dead_air.p50.value) == (6, 500.0)
    assert result.turns == 10


def test_rates_and_flow_are_over_all_turns(measured) -> None:
    result = measured(
        [*_answered(10, hold_pauses=2, false_cutoffs=1, cut_in=0.0), *_answered(10, cut_in=1.0)]
    )
    assert (result.false_cutoffs.n, result.false_cutoffs.value) == (20, 0.5)
    assert result.cut_ins.value == 0.5
    assert result.responses.value == 1.0
    assert result.flow is not None and result.flow.rate.value == 0.75
    assert result.operating_point == (500.0, 0.5)


def test_the_verdict_is_that_of_the_run(measured) -> None:
    assert measured(_answered(1)).level is Level.INVALID


def test_without_enough_pauses_there_is_no_operating_point(measured) -> None:
    assert measured(_answered(20, hold_pauses=0)).operating_point is None


def test_of_a_point_that_never_ran_nothing_is_known_but_its_exit_code() -> None:
    result = measure_point(SweepPoint(3, {KEY: 200}), "", 5, None)
    assert (result.exit_code, result.level, result.turns, result.run) == (5, None, 0, "")
    assert result.operating_point is None


def test_the_frontier_holds_what_no_other_point_beats_in_both() -> None:
    results = _placed((900, 0.05), (200, 0.6), (500, 0.3), (600, 0.4), (950, 0.05), (500, 0.35))
    assert [result.point.number for result in frontier(results)] == [2, 3, 1]


def test_points_that_cannot_be_placed_are_not_on_the_frontier() -> None:
    assert frontier(_placed((None, 0.1), (300, None))) == []


@pytest.mark.parametrize(
    ("codes", "worst"),
    [([0, 0], 0), ([0, 2, 0], 2), ([2, 4], 4), ([4, 5], 5), ([4, 130], 130), ([2, 77], 77), ([], 0)],
)
def test_the_worst_exit_code_is_the_one_after_which_the_least_is_known(codes: list[int], worst: int) -> None:
    assert worst_exit_code(codes) == worst


def test_a_point_is_labelled_by_the_last_part_of_its_keys() -> None:
    assert (
        SweepPoint(1, {KEY: 200, "player.prebuffer": "40 ms"}).label
        == "silence_duration_ms=200, prebuffer=40 ms"
    )


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "true"),
        (None, "null"),
        (0.5, "0.5"),
        ({"type": "server_vad", "on": [1, False]}, "{type: server_vad, on: [1, false]}"),
    ],
)
def test_values_are_told_as_a_scenario_writes_them(value: object, text: str) -> None:
    assert value_text(value) == text
