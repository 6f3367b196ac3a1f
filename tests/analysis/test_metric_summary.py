import pytest

from rtbench.analysis.metric_summary import (
    summarise_metrics,
    summarise_rates,
    summarise_stimulus_metrics,
)


@pytest.fixture
def hundred_turns(make_turns):
    rows = [
        {"session": f"s{number % 20}", "voice_to_voice_ms": 500.0 + number, "tool": number >= 80}
        for number in range(100)
    ]
    return make_turns(*rows)


def test_turns_with_a_tool_call_are_reported_apart(hundred_turns, make_rows) -> None:
    found = {
        metric.group: metric
        for metric in summarise_metrics(make_rows(hundred_turns))
        if metric.name == "voice_to_voice_ms"
    }
    assert {group: metric.n for group, metric in found.items()} == {"without_tool": 80, "with_tool": 20}
    assert found["without_tool"].largest == 579.0
    assert found["with_tool"].smallest == 580.0


def test_the_headline_comes_first_with_its_interval(hundred_turns, make_rows) -> None:
    headline = summarise_metrics(make_rows(hundred_turns))[0]
    assert headline.name == "voice_to_voice_ms"
    p95 = headline.p95
    assert p95.value == 575.0
    assert p95.low is not None and p95.low <= 575.0
    assert p95.high is None  # 80 turns are too few to bound the tail, once their sessions are alike
    assert headline.p50.low is not None and headline.p50.high is not None
    assert headline.p50.low <= 539.0 <= headline.p50.high
    assert headline.p99.value is None


def test_rates_are_not_summed_up_as_percentiles(hundred_turns, make_rows) -> None:
    metrics = summarise_metrics(make_rows(hundred_turns))
    assert {"continuity_ok", "session_success", "uptime"}.isdisjoint(metric.name for metric in metrics)


def test_uptime_is_the_mean_over_sessions(make_sessions, make_rows) -> None:
    sessions = make_sessions(*[{"uptime": 0.5}] * 5, *[{"uptime": 1.0}] * 5)
    rates = {rate.name: rate.rate for rate in summarise_rates(make_rows(sessions=sessions))}
    assert rates["uptime"].value == 0.75


def test_a_run_without_rows_has_every_metric_with_n_zero(make_rows) -> None:
    metrics = summarise_metrics(make_rows())
    assert metrics[0].name == "voice_to_voice_ms"
    assert all(metric.n == 0 and metric.mean is None and metric.p50.value is None for metric in metrics)


def test_metrics_of_stimuli_stand_beside_the_overlap_of_all_turns(
    make_turns, make_stimuli, make_rows
) -> None:
    stimuli = make_stimuli({"barge_in_detect_ms": 180.0}, {"barge_in_detect_ms": 220.0})
    turns = make_turns({"overlap_ms": 30.0}, {"overlap_ms": 50.0, "tool": True})
    metrics = summarise_stimulus_metrics(make_rows(turns, stimuli=stimuli))
    found = {metric.name: (metric.group, metric.n, metric.mean) for metric in metrics if metric.n}
    assert found == {"barge_in_detect_ms": ("stimuli", 2, 200.0), "overlap_ms": ("turns", 2, 40.0)}
    assert "yielded" not in {metric.name for metric in metrics}
