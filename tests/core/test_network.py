from dataclasses import asdict, fields, replace

import pytest

from rtbench.core.codec import CODECS
from rtbench.core.network import LOOK_AHEAD_MS, Network, NetworkAlert, NetworkWatch
from rtbench.core.reception import Reception
from rtbench.transports.webrtc.rtp import RtpPacket

MS = 1_000_000
S = 1_000 * MS


def feed(reception: Reception, numbers, delay_ms=lambda number: 0.0) -> None:
    for number in numbers:
        packet = RtpPacket(number, number * 160, False, 0, 1, bytes(160))
        reception.receive(packet, round((20 * number + delay_ms(number)) * MS))


def test_a_session_without_media_has_measured_nothing() -> None:
    network = Network()
    network.add(Reception(8_000))
    network.take_round_trips([])
    network.rate()

    assert (network.jitter_ms, network.burst_ratio, network.round_trip_ms, network.mos) == (None,) * 4


def test_what_was_counted_is_summed_up_and_rated() -> None:
    reception = Reception(8_000)
    feed(reception, [number for number in range(200) if number % 50 != 20], lambda number: 4.0 * (number % 2))
    network = Network(codec="pcmu", packets_late=4, player_delay_ms=40)
    network.add(reception)
    network.take_round_trips([30, 10, 20, 90])
    network.rate()

    assert (network.packets_expected, network.packets_received, network.packets_lost) == (200, 196, 4)
    assert (network.round_trip_ms, network.round_trip_max_ms) == (25, 90)
    assert network.jitter_ms is not None and 3 < network.jitter_ms < 4
    assert network.jitter_max_ms is not None and network.jitter_max_ms >= network.jitter_ms
    assert network.one_way_delay_ms == 12.5 + 20 + 40
    assert network.mos_loss_percent == 4.0
    assert (network.mos_ie, network.mos_bpl, network.burst_ratio) == (0, 25.1, 1.0)
    assert network.mos_r == pytest.approx(93.2 - 95 * 4 / 29.1)


def test_the_connections_of_a_session_are_taken_together() -> None:
    smooth, rough = Reception(8_000), Reception(8_000)
    feed(smooth, range(300))
    feed(
        rough,
        [number for number in range(100) if number % 20 not in (10, 11)],
        lambda number: 8.0 * (number % 2),
    )
    network = Network(codec="pcmu")
    network.add(smooth)
    network.add(rough)

    assert (network.packets_expected, network.packets_received, network.packets_lost) == (400, 390, 10)
    alone_ms = (rough.jitter_mean_ns or 0) / MS
    assert network.jitter_ms == pytest.approx(alone_ms * 90 / 390)
    assert network.jitter_max_ms == pytest.approx(rough.jitter_max_ns / MS)
    assert network.burst_ratio == pytest.approx(2 * 0.9)


def test_a_session_that_reconnects_keeps_the_books_of_all_its_connections() -> None:
    network = Network(codec="pcmu")
    network.take_round_trips([10, 20])
    network.take_remote(packets_sent=300, packets_lost=6, jitter_ms=4.0)
    network.take_traffic(bytes_sent=48_000, bytes_received=24_000, connected_s=6.0)
    network.take_round_trips([90])
    network.take_remote(packets_sent=100, packets_lost=-2, jitter_ms=8.0)
    network.take_traffic(bytes_sent=16_000, bytes_received=0, connected_s=2.0)
    network.take_round_trips([])

    assert (network.round_trip_ms, network.round_trip_max_ms) == (20, 90)
    assert network.remote_packet_loss == 6 / 400
    assert network.remote_jitter_ms == 5.0
    assert (network.kbit_per_s_sent, network.kbit_per_s_received) == (64.0, 24.0)


def test_what_is_summed_on_the_way_is_no_part_of_the_record() -> None:
    network = Network()
    network.take_round_trips([10])

    assert asdict(network).keys() == {field.name for field in fields(Network)}
    assert replace(network, codec="pcmu").round_trip_ms == 10


