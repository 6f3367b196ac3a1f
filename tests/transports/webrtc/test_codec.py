"""Decoders, fed with packets of stock encoders."""

import av
import numpy as np
import pytest

from rtbench.core import pcm
from rtbench.core.codec import CODECS, G711_A, G711_MU, OPUS
from rtbench.corpus.packets import encode_packets
from rtbench.transports.webrtc.codec import Halver, decoder


def tone(seconds: float, rate_hz: int, frequency_hz: float = 400.0, amplitude: float = 8_000.0) -> np.ndarray:
    times = np.arange(round(seconds * rate_hz)) / rate_hz
    return np.rint(amplitude * np.sin(2 * np.pi * frequency_hz * times)).astype(np.int16)


def stock_packets(name: str, samples: np.ndarray, rate_hz: int, layout: str) -> list[bytes]:
    """By a plain encoder of PyAV, 20 ms each."""
    encoder = av.AudioCodecContext.create(name, "w")
    encoder.format, encoder.layout, encoder.sample_rate = "s16", layout, rate_hz
    channels = 2 if layout == "stereo" else 1
    interleaved = np.repeat(samples, channels)[None]
    size = rate_hz // 50 * channels
    packets = []
    for start in range(0, interleaved.shape[1], size):
        frame = av.AudioFrame.from_ndarray(interleaved[:, start : start + size], format="s16", layout=layout)
        frame.sample_rate = rate_hz
        packets += [bytes(packet) for packet in encoder.encode(frame)]
    return packets


def heard(codec, packets) -> np.ndarray:
    decode = decoder(codec).decode
    return np.concatenate([decode(packet) for packet in packets])


@pytest.mark.parametrize("layout", ["mono", "stereo"])
def test_opus_of_a_browser_comes_out_as_one_channel_at_24_khz(layout) -> None:
    packets = stock_packets("libopus", tone(1.0, 48_000), 48_000, layout)

    sound = heard(OPUS, packets)

    assert decoder(OPUS).rate_hz == 24_000
    assert len(sound) == len(packets) * 480
    assert pcm.level_dbfs(sound[4_800:19_200]) == pytest.approx(pcm.level_dbfs(tone(1.0, 24_000)), abs=0.3)


@pytest.mark.parametrize(("codec", "name"), [(G711_MU, "pcm_mulaw"), (G711_A, "pcm_alaw")])
def test_g711_of_a_stock_encoder(codec, name) -> None:
    packets = stock_packets(name, tone(0.2, 8_000), 8_000, "mono")

    sound = heard(codec, packets)

    assert decoder(codec).rate_hz == 8_000
    assert np.max(np.abs(sound.astype(int) - tone(0.2, 8_000))) <= 256  # half a step of its coarsest segment


@pytest.mark.parametrize("codec", CODECS.values(), ids=lambda codec: codec.name)
def test_there_and_back_a_sound_keeps_instant_and_level(codec) -> None:
    sound = np.concatenate((np.zeros(12_000, np.int16), tone(0.5, 24_000)))

    back = heard(codec, encode_packets(sound, 24_000, codec)).astype(np.float64)

    onset_ms = np.argmax(np.abs(back) > 3_000) * 1000 / codec.rate_hz
    assert onset_ms == pytest.approx(np.argmax(np.abs(sound) > 3_000) / 24, abs=1.0)
    level = pcm.level_dbfs(back[codec.rate_hz * 6 // 10 : codec.rate_hz * 9 // 10].astype(np.int16))
    assert level == pytest.approx(pcm.level_dbfs(tone(1.0, 24_000)), abs=0.3)


def test_after_a_gap_opus_begins_anew() -> None:
    packets = encode_packets(tone(0.4, 24_000), 24_000, OPUS)
    fresh, gapped = decoder(OPUS), decoder(OPUS)
    for packet in packets[:5]:
        gapped.decode(packet)
    gapped.gap()

    for packet in packets[10:]:
        np.testing.assert_array_equal(gapped.decode(packet), fresh.decode(packet))


def test_what_is_no_opus_packet_is_a_value_error_and_the_next_one_is_decoded() -> None:
    opus = decoder(OPUS)
    good = encode_packets(tone(0.1, 24_000), 24_000, OPUS)

    with pytest.raises(ValueError, match="not an Opus packet"):
        opus.decode(b"\xff\xff\xff")
    assert len(opus.decode(good[0])) == 480


def test_a_gap_means_nothing_to_g711() -> None:
    law = decoder(G711_A)
    law.gap()

    assert len(law.decode(bytes(160))) == 160


@pytest.mark.parametrize(
    ("frequency_hz", "low_db", "high_db"),
    [(400, -0.1, 0.1), (8_000, -0.2, 0.2), (15_000, -200, -35), (20_000, -200, -50)],
)
def test_halving_keeps_what_fits_and_removes_what_would_fold_back(frequency_hz, low_db, high_db) -> None:
    sound = tone(0.5, 48_000, frequency_hz)
    halver = Halver()

    halved = np.concatenate([halver.feed(sound[start : start + 960]) for start in range(0, len(sound), 960)])

    assert len(halved) == len(sound) // 2
    gain_db = pcm.level_dbfs(halved[100:]) - pcm.level_dbfs(sound)
    assert low_db <= gain_db <= high_db


def test_halving_in_pieces_is_halving_at_once() -> None:
    sound = np.random.default_rng(1).integers(-20_000, 20_000, 4_800).astype(np.int16)
    pieces = Halver()

    parts = np.concatenate([pieces.feed(sound[start : start + 480]) for start in range(0, 4_800, 480)])

    np.testing.assert_array_equal(parts, Halver().feed(sound))
