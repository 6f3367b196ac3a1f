"""Thresholds: what is parsed, what holds, and that a wrong name is told the right one."""

import pytest
from pydantic_core import PydanticCustomError

from rtbench.core.metrics import SESSION_METRICS, STIMULUS_METRICS, TURN_METRICS
from rtbench.scenario.threshold import KNOWN_METRICS, RATES, STATISTICS, Threshold, parse_thresholds


def test_each_limit_becomes_a_threshold() -> None:
    written = {"voice_to_voice_ms": {"p95": "< 800", "max": "<=2000.5"}, "response_rate": {"rate": ">= 0.99"}}
    assert parse_thresholds(written, KNOWN_METRICS) == (
        Threshold("voice_to_voice_ms", "p95", "<", 800.0),
        Threshold("voice_to_voice_ms", "max", "<=", 2000.5),
        Threshold("response_rate", "rate", ">=", 0.99),
    )


def test_negative_limits_are_data() -> None:
    (threshold,) = parse_thresholds({"endpoint_delay_ms": {"min": "> -50"}}, KNOWN_METRICS)
    assert threshold.limit == -50


@pytest.mark.parametrize(
    ("relation", "below", "at", "above"),
    [
        ("<", True, False, False),
        ("<=", True, True, False),
        (">", False, False, True),
        (">=", False, True, True),
    ],
)
def test_a_limit_itself_is_within_only_where_the_relation_says_so(
    relation: str, below: bool, at: bool, above: bool
) -> None:
    (threshold,) = parse_thresholds({"connect_ms": {"p50": f"{relation} 800"}}, KNOWN_METRICS)
    assert [threshold.holds(value) for value in (799.999, 800, 800.001)] == [below, at, above]


def test_percentiles_know_their_quantile_and_the_others_have_none() -> None:
    quantiles = {name: Threshold("connect_ms", name, "<", 1).quantile for name in STATISTICS}
    assert quantiles == {
        "p50": 0.5,
        "p90": 0.9,
        "p95": 0.95,
        "p99": 0.99,
        "p99.9": 0.999,
        "mean": None,
        "min": None,
        "max": None,
        "rate": None,
        "count": None,
    }


def test_a_threshold_is_written_as_in_the_scenario() -> None:
    assert str(Threshold("connect_ms", "p95", "<", 800.0)) == "connect_ms p95 < 800"


@pytest.mark.parametrize(
    ("written", "keys", "sentence"),
    [
        ("fast", (), "must map metrics to their limits, not 'fast'"),
        (
            {"voice_to_vioce_ms": {"p95": "< 1"}},
            ("voice_to_vioce_ms",),
            "unknown metric 'voice_to_vioce_ms'; did you mean 'voice_to_voice_ms'?",
        ),
        (
            {"connect_ms": "< 800"},
            ("connect_ms",),
            "must map statistics to limits, such as p95: '< 800', not '< 800'",
        ),
        (
            {"connect_ms": {}},
            ("connect_ms",),
            "must map statistics to limits, such as p95: '< 800', not a mapping",
        ),
        (
            {"connect_ms": {"mena": "< 1"}},
            ("connect_ms", "mena"),
            "unknown statistic 'mena'; did you mean 'mean'?",
        ),
        (
            {"connect_ms": {"p95": 800}},
            ("connect_ms", "p95"),
            "must be a limit such as '< 800' or '>= 0.99', not 800",
        ),
        (
            {"connect_ms": {"p95": "== 8"}},
            ("connect_ms", "p95"),
            "must be a limit such as '< 800' or '>= 0.99', not '== 8'",
        ),
        (
            {"connect_ms": {"p95": "< 800 ms"}},
            ("connect_ms", "p95"),
            "must be a limit such as '< 800' or '>= 0.99', not '< 800 ms'",
        ),
        (
            {"connect_ms": {"rate": "< 1"}},
            ("connect_ms", "rate"),
            "rate is for metrics that are 0 or 1; this one is in ms",
        ),
        (
            {"session_success": {"rate": ">= 99"}},
            ("session_success", "rate"),
            "a rate lies between 0 and 1, not at 99",
        ),
    ],
)
def test_what_is_wrong_is_told_with_the_keys_that_lead_to_it(
    written: object, keys: tuple[str, ...], sentence: str
) -> None:
    with pytest.raises(PydanticCustomError) as caught:
        parse_thresholds(written, KNOWN_METRICS)
    assert caught.value.message() == sentence
    assert (caught.value.context or {})["at"] == keys


def test_every_metric_and_every_rate_over_them_can_be_limited() -> None:
    families = (*TURN_METRICS, *SESSION_METRICS, *STIMULUS_METRICS)
    assert {metric.name for metric in families} <= set(KNOWN_METRICS)
    for rate in RATES:
        assert parse_thresholds({rate: {"rate": ">= 0.5"}}, KNOWN_METRICS)


def test_the_known_metrics_can_be_given() -> None:
    assert parse_thresholds({"my_ms": {"p50": "< 1"}}, ("my_ms",)) == (Threshold("my_ms", "p50", "<", 1.0),)
    with pytest.raises(PydanticCustomError, match="unknown metric 'connect_ms'"):
        parse_thresholds({"connect_ms": {"p50": "< 1"}}, ("my_ms",))
