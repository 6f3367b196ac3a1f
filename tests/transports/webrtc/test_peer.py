"""The contract of a peer, between two of ours on loopback."""

import asyncio

import pytest

from rtbench.clock import monotonic_ns
from rtbench.core.codec import OPUS
from rtbench.transports.connection import ConnectError
from rtbench.transports.webrtc import ConsentPace, answer, connect
from rtbench.transports.webrtc.certificate import process_certificate
from rtbench.transports.webrtc.description import LocalDescription, write


def test_messages_arrive_in_order_both_ways_with_stamps_that_rise(run, call) -> None:
    messages = [b"%d" % number * number for number in range(100)]

    async def steps() -> None:
        async with call() as it:
            before = monotonic_ns()
            for message in messages:
                it.near.send(message)
                it.far.peer.send(message)
            await it.far_heard.until(lambda heard: len(heard.messages) == 100)
            await it.near_heard.until(lambda heard: len(heard.messages) == 100)
            for heard in (it.near_heard, it.far_heard):
                assert heard.messages == messages
                stamps = heard.message_stamps
                assert before <= stamps[0] and stamps == sorted(stamps) and stamps[-1] <= monotonic_ns()
            assert it.near.pending_bytes == 0

    run(steps())


def test_packets_arrive_both_ways_numbered_and_stamped(run, call) -> None:
    async def steps() -> None:
        async with call() as it:
            before = monotonic_ns()
            for number in range(5):
                it.near.send_packet(b"near%d" % number, timestamp=number * 960, marker=number == 0)
                it.far.peer.send_packet(b"far%d" % number, timestamp=number * 960)
            await it.far_heard.until(lambda heard: len(heard.packets) == 5)
            await it.near_heard.until(lambda heard: len(heard.packets) == 5)

            packets = it.far_heard.packets
            assert [packet.payload for packet in packets] == [b"near%d" % number for number in range(5)]
            assert [packet.timestamp for packet in packets] == [0, 960, 1920, 2880, 3840]
            assert [packet.marker for packet in packets] == [True, False, False, False, False]
            first = packets[0].sequence
            assert [packet.sequence for packet in packets] == [(first + n) % 65_536 for n in range(5)]
            assert before <= it.far_heard.packet_stamps[0] <= it.far_heard.packet_stamps[-1] <= monotonic_ns()
            assert it.near.statistics().packets_sent == it.far.peer.statistics().packets_received == 5

    run(steps())


def test_both_ends_report_to_each_other_and_measure_the_way(run, call, monkeypatch) -> None:
    monkeypatch.setattr("rtbench.transports.webrtc.peer.REPORT_INTERVAL_S", 0.05)

    def complete(peer) -> bool:
        statistics = peer.statistics()
        return {trip.source for trip in statistics.round_trips} == {
            "rtcp",
            "ice",
        } and statistics.remote_reports

    async def steps() -> None:
        async with call() as it:
            async with asyncio.timeout(10):
                number = 0
                while not (complete(it.near) and complete(it.far.peer)):
                    for peer in (it.near, it.far.peer):
                        peer.send_packet(b"x", timestamp=number * 960)
                    number += 1
                    await asyncio.sleep(0.02)
            report = it.near.statistics().remote_reports[-1]
            assert (report.fraction_lost, report.packets_lost) == (0.0, 0)
            trip = it.near.statistics().round_trips[-1]
            assert 0 <= trip.ms < 1_000 and trip.at_ns <= monotonic_ns()

    run(steps())


def test_a_close_is_told_once_with_its_code_and_after_what_was_sent(run, call) -> None:
    async def steps() -> None:
        async with call() as it:
            it.near.send(b"last words")
            it.near.close(4000, "done")
            it.near.close(1011, "again")
            it.near.send(b"too late")
            it.near.send_packet(b"too late", timestamp=0)
            await it.far_heard.until(lambda heard: heard.closes)
            await asyncio.gather(it.near.lost, it.far.peer.lost)
            assert it.near_heard.closes == [(4000, "done")]
            assert [code for code, _ in it.far_heard.closes] == [1000]
            assert it.far_heard.messages == [b"last words"]
            assert it.far_heard.packets == []
            assert (it.near_heard.states[-1], it.far_heard.states[-1]) == ("closed", "closed")
            for peer in (it.near, it.far.peer):
                peer.send(b"too late")
                peer.close()
                peer.abort()
                assert peer.state == "closed"

    run(steps())


def test_an_abort_is_1006_here_at_once_and_there_when_consent_expires(run, call, quick) -> None:
    async def steps() -> None:
        async with call({"consent": quick}) as it:
            it.near.abort()
            await it.near_heard.until(lambda heard: heard.closes)
            assert it.near_heard.closes == [(1006, "aborted")]
            assert it.far_heard.closes == []
            await it.far_heard.until(lambda heard: heard.closes)
            ((code, reason),) = it.far_heard.closes
            assert code == 1006 and "vanished" in reason
            assert it.far.peer.state == "failed"

    run(steps())


