import pytest

from rtbench.analysis.network import CONNECTION_PARTS, MOS_INPUTS, summarise_network
from rtbench.results import schema

CALL = {
    "codec": "opus", "packets_expected": 200, "packets_lost": 0, "packets_late": 0, "packets_reordered": 0,
    "packets_duplicated": 0, "concealed_ms": 0.0, "degraded_intervals": 0, "codec_fallbacks": 0, "key_ms": 4.0,
    "sdp_ms": 10.0, "ice_ms": 2.0, "dtls_ms": 3.0, "channel_ms": 2.0, "one_way_delay_ms": 66.5,
    "mos_loss_percent": 0.0, "burst_ratio": 1.0, "mos_ie": 0.0, "mos_bpl": 10.0, "mos_r": 93.2,
}  # fmt: skip


def test_a_run_over_websockets_has_no_network_to_tell_of(make_sessions) -> None:
    assert summarise_network(make_sessions({}, {"codec": ""})) is None
    assert summarise_network(make_sessions()) is None


def test_packets_are_counted_over_all_calls_and_times_are_medians(make_sessions) -> None:
    found = summarise_network(
        make_sessions(
            CALL,
            {**CALL, "packets_lost": 6, "packets_late": 2, "concealed_ms": 160.0, "degraded_intervals": 2, "key_ms": 8.0},
            {**CALL, "codec": "pcmu", "codec_fallbacks": 1, "packets_reordered": 1, "packets_duplicated": 3, "mos_r": None},
            {"codec": ""},
        )
    )  # fmt: skip

    assert found is not None
    assert (found.calls, found.codecs) == (3, {"opus": 2, "pcmu": 1})
    assert (found.packets_expected, found.packets_lost, found.packets_late) == (600, 6, 2)
    assert (found.loss, found.late) == (0.01, pytest.approx(2 / 600))
    assert (found.packets_reordered, found.packets_duplicated, found.concealed_ms) == (1, 3, 160.0)
    assert (found.degraded_calls, found.codec_fallbacks) == (1, 1)
    assert found.connection_ms == {
        "key_ms": 4.0,
        "sdp_ms": 10.0,
        "ice_ms": 2.0,
        "dtls_ms": 3.0,
        "channel_ms": 2.0,
    }
    assert found.mos_inputs["mos_r"] == 93.2


def test_calls_that_nobody_could_rate_have_no_inputs(make_sessions) -> None:
    found = summarise_network(make_sessions({"codec": "opus"}))

    assert found is not None
    assert (found.loss, found.late, found.mos_inputs, found.connection_ms) == (None, None, {}, {})


def test_the_columns_are_there() -> None:
    assert {*CONNECTION_PARTS, *MOS_INPUTS} <= set(schema.SESSIONS.names)