def test_opus_is_heard_its_look_ahead_later() -> None:
    network = Network(
        codec="opus", packets_expected=10, packets_received=10, burst_ratio=1.0, round_trip_ms=0
    )
    network.rate()

    assert network.one_way_delay_ms == 26.5
    assert LOOK_AHEAD_MS.keys() == CODECS.keys()


def test_a_line_whose_delay_is_not_known_is_not_rated() -> None:
    network = Network(codec="opus", packets_expected=10, packets_received=10, burst_ratio=1.0)
    network.rate()

    assert network.mos is None


# The alert.


def watched(numbers, delay_ms=lambda number: 0.0, **alert) -> NetworkWatch:
    reception = Reception(8_000)
    watch = NetworkWatch(NetworkAlert(**alert), reception, 0)
    for number in numbers:
        feed(reception, [number], delay_ms)
        watch.look(round((20 * number + delay_ms(number)) * MS))
    return watch


def test_a_good_network_raises_no_alert() -> None:
    watch = watched(range(2_000), lambda number: 5.0 * (number % 2))

    assert (watch.degraded, watch.first_degraded_ns) == (0, None)


def test_loss_above_2_percent_degrades_the_stretches_in_which_it_is() -> None:
    lossy = [number for number in range(1_000) if number < 250 or number >= 500 or number % 20]
    watch = watched(lossy)

    assert watch.degraded == 1
    assert watch.first_degraded_ns == 10 * S


def test_jitter_above_30_ms_degrades() -> None:
    assert watched(range(600), lambda number: 32.0 * (number % 2)).degraded == 2
    assert watched(range(600), lambda number: 28.0 * (number % 2)).degraded == 0
    assert watched(range(600), lambda number: 28.0 * (number % 2), jitter_ms=20).degraded == 2


def test_a_stretch_of_few_packets_goes_on_until_there_are_enough() -> None:
    """40 in each 5 s, every second of them lost: 160 in all are three times 50, and a rest."""
    talkspurts = [number for spurt in range(4) for number in range(spurt * 250, spurt * 250 + 40, 2)]
    watch = talk(talkspurts)

    assert (watch.degraded, watch.first_degraded_ns) == (3, round((250 + 10) * 20 * MS))


def talk(numbers) -> NetworkWatch:
    """Talkspurts of up to 40 packets or more, one each 5 s; numbers count what is sent, and not the pauses."""
    reception = Reception(8_000)
    watch = NetworkWatch(NetworkAlert(), reception, 0)
    for number in numbers:
        spurt, within = divmod(number, 250)
        sent = RtpPacket(spurt * 40 + within, number * 160, within == 0, 0, 1, bytes(160))
        at_ns = 20 * number * MS
        reception.receive(sent, at_ns)
        watch.look(at_ns)
    return watch


def test_the_last_stretch_is_judged_when_the_connection_is_over() -> None:
    watch = talk(range(0, 120, 2))
    assert watch.degraded == 0
    watch.finish(3 * S)
    assert (watch.degraded, watch.first_degraded_ns) == (1, 3 * S)
    watch.finish(3 * S)
    assert watch.degraded == 1


def test_less_than_a_second_of_audio_says_nothing() -> None:
    watch = talk(range(0, 40, 2))
    watch.finish(1 * S)
    assert watch.degraded == 0


# The simulation's own error.


def test_how_late_the_simulation_was_is_taken_together_over_connections() -> None:
    network = Network()
    network.take_simulation(0, 0, 0)
    assert (network.simulation_late_ms, network.simulation_late_max_ms) == (None, None)
    network.take_simulation(messages=300, late_ns=300 * MS, worst_ns=7 * MS)
    network.take_simulation(messages=100, late_ns=500 * MS, worst_ns=5 * MS)

    assert (network.simulation_late_ms, network.simulation_late_max_ms) == (2.0, 7.0)
