import dataclasses
import io
from pathlib import Path
from typing import get_args

from rich.console import Console

from rtbench.analysis.calibration import ErrorBar
from rtbench.analysis.thresholds import Status, ThresholdResult
from rtbench.analysis.verdict import Finding, Level, Verdict
from rtbench.report.terminal import VERDICTS, print_summary
from rtbench.scenario.threshold import Threshold

REPORT = Path(
    "reports/20261123-070000-a-scenario-with-a-rather-long-name-that-does-not-fit-in-eighty-columns/report.html"
)


def _printed(summary) -> list[str]:
    output = io.StringIO()
    print_summary(Console(file=output, width=80), summary, REPORT)
    return output.getvalue().splitlines()


def test_it_opens_with_the_verdict_and_ends_with_the_path_in_one_piece(summary) -> None:
    lines = _printed(summary)
    assert lines[0].strip() == summary.verdict.level
    assert lines[-1] == str(REPORT)


def test_it_fits_eighty_columns(summary) -> None:
    finding = Finding(Level.INVALID, "send_late", "A rather long message. " * 5, "And long advice. " * 5)
    doubtful = dataclasses.replace(summary, verdict=Verdict(Level.INVALID, (finding,)))
    assert max(len(line) for line in _printed(doubtful)[:-1]) <= 80


def test_the_table_shows_the_headline_with_n_and_percentiles(summary) -> None:
    row = next(line.split() for line in _printed(summary) if line.startswith("voice_to_voice"))
    headline = summary.headline
    assert row[1:4] == [f"{headline.n:,}", f"{headline.p50.value:,.0f}", f"{headline.p95.value:,.0f}"]


def test_a_failed_threshold_stands_out_with_what_was_measured(summary) -> None:
    assert any(
        line.split()
        == ["FAIL", "response_rate", "rate", ">=", "0.99", f"{summary.thresholds[-1].actual:.4g}"]
        for line in _printed(summary)
    )


def test_a_threshold_of_too_few_samples_says_so_with_n_and_what_it_needs(summary) -> None:
    wait = Threshold("connect_ms", "p95", "<", 80)
    judged = ThresholdResult(wait, "too_few_samples", 3, None, reason="p95 needs 59 samples, there are 3")
    told = "\n".join(_printed(dataclasses.replace(summary, thresholds=[judged])))
    assert "too few samples  connect_ms p95 < 80  p95 needs 59 samples, there are 3" in told
    assert "FAIL" not in told


def test_every_status_of_a_threshold_has_a_word() -> None:
    assert set(VERDICTS) == set(get_args(Status))


def test_where_callers_spoke_into_answers_the_rates_and_stop_times_are_shown(summary) -> None:
    lines = _printed(summary)
    found = summary.turn_taking
    row = next(line.split() for line in lines if line.startswith("yield_rate"))
    assert row[1:3] == [str(found.yield_rate.n), f"{found.yield_rate.value:.1%}"]
    score = next(line.split() for line in lines if line.startswith("conversation_flow"))
    assert score[2] == f"{100 * found.flow.rate.value:.1f}"
    assert any(line.startswith("barge_in_heard_stop ") for line in lines)


def test_without_stimuli_nothing_is_said_of_turn_taking(summary) -> None:
    lines = _printed(dataclasses.replace(summary, turn_taking=None))
    assert not any("yield_rate" in line or "barge_in" in line for line in lines)


BAR = ErrorBar("websocket", "2026-11-26T06:00:00+00:00", 100, 50, 0.21, 1.87)


def test_a_calibrated_machine_tells_its_error_bar_in_the_headline(summary) -> None:
    first = _printed(dataclasses.replace(summary, error_bar=BAR))[0]
    assert first.split() == [
        summary.verdict.level,
        *["error", "bar", "of", "waits", "±1.87", "ms", "(99%", "of", "turns)"],
    ]
