import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtbench.core.metrics import (
    BETTER,
    INCIDENT_METRICS,
    METRIC_VERSION,
    RATES,
    SESSION_METRICS,
    STIMULUS_METRICS,
    TURN_METRICS,
    Metric,
)
from rtbench.core.metrics.metric import elapsed_ms

ALL = (*TURN_METRICS, *STIMULUS_METRICS, *SESSION_METRICS, *INCIDENT_METRICS)
UNITS = {"ms", "count", "rate", "ratio", "score", "USD"}


def test_names_are_unique_over_all_families() -> None:
    names = [metric.name for metric in ALL]

    assert len(set(names)) == len(names)


def test_the_names_are_those_of_metric_version_2() -> None:
    assert METRIC_VERSION == 2
    assert {metric.name for metric in TURN_METRICS} == {
        "voice_to_voice_ms",
        "first_audio_ms",
        "endpoint_delay_ms",
        "speech_stop_to_first_audio_ms",
        "leading_silence_ms",
        "playout_wait_ms",
        "first_text_ms",
        "response_created_ms",
        "response_done_ms",
        "final_answer_audio_ms",
        "context_retained",
        "underrun_ms",
        "underrun_max_ms",
        "underrun_count",
        "continuity_ok",
        "delivery_rtf",
        "min_prebuffer_ms",
        "chunk_gap_ms",
        "cut_in",
        "overlap_ms",
    }
    assert {metric.name for metric in STIMULUS_METRICS} == {
        "barge_in_detect_ms",
        "barge_in_server_stop_ms",
        "barge_in_heard_stop_ms",
        "stale_audio_ms",
        "stale_heard_ms",
        "yielded",
        "missed_interruption",
        "false_interruption",
        "resumed",
        "resume_ms",
        "post_interrupt_ms",
        "truncation_error_ms",
        "truncation_rejected",
    }
    assert {metric.name for metric in SESSION_METRICS} == {
        "connect_ms",
        "dns_ms",
        "tcp_ms",
        "tls_ms",
        "upgrade_ms",
        "key_ms",
        "sdp_ms",
        "ice_ms",
        "dtls_ms",
        "channel_ms",
        "session_created_ms",
        "session_updated_ms",
        "uptime",
        "session_success",
        "errors_per_session",
        "reconnect_attempts",
        "lost_turns",
        "fell_back_to_text",
        "packet_loss",
        "late_packet_share",
        "jitter_ms",
        "round_trip_ms",
        "concealed_ms",
        "mos_estimate",
        "first_rtp_ms",
        "cost_usd",
        "cost_usd_per_minute",
    }


@pytest.mark.parametrize("metric", ALL, ids=lambda metric: metric.name)
def test_every_metric_has_a_definition_and_a_unit_that_fits_its_name(metric) -> None:
    assert re.fullmatch(r"[a-z][a-z0-9_]*", metric.name)
    assert metric.definition.endswith(".")
    assert metric.unit in UNITS
    assert metric.name.endswith("_ms") == (metric.unit == "ms")


MORE_IS_BETTER = {
    "context_retained", "continuity_ok", "mos_estimate", "recovered", "resumed", "session_success", "uptime", "yielded",
}  # fmt: skip
LESS_OF_RATES_IS_BETTER = {
    "cut_in", "false_interruption", "fell_back_to_text", "missed_interruption", "truncation_rejected",
}  # fmt: skip


def test_of_every_metric_it_is_known_which_way_it_is_to_go() -> None:
    assert set(BETTER) == {metric.name for metric in ALL} | {rate.name for rate in RATES}
    assert {metric.name for metric in ALL if metric.better == "more"} == MORE_IS_BETTER
    assert {metric.name for metric in ALL if metric.better == "zero"} == {"truncation_error_ms"}
    judged = {metric.name for metric in ALL if metric.unit in ("rate", "score")}
    assert judged == MORE_IS_BETTER | LESS_OF_RATES_IS_BETTER


def test_a_metric_is_named_and_defined_by_its_function() -> None:
    def lag_ms(record: int) -> float | None:
        """From here
        to there."""
        return float(record)

    metric = Metric(lag_ms)

    assert (metric.name, metric.definition, metric.unit) == ("lag_ms", "From here\nto there.", "ms")
    assert metric.compute(3) == 3.0


def test_a_function_without_a_docstring_has_an_empty_definition() -> None:
    assert Metric(lambda record: None).definition == ""


@given(st.integers(0, 2**62), st.integers(-(2**40), 2**40))
def test_elapsed_time_is_signed_and_in_milliseconds(start_ns, duration_ns) -> None:
    assert elapsed_ms(start_ns, start_ns + duration_ns) == duration_ns / 1_000_000


@pytest.mark.parametrize(("start_ns", "end_ns"), [(None, 5), (5, None), (None, None)])
def test_elapsed_time_needs_both_ends(start_ns, end_ns) -> None:
    assert elapsed_ms(start_ns, end_ns) is None
