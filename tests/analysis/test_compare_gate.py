"""What a comparison may be decided by."""

import pytest

from rtbench.analysis.compare_gate import DEFAULT_GATES, Gate, parse_gate
from rtbench.core.errors import UsageError
from rtbench.core.metrics import BETTER
from rtbench.scenario.threshold_filter import Filter
from rtbench.scenario.threshold_metric import METRIC_UNITS


def test_a_gate_is_written_as_a_threshold_without_its_limit() -> None:
    gate = parse_gate("voice_to_voice_ms{turn_kind=tool}:p99.9")
    assert gate == Gate("voice_to_voice_ms", "p99.9", (Filter("turn_kind", "=", "tool"),))
    assert (gate.quantile, gate.worse) == (0.999, 1)
    assert str(gate) == "voice_to_voice_ms{turn_kind=tool}:p99.9"


@pytest.mark.parametrize(
    ("metric", "worse"),
    [
        ("response_rate", -1),
        ("context_retained_rate", -1),
        ("context_retained", -1),
        ("recovered", -1),
        ("conversation_flow", -1),
        ("missed_interruption_rate", 1),
        ("false_interruption_rate", 1),
        ("fell_back_to_text", 1),
        ("void_rate", 1),
    ],
)
def test_of_a_rate_more_is_better_or_worse(metric: str, worse: int) -> None:
    assert parse_gate(f"{metric}:rate").worse == worse


@pytest.mark.parametrize("metric", BETTER)
def test_every_metric_of_rows_decides_by_which_way_it_is_to_go_or_is_refused(metric: str) -> None:
    statistic = "rate" if METRIC_UNITS[metric] == "rate" else "p50"
    if BETTER[metric] == "zero" or (BETTER[metric] == "more" and statistic == "p50"):
        with pytest.raises(UsageError):
            parse_gate(f"{metric}:{statistic}")
    else:
        assert parse_gate(f"{metric}:{statistic}").worse == (-1 if BETTER[metric] == "more" else 1)


def test_the_parts_of_connecting_can_decide() -> None:
    assert (parse_gate("dtls_ms:p95").worse, parse_gate("tcp_ms:p50").is_time) == (1, True)


@pytest.mark.parametrize(
    ("written", "sentence"),
    [
        ("voice_to_vioce_ms:p95", "did you mean 'voice_to_voice_ms'?"),
        ("voice_to_voice_ms:mean", "unknown statistic 'mean'"),
        ("voice_to_voice_ms:rate", "is in ms, so its statistic is not rate"),
        ("response_rate:p95", "is in rate, so its statistic is not p95"),
        ("connect_ms{tool=true}:p95", "'tool' filters turns"),
        ("send_lateness_ms:p99", "unknown metric"),
        ("truncation_error_ms:p95", "neither more nor less of it is better"),
        ("mos_estimate:p50", "more of mos_estimate is better"),
        ("fast", "unknown metric ''"),
    ],
)
def test_what_cannot_decide_is_refused(written: str, sentence: str) -> None:
    with pytest.raises(UsageError, match=r"^--gate ") as caught:
        parse_gate(written)
    assert sentence in str(caught.value)


def test_the_default_gates_are_distinct() -> None:
    assert len({str(gate) for gate in DEFAULT_GATES}) == len(DEFAULT_GATES)
