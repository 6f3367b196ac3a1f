"""Thresholds: what is parsed, what holds, and that a wrong name is told the right one."""

import json
import re
from dataclasses import asdict

import pytest
from pydantic_core import PydanticCustomError

from rtbench.core.errors import UsageError
from rtbench.core.metrics import INCIDENT_METRICS, RATES, SESSION_METRICS, STIMULUS_METRICS, TURN_METRICS
from rtbench.scenario.threshold import STATISTICS, Threshold, parse_threshold, parse_thresholds
from rtbench.scenario.threshold_filter import Filter
from rtbench.scenario.threshold_metric import KNOWN_METRICS


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
        "p75": 0.75,
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
    families = (*TURN_METRICS, *SESSION_METRICS, *STIMULUS_METRICS, *INCIDENT_METRICS)
    assert {metric.name for metric in families} <= set(KNOWN_METRICS)
    for rate in RATES:
        assert parse_thresholds({rate.name: {"rate": ">= 0.5"}}, KNOWN_METRICS)


@pytest.mark.parametrize(
    "part", ["dns", "tcp", "tls", "upgrade", "key", "sdp", "ice", "dtls", "channel", "first_rtp"]
)
def test_the_parts_of_connecting_can_be_limited(part: str) -> None:
    (threshold,) = parse_thresholds({f"{part}_ms": {"p95": "< 80"}}, KNOWN_METRICS)
    assert threshold.may_abort


def test_the_known_metrics_can_be_given() -> None:
    assert parse_thresholds({"my_ms": {"p50": "< 1"}}, ("my_ms",)) == (Threshold("my_ms", "p50", "<", 1.0),)
    with pytest.raises(PydanticCustomError, match="unknown metric 'connect_ms'"):
        parse_thresholds({"connect_ms": {"p50": "< 1"}}, ("my_ms",))


def test_filters_stand_in_braces_behind_the_metric() -> None:
    (threshold,) = parse_thresholds(
        {"voice_to_voice_ms{turn_kind=tool, concurrency>=50}": {"p95": "< 2500"}}, KNOWN_METRICS
    )
    assert threshold.filters == (Filter("turn_kind", "=", "tool"), Filter("concurrency", ">=", "50"))
    assert str(threshold) == "voice_to_voice_ms{turn_kind=tool,concurrency>=50} p95 < 2500"


def test_the_command_line_writes_a_threshold_in_one_word() -> None:
    expected = Threshold("voice_to_voice_ms", "p99.9", "<=", 800.5, (Filter("transport", "=", "webrtc"),))
    assert parse_threshold("voice_to_voice_ms{transport=webrtc}:p99.9<=800.5") == expected
    assert parse_threshold(" response_rate:rate >= 0.99 ") == Threshold("response_rate", "rate", ">=", 0.99)


@pytest.mark.parametrize(
    ("written", "sentence"),
    [
        ("fast", "must be METRIC{FILTER,...}:STATISTIC<LIMIT"),
        ("voice_to_vioce_ms:p95<1", "did you mean 'voice_to_voice_ms'?"),
        ("voice_to_voice_ms{turnkind=tool}:p95<1", "unknown filter 'turnkind'; did you mean 'turn_kind'?"),
        ("voice_to_voice_ms{turn_kind=tol}:p95<1", "unknown turn_kind 'tol'; did you mean 'tool'?"),
        ("voice_to_voice_ms{tool>true}:p95<1", "'tool' takes =, not >"),
        ("voice_to_voice_ms{concurrency<=many}:p95<1", "concurrency is a whole number, not 'many'"),
        ("voice_to_voice_ms{tool}:p95<1", "'tool' is not a filter such as turn_kind=tool"),
        ("connect_ms{tool=true}:p95<1", "'tool' filters turns; connect_ms is measured on sessions"),
        ("send_lateness_ms{turn_kind=tool}:p95<1", "send_lateness_ms is measured on the load generator"),
        ("turns:p95<1", "turns is a total of the run: its statistic is count"),
        ("response_rate:rate>=99", "a rate lies between 0 and 1, not at 99"),
    ],
)
def test_what_is_wrong_on_a_command_line_is_told_in_one_sentence(written: str, sentence: str) -> None:
    with pytest.raises(UsageError, match=re.escape(sentence)) as caught:
        parse_threshold(written)
    assert str(caught.value).startswith(f"--threshold '{written}': ")


def test_a_limit_may_end_the_run_after_a_while() -> None:
    limits = {"p95": {"limit": "< 800", "abort_on_fail": {"after": "1.5 min"}}, "p50": {"limit": "< 600"}}
    first, second = parse_thresholds({"connect_ms": limits}, KNOWN_METRICS)
    assert (first.abort_after_s, second.abort_after_s) == (90.0, None)


@pytest.mark.parametrize(
    ("metric", "limit", "keys", "sentence"),
    [
        ("connect_ms", {"limt": "< 1"}, ("connect_ms", "p95", "limt"), "did you mean 'limit'?"),
        ("connect_ms", {"abort_on_fail": {"after": "1 s"}}, ("connect_ms", "p95", "limit"), "is missing"),
        (
            "connect_ms",
            {"limit": "< 1", "abort_on_fail": True},
            ("connect_ms", "p95", "abort_on_fail"),
            "after: 30 s",
        ),
        (
            "connect_ms",
            {"limit": "< 1", "abort_on_fail": {"after": 30}},
            ("connect_ms", "p95", "abort_on_fail", "after"),
            "needs its unit",
        ),
        (
            "cpu_share",
            {"limit": "< 1", "abort_on_fail": {"after": "30 s"}},
            ("cpu_share", "p95"),
            "only a metric of turns, sessions, stimuli or incidents",
        ),
    ],
)
def test_what_is_wrong_with_an_early_end_is_told_with_its_keys(
    metric: str, limit: object, keys: tuple[str, ...], sentence: str
) -> None:
    with pytest.raises(PydanticCustomError) as caught:
        parse_thresholds({metric: {"p95": limit}}, KNOWN_METRICS)
    assert sentence in caught.value.message()
    assert (caught.value.context or {})["at"] == keys


def test_a_threshold_comes_back_from_the_runs_own_file() -> None:
    threshold = parse_threshold("voice_to_voice_ms{turn_kind=tool}:p95<800")
    assert Threshold.from_dict(json.loads(json.dumps(asdict(threshold)))) == threshold
    old = {"metric": "connect_ms", "statistic": "p50", "operator": "<", "limit": 9}
    assert Threshold.from_dict(old) == Threshold("connect_ms", "p50", "<", 9.0)
