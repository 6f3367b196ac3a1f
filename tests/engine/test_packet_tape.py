import numpy as np
import pytest

from rtbench.core import pcm
from rtbench.core.audio import PCM16, PCMU
from rtbench.core.codec import G711_MU, OPUS
from rtbench.core.rtp import Media
from rtbench.corpus.packets import encode_packets
from rtbench.engine.packet_tape import PacketTape
from rtbench.transports.webrtc.codec import decoder

SAMPLES = np.round(8_000 * np.sin(2 * np.pi * np.arange(24 * 200) / 48)).astype(np.int16)


class Counting:
    """Opus decoders that are counted, and their work."""

    def __init__(self) -> None:
        self.made = self.decoded = 0
        self.rate_hz = OPUS.rate_hz

    def __call__(self) -> "Counting":
        self.made += 1
        self._decoder = decoder(OPUS)
        return self

    def decode(self, payload: bytes) -> pcm.Samples:
        self.decoded += 1
        return self._decoder.decode(payload)

    def gap(self) -> None: ...


@pytest.fixture
def decoders() -> Counting:
    return Counting()


def test_g711_is_audio_as_it_is(decoders) -> None:
    audio = PacketTape(Media(G711_MU, decoders)).record(b"\xff\x80")

    assert (audio.data, audio.size_bytes, decoders.made) == (b"\xff\x80", 2, 0)
    assert pcm.decode(audio.data, PCMU).tolist() == [0, 32124]


def test_opus_has_a_length_without_being_decoded(decoders) -> None:
    tape = PacketTape(Media(OPUS, decoders))
    sounds = [tape.record(payload) for payload in encode_packets(SAMPLES, 24_000, OPUS)]

    assert {PCM16.duration_ns(audio.size_bytes) for audio in sounds} == {20_000_000}
    assert decoders.made == 0


def test_opus_is_decoded_in_order_and_once_wherever_one_begins_to_ask(decoders) -> None:
    payloads = encode_packets(SAMPLES, 24_000, OPUS)
    tape = PacketTape(Media(OPUS, decoders))
    sounds = [tape.record(payload) for payload in payloads]
    last, whole = sounds[-1].data, b"".join(audio.data for audio in sounds)

    straight = decoder(OPUS)
    assert whole == b"".join(pcm.encode(straight.decode(payload), PCM16) for payload in payloads)
    assert whole.endswith(last)
    assert (decoders.made, decoders.decoded) == (1, len(payloads))


def test_what_is_no_packet_is_silent(decoders) -> None:
    tape = PacketTape(Media(OPUS, decoders))

    assert tape.record(b"\xff\xff\xff").data == b""