def test_a_connection_is_interrupted_when_nothing_comes_and_mends(run, call, monkeypatch) -> None:
    monkeypatch.setattr("rtbench.transports.webrtc.peer.REPORT_INTERVAL_S", 0.02)
    blocked: list = []

    class Path:
        def __init__(self, to_socket, to_peer) -> None:
            self.send, self._to_peer = to_socket, to_peer

        def deliver(self, datagram) -> None:
            if not blocked:
                self._to_peer(datagram)

    pace = ConsentPace(interval_s=0.05, expiry_s=20.0, silence_s=0.2)

    async def steps() -> None:
        async with call({"consent": pace, "path": Path}, consent=pace) as it:
            blocked.append(True)
            await it.far_heard.until(lambda heard: heard.states)
            # The socket still hears; it is the peer that does not.
            blocked.clear()
            await it.far_heard.until(lambda heard: len(heard.states) == 2)
            assert it.far_heard.states == ["disconnected", "connected"]
            assert [change.state for change in it.far.peer.states] == [
                *("new", "connecting", "connected", "disconnected", "connected")
            ]

    run(steps())


def test_states_before_the_receiver_are_kept_with_their_instants(run, call) -> None:
    async def steps() -> None:
        async with call() as it:
            states = it.near.states
            assert [change.state for change in states] == ["new", "connecting", "connected"]
            assert [change.at_ns for change in states] == sorted(change.at_ns for change in states)
            assert it.near_heard.states == []

    run(steps())


def test_a_message_too_long_for_the_peer_ends_the_connection(run, call) -> None:
    async def steps() -> None:
        async with call() as it:
            it.near.send(b"x" * 300_000)
            await it.near_heard.until(lambda heard: heard.closes)
            assert it.near_heard.closes == [(1009, "a message of 300000 bytes; the peer takes 262144")]

    run(steps())


def test_a_goodbye_comes_behind_all_that_was_said_before(run, call) -> None:
    async def steps() -> None:
        async with call() as it:
            it.near.send(b"x" * 200_000)
            it.near.send(b"and why")
            it.near.close(1000, "enough")
            await it.far_heard.until(lambda heard: heard.closes)
            assert [len(message) for message in it.far_heard.messages] == [200_000, 7]

    run(steps())


def test_a_sender_that_heeds_no_limit_is_left(run, call) -> None:
    async def steps() -> None:
        async with call() as it:
            it.near.send_regardless(b"x" * 300_000)
            await it.far_heard.until(lambda heard: heard.closes)
            ((code, reason),) = it.far_heard.closes
            assert code == 1009 and reason.startswith("closed from here with 1009: a message of 300000 bytes")
            await it.near_heard.until(lambda heard: heard.closes)
            assert it.near_heard.closes[0][0] == 1000

    run(steps())


def test_bytes_are_counted_at_both_ends(run, call) -> None:
    async def steps() -> None:
        async with call() as it:
            sent, received = it.near.bytes_sent, it.far.peer.bytes_received
            for number in range(10):
                it.near.send_packet(bytes(100), timestamp=number)
            await it.far_heard.until(lambda heard: len(heard.packets) == 10)
            assert it.near.bytes_sent - sent >= 10 * (12 + 100 + 16)  # header, payload, tag
            assert it.far.peer.bytes_received - received >= 10 * (12 + 100 + 16)

    run(steps())


def test_fifty_calls_made_and_abandoned_leave_nothing_behind(run, service, recorder) -> None:
    async def steps() -> None:
        async with service(consent=ConsentPace(interval_s=0.2, expiry_s=2.0)) as it:
            peers = [(await connect(it.url, recorder, credentials="direct"))[0] for _ in range(50)]
            for number, peer in enumerate(peers):
                (peer.abort if number % 2 else peer.close)()
            await asyncio.gather(*(peer.lost for peer in (*peers, *it.peers)))
            codes = [receiver.closes[0][0] for receiver in it.receivers]
            assert sorted(codes) == [1000] * 25 + [1006] * 25

    run(steps())  # the fixture counts tasks and sockets


def test_a_peer_that_nobody_connects_to_ends_by_itself(run, recorder) -> None:
    offer = write(
        LocalDescription("user", "p" * 22, [], process_certificate().fingerprint, "auto", {111: OPUS}, 1, "x")
    )
    made: list = []

    async def steps() -> None:
        peer, _ = await answer(offer, lambda peer: made.append(peer) or recorder(), timeout_s=0.1)
        with pytest.raises(ConnectError) as caught:
            await peer.established
        assert (caught.value.phase, caught.value.error_class) == ("ice", "connect_timeout")
        await peer.lost
        assert peer.state == "failed"
        assert peer.statistics().packets_sent == 0

    run(steps())
    assert not made


def test_packets_that_come_before_the_channel_is_open_are_handed_over_after(run, call, eventually) -> None:
    async def steps() -> None:
        async with call() as it:
            peer = it.near
            receiver, peer._receiver = peer._receiver, None  # as it is before the channel opens
            it.far.peer.send_packet(b"early", timestamp=0)
            await eventually(lambda: peer._early_packets)
            stamp = peer._early_packets[0][1]
            peer._receiver_factory = lambda _: receiver
            peer._attach()
            assert [packet.payload for packet in receiver.packets] == [b"early"]
            assert receiver.packet_stamps == [stamp]

    run(steps())
