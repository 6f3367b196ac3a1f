"""Opus packets, decoded by libopus through PyAV, an independent way out of the codec."""

import av
import numpy as np
import pytest

from rtbench.corpus.opus import encode_opus

RATE_HZ = 24_000


def tone(count: int, frequency_hz: float = 400.0, amplitude: float = 8_000.0) -> np.ndarray:
    return np.rint(amplitude * np.sin(2 * np.pi * frequency_hz * np.arange(count) / RATE_HZ)).astype(np.int16)


def decoded(packets) -> np.ndarray:
    """At 48 kHz, as libopus gives it."""
    decoder = av.AudioCodecContext.create("libopus", "r")
    decoder.layout, decoder.format, decoder.sample_rate = "mono", "s16", 48_000
    frames = [frame for packet in packets for frame in decoder.decode(av.Packet(packet))]
    return np.concatenate([frame.to_ndarray().reshape(-1) for frame in frames])


@pytest.mark.parametrize(("samples", "packets"), [(0, 0), (1, 1), (480, 1), (481, 2), (24_000, 50)], ids=str)
def test_there_is_a_packet_for_every_20_ms_begun(samples, packets) -> None:
    assert len(encode_opus(tone(samples))) == packets


def test_each_packet_decodes_to_20_ms() -> None:
    assert len(decoded(encode_opus(tone(4_800)))) == 10 * 960


def test_a_sound_keeps_its_instant_and_its_level() -> None:
    sound = np.concatenate((np.zeros(12_000, np.int16), tone(12_000)))

    heard = decoded(encode_opus(sound)).astype(np.float64)[::2]

    onset = int(np.argmax(np.abs(heard) > 3_000))
    assert abs(onset - int(np.argmax(np.abs(sound) > 3_000))) <= 24  # 1 ms
    inner, wanted = heard[14_400:21_600], sound[14_400:21_600].astype(np.float64)
    lags = [float(np.dot(np.roll(inner, lag), wanted)) for lag in range(-12, 13)]
    assert abs(int(np.argmax(lags)) - 12) <= 6  # a quarter of a millisecond
    assert np.sqrt(np.mean(inner**2)) == pytest.approx(np.sqrt(np.mean(wanted**2)), rel=0.05)


def test_silence_is_coded_in_fewer_bytes_than_noise() -> None:
    noise = np.random.default_rng(1).normal(0, 6_000, 24_000).astype(np.int16)

    assert sum(map(len, encode_opus(np.zeros(24_000, np.int16)))) * 2 < sum(map(len, encode_opus(noise)))


def test_the_same_sound_gives_the_same_packets() -> None:
    assert encode_opus(tone(4_800)) == encode_opus(tone(4_800))
