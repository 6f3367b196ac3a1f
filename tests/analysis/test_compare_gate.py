"""What a comparison may be decided by."""

import pytest

from rtbench.analysis.compare_gate import DEFAULT_GATES, Gate, parse_gate
from rtbench.core.errors import UsageError
from rtbench.scenario.threshold_filter import Filter


def test_a_gate_is_written_as_a_threshold_without_its_limit() -> None:
    gate = parse_gate("voice_to_voice_ms{turn_kind=tool}:p99.9")
    assert gate == Gate("voice_to_voice_ms", "p99.9", (Filter("turn_kind", "=", "tool"),))
    assert (gate.quantile, gate.worse) == (0.999, 1)
    assert str(gate) == "voice_to_voice_ms{turn_kind=tool}:p99.9"


def test_of_a_rate_more_is_better_or_worse() -> None:
    assert parse_gate("response_rate:rate").worse == -1
    assert parse_gate("false_interruption_rate:rate").worse == 1


@pytest.mark.parametrize(
    ("written", "sentence"),
    [
        ("voice_to_vioce_ms:p95", "did you mean 'voice_to_voice_ms'?"),
        ("voice_to_voice_ms:mean", "unknown statistic 'mean'"),
        ("voice_to_voice_ms:rate", "is in ms, so its statistic is not rate"),
        ("response_rate:p95", "is in rate, so its statistic is not p95"),
        ("connect_ms{tool=true}:p95", "'tool' filters turns"),
        ("send_lateness_ms:p99", "unknown metric"),
        ("fast", "unknown metric ''"),
    ],
)
def test_what_cannot_decide_is_refused(written: str, sentence: str) -> None:
    with pytest.raises(UsageError, match=r"^--gate ") as caught:
        parse_gate(written)
    assert sentence in str(caught.value)


def test_the_default_gates_are_distinct() -> None:
    assert len({str(gate) for gate in DEFAULT_GATES}) == len(DEFAULT_GATES)
