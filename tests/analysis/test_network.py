import pytest

from rtbench.analysis.network import (
    CONNECTION_PARTS,
    MOS_INPUTS,
    PeerState,
    Simulation,
    summarise_network,
    summarise_simulation,
)
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
    assert (found.degraded_calls, found.codec_fallbacks, found.codec_fallback_s) == (1, 1, None)
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


def test_a_change_of_codec_is_told_with_its_time(make_sessions) -> None:
    at_s = (4, 10, 11)
    calls = [{**CALL, "planned_ns": 2 * 10**9, "codec_fallback_ns": at * 10**9} for at in at_s]
    found = summarise_network(make_sessions(CALL, *calls))

    assert found is not None
    assert found.codec_fallback_s == 8


def test_the_own_error_of_a_simulated_network_is_told_over_any_transport(make_sessions) -> None:
    calls = [{"codec": "", "simulation_late_ms": 1.0, "simulation_late_max_ms": 3.0} for _ in range(199)]
    found = summarise_network(
        make_sessions(*calls, {"simulation_late_ms": 9.0, "simulation_late_max_ms": 40.0}, {})
    )

    assert found is not None
    assert (found.calls, found.packets_expected, found.mos_inputs) == (0, 0, {})
    assert found.simulation == Simulation(calls=200, mean_ms=1.04, p99_ms=1.0, worst_ms=40.0)
    few = summarise_simulation(
        make_sessions(*calls[:9], {"simulation_late_ms": 9.0, "simulation_late_max_ms": 40.0})
    )
    assert few is not None and few.p99_ms == 9.0


def test_states_of_the_connection_are_counted_with_their_times(make_sessions) -> None:
    well = '[["connecting", 20.0], ["connected", 60.0], ["closed", 5000.0]]'
    lost = '[["connecting", 30.0], ["connected", 80.0], ["failed", 900.0], ["connecting", 990.0], ["connected", 1100.0]]'
    found = summarise_network(
        make_sessions(
            {**CALL, "peer_states": well}, {**CALL, "peer_states": lost}, {**CALL, "peer_states": ""}
        )
    )

    assert found is not None
    assert list(found.peer_states.items()) == [
        ("connecting", PeerState(2, 3, 25.0)),
        ("connected", PeerState(2, 3, 70.0)),
        ("failed", PeerState(1, 1, 900.0)),
        ("closed", PeerState(1, 1, 5000.0)),
    ]
