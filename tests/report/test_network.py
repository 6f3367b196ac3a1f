from dataclasses import replace

from rtbench.analysis.network import NetworkSummary, PeerState, Simulation
from rtbench.report.network import network_facts

GOOD = NetworkSummary(
    calls=24,
    codecs={"opus": 20, "pcmu": 4},
    packets_expected=8_000,
    packets_lost=80,
    packets_late=4,
    packets_reordered=3,
    packets_duplicated=0,
    concealed_ms=1_680.0,
    degraded_calls=4,
    codec_fallbacks=4,
    connection_ms={"key_ms": 4.0, "sdp_ms": 10.25},
    mos_inputs={"one_way_delay_ms": 66.5, "mos_loss_percent": 1.05, "mos_r": 93.2},
    codec_fallback_s=12.34,
)
FALLBACKS = "Calls opened or gone on in another codec for that"


def test_every_count_is_told_with_what_it_is_of() -> None:
    facts = dict(network_facts(GOOD))

    assert facts["Calls"] == "24 (20 opus, 4 pcmu)"
    assert facts["Lost"] == "80 of 8,000 packets, 1.0%"
    assert facts["Too late to be played"] == "4, 0.1%"
    assert facts["Calls on a degraded network"] == "4"
    assert facts[FALLBACKS] == "4, in the median 12.3 s into the call"
    assert facts["Connection, median parts in ms"] == "key 4, SDP 10.2"


def test_the_score_stands_with_its_inputs() -> None:
    assert dict(network_facts(GOOD))["Estimated MOS"] == (
        "4.41 by ITU-T G.107, of medians: one-way delay, mouth to ear 66.5, packets not played, per cent 1.05, rating R 93.2"
    )


def test_what_could_not_be_rated_says_why() -> None:
    bare = NetworkSummary(2, {"opus": 2}, 0, 0, 0, 0, 0, 0.0, 0, 0, {}, {})
    facts = dict(network_facts(bare))

    assert facts["Lost"] == "0 of 0 packets, –"
    assert facts["Connection, median parts in ms"] == "–"
    assert facts[FALLBACKS] == "0"
    assert facts["Estimated MOS"].startswith("n/a")


def test_the_states_of_connections_stand_with_their_counts_and_times() -> None:
    states = {"connected": PeerState(24, 25, 70.0), "failed": PeerState(1, 1, 5_200.0)}
    facts = dict(network_facts(replace(GOOD, peer_states=states)))

    told = facts["States of the connection, calls and median time of the first"]
    assert told == "connected 24 (after 0.07 s, 25 times), failed 1 (after 5.20 s)"


def test_over_a_websocket_the_simulated_network_alone_is_told() -> None:
    simulated = NetworkSummary(
        0, {}, 0, 0, 0, 0, 0, 0.0, 0, 0, {}, {}, simulation=Simulation(20, 0.456, 1.2, 14.04)
    )

    assert dict(network_facts(simulated)) == {
        "Simulated network late by itself": "0.46 ms in the mean of 20 calls, 1.20 ms in that of the worst 1%, 14.0 ms at worst"
    }
