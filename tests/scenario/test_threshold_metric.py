"""What each metric is measured on."""

import pytest

from rtbench.scenario.threshold_metric import KNOWN_METRICS, METRIC_UNITS, measured_on


@pytest.mark.parametrize(
    ("metric", "rows"),
    [
        ("voice_to_voice_ms", "turns"),
        ("underrun_count", "turns"),
        ("false_cutoff_rate", "turns"),
        ("connect_ms", "sessions"),
        ("context_retained_rate", "turns"),
        ("void_rate", "turns"),
        ("dtls_ms", "sessions"),
        ("session_success_rate", "sessions"),
        ("barge_in_heard_stop_ms", "stimuli"),
        ("yield_rate", "stimuli"),
        ("recovery_ms", "incidents"),
        ("recovered", "incidents"),
        ("conversation_flow", "events"),
        ("send_lateness_ms", "generator"),
        ("errors", "run"),
    ],
)
def test_a_metric_knows_what_it_is_measured_on(metric: str, rows: str) -> None:
    assert measured_on(metric) == rows


def test_every_known_metric_is_measured_on_something_and_has_a_unit() -> None:
    assert all(measured_on(metric) and METRIC_UNITS[metric] for metric in KNOWN_METRICS)
    with pytest.raises(KeyError):
        measured_on("vibes_ms")
