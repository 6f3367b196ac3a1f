from __future__ import annotations

import pytest

from rtbench.core import pcm
from rtbench.core.audibility import AudibilityDetector
from rtbench.core.audio import PCM16, PCMU
from rtbench.core.codec import G711_MU
from rtbench.emulator.packet_voice import PacketVoice
from rtbench.emulator.voice import Voice

MS = 1_000_000


def test_chunks_are_whole_packets_of_the_reply(make_packet_voice, reply):
    chunks = make_packet_voice([reply], 100).chunks(reply, PCM16)
    assert [len(chunk.audio) for chunk in chunks] == [5] * 8
    assert {chunk.duration_ns for chunk in chunks} == {100 * MS}
    data = b"".join(packet for chunk in chunks for packet in chunk.audio)
    assert data == pcm.encode(reply.samples[8_000], PCMU)


def test_words_come_with_the_same_chunks_as_over_a_websocket(make_packet_voice, make_recording):
    late = make_recording("late", "ab cd", 150, 400)
    packets, deltas = make_packet_voice([late], 100), Voice([late], 100)
    assert [c.text for c in packets.chunks(late, PCM16)] == [c.text for c in deltas.chunks(late, PCM16)]


@pytest.mark.parametrize(("chunk_ms", "packets"), [(10, 1), (50, 2), (250, 12)])
def test_the_length_of_chunks_is_rounded_to_packets(make_packet_voice, reply, chunk_ms, packets):
    assert len(make_packet_voice([reply], chunk_ms).chunks(reply, PCM16)[0].audio) == packets


def test_a_reply_that_ends_within_a_packet_is_filled_up(make_packet_voice, make_recording):
    odd = make_recording("odd", "one", 0, 110)
    [*_, last] = make_packet_voice([odd], 100).chunks(odd, PCM16)
    assert last.duration_ns == 20 * MS
    assert last.audio[0].endswith(pcm.silence(PCMU, 80))


def test_leading_silence_is_whole_packets_and_moves_the_audible_offset(make_packet_voice, reply):
    voice = make_packet_voice([reply], 100)
    assert [voice.whole_ms(ms) for ms in (0, 9, 11, 137)] == [0, 0, 20, 140]
    silence = voice.silence(PCM16, 140)
    assert [chunk.duration_ns // MS for chunk in silence] == [100, 40]
    assert {packet for chunk in silence for packet in chunk.audio} == {pcm.silence(PCMU, 160)}

    detector = AudibilityDetector(8_000)
    detector.feed(pcm.decode(pcm.encode(reply.samples[8_000], PCMU), PCMU))
    heard_ms = detector.first_audible_sample / 8
    assert 30 < heard_ms < 50
    assert voice.audible_offset_ms(reply, PCM16, 0) == heard_ms
    for lead_ms in (20, 40, 140):
        assert voice.audible_offset_ms(reply, PCM16, lead_ms) == heard_ms + lead_ms


def test_packets_are_encoded_once(make_packet_voice, reply):
    voice = make_packet_voice([reply], 100)
    voice.prepare()
    assert voice.chunks(reply, PCM16) is voice.chunks(reply, PCMU)
    assert voice.silent_packets(3) is voice.silent_packets(3)


def test_a_voice_that_was_prepared_neither_encodes_nor_decodes_in_mid_call(reply):
    work = []

    class Decoder:
        rate_hz = 8_000

        def decode(self, payload):
            work.append("decode")
            return pcm.decode(payload, PCMU)

    def encode(samples, rate_hz, codec):
        work.append("encode")
        data = pcm.encode(samples, PCMU)
        return tuple(data[at : at + 160] for at in range(0, len(data), 160))

    voice = PacketVoice((reply,), 100, G711_MU, encode, Decoder)
    voice.prepare()
    prepared = len(work)
    for lead_ms in range(0, 400, 20):
        voice.silence(PCM16, lead_ms)
        voice.audible_offset_ms(reply, PCM16, lead_ms)
    assert len(work) == prepared
    # The reply is heard from 40 ms on and known to be audible within 120; it lasts 800, three leads are tried.
    assert work.count("decode") <= 3 * 8
