import pytest

from rtbench.core.metrics import (
    INCIDENT_METRICS,
    SESSION_METRICS,
    STIMULUS_METRICS,
    TURN_METRICS,
    rates,
)
from rtbench.load.measured import (
    COUNTS,
    ENGINE_GAUGES,
    LATENESS_BOUNDS_S,
    RATES,
    RATES_TOLD,
    WAIT_BOUNDS_S,
    WAITS,
    labels_of,
    readers,
)
from rtbench.results.schema import GENERATOR


def test_every_duration_of_the_glossary_is_measured_but_the_signed_one() -> None:
    metrics = [*TURN_METRICS, *SESSION_METRICS, *STIMULUS_METRICS, *INCIDENT_METRICS]
    durations = {metric.name for metric in metrics if metric.name.endswith("_ms")}
    assert durations - WAITS.keys() == {"truncation_error_ms"}
    assert WAITS["voice_to_voice_ms"].startswith("End of the user's speech to the first audible sample")


def test_every_rate_is_measured_but_the_one_of_several_tables() -> None:
    assert {rate.name for rate in rates.RATES} - RATES.keys() == {"conversation_flow"}
    assert "context_retained_rate: a fact told before was" in RATES_TOLD


def test_every_sentence_is_one_line() -> None:
    sentences = [*WAITS.values(), *(count.told for count in COUNTS.values())]
    assert all(sentence and "\n" not in sentence for sentence in sentences)


def test_bounds_ascend_and_hold_what_is_judged_by() -> None:
    assert sorted(set(WAIT_BOUNDS_S)) == list(WAIT_BOUNDS_S)
    assert sorted(set(LATENESS_BOUNDS_S)) == list(LATENESS_BOUNDS_S)
    assert {0.1, 0.8, 10.0} <= set(WAIT_BOUNDS_S)
    assert {0.005, 0.02} <= set(LATENESS_BOUNDS_S)


def test_gauges_of_the_engine_are_columns_of_its_table() -> None:
    assert {gauge.column for gauge in ENGINE_GAUGES.values()} <= set(GENERATOR.names)


def test_every_metric_is_read_from_its_table() -> None:
    found = readers(WAITS)
    assert "voice_to_voice_ms" in found["turns"]
    assert "barge_in_heard_stop_ms" in found["stimuli"]
    assert "recovery_ms" in found["incidents"]
    assert "connect_ms" in found["sessions"]
    assert sum(map(len, found.values())) == len(WAITS)
    assert sum(map(len, readers(RATES).values())) == len(RATES)


@pytest.mark.parametrize(
    ("table", "row", "labels"),
    [
        ("turns", {"kind": "spoken", "tool": True}, ("spoken", "true")),
        ("turns", {"kind": "manual", "tool": False}, ("manual", "false")),
        ("stimuli", {"kind": "interrupt"}, ("interrupt",)),
        ("incidents", {"kind": "drop"}, ("drop",)),
        ("sessions", {}, ()),
        ("waveforms", {}, ()),
    ],
)
def test_labels_of_a_row(table, row, labels) -> None:
    assert labels_of(table, row) == labels
