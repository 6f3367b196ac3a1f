import math
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from rtbench.core import pcm
from rtbench.core.audio import PCM16, PCMA, PCMU

G711 = (PCMU, PCMA)
ALL_CODES = bytes(range(256))
ALL_SAMPLES = np.arange(-32768, 32768, dtype=np.int64).astype(np.int16)

signals = arrays(np.int16, st.integers(0, 400), elements=st.integers(-32768, 32767))


@pytest.fixture
def audioop():
    """The standard library's own G.711, gone in Python 3.13."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        return pytest.importorskip("audioop")


def test_pcm16_is_little_endian() -> None:
    assert pcm.decode(b"\x01\x00\xff\xff\x00\x80", PCM16).tolist() == [1, -1, -32768]
    assert pcm.encode(np.array([1, -1, -32768], np.int16), PCM16) == b"\x01\x00\xff\xff\x00\x80"


@pytest.mark.parametrize(("data", "samples"), [(b"", []), (b"\x01", []), (b"\x01\x00\x02", [1])])
def test_an_odd_trailing_byte_of_pcm16_is_ignored(data, samples) -> None:
    decoded = pcm.decode(data, PCM16)

    assert decoded.tolist() == samples
    assert decoded.dtype == np.int16


@settings(deadline=None)
@given(samples=signals)
def test_pcm16_comes_back_unchanged(samples) -> None:
    assert np.array_equal(pcm.decode(pcm.encode(samples, PCM16), PCM16), samples)


def test_a_slice_with_steps_can_be_encoded() -> None:
    samples = np.array([100, 1, 200, 1, 300, 1], np.int16)[::2]

    assert pcm.encode(samples, PCM16) == pcm.encode(samples.copy(), PCM16)
    assert pcm.encode(samples, PCMU) == pcm.encode(samples.copy(), PCMU)


def test_mu_law_decodes_as_the_standard_library_does(audioop) -> None:
    assert pcm.encode(pcm.decode(ALL_CODES, PCMU), PCM16) == audioop.ulaw2lin(ALL_CODES, 2)


def test_a_law_decodes_as_the_standard_library_does(audioop) -> None:
    assert pcm.encode(pcm.decode(ALL_CODES, PCMA), PCM16) == audioop.alaw2lin(ALL_CODES, 2)


def test_a_law_encodes_every_sample_as_the_standard_library_does(audioop) -> None:
    assert pcm.encode(ALL_SAMPLES, PCMA) == audioop.lin2alaw(pcm.encode(ALL_SAMPLES, PCM16), 2)


def test_mu_law_encodes_every_sample_from_zero_up_as_the_standard_library_does(audioop) -> None:
    positive = ALL_SAMPLES[32768:]

    assert pcm.encode(positive, PCMU) == audioop.lin2ulaw(pcm.encode(positive, PCM16), 2)


@pytest.mark.parametrize("fmt", G711)
def test_a_negative_sample_has_the_code_of_its_ones_complement_with_the_sign_bit_flipped(fmt) -> None:
    negative = ALL_SAMPLES[:32768]

    assert pcm.encode(negative, fmt) == bytes(code ^ 0x80 for code in pcm.encode(~negative, fmt))


@pytest.mark.parametrize("fmt", G711)
def test_every_g711_code_survives_decoding_and_encoding(fmt) -> None:
    negative_zero = {PCMU: 0x7F}.get(fmt)
    expected = bytes(0xFF if code == negative_zero else code for code in ALL_CODES)

    assert pcm.encode(pcm.decode(ALL_CODES, fmt), fmt) == expected


# ITU-T G.711 (11/88), tables 1 and 2: code as sent, and the value at the decoder's output times the
# 16-bit scale (8 for A-law's 4096, 4 for mu-law's 8159).
@pytest.mark.parametrize(
    ("fmt", "code", "value"),
    [
        (PCMU, 0x80, 8031 * 4),
        (PCMU, 0x8F, 4191 * 4),
        (PCMU, 0x9F, 2079 * 4),
        (PCMU, 0xAF, 1023 * 4),
        (PCMU, 0xEF, 33 * 4),
        (PCMU, 0xFE, 2 * 4),
        (PCMU, 0xFF, 0),
        (PCMU, 0x7F, 0),
        (PCMU, 0x00, -8031 * 4),
        (PCMA, 0xAA, 4032 * 8),
        (PCMA, 0xA5, 2112 * 8),
        (PCMA, 0xD5, 1 * 8),
        (PCMA, 0x55, -1 * 8),
        (PCMA, 0x2A, -4032 * 8),
    ],
)
def test_g711_has_the_values_of_the_recommendation(fmt, code, value) -> None:
    assert pcm.decode(bytes([code]), fmt).tolist() == [value]


@pytest.mark.parametrize("fmt", [PCM16, PCMU, PCMA])
def test_silence_decodes_to_the_smallest_magnitude_there_is(fmt) -> None:
    data = pcm.silence(fmt, 7)

    assert len(data) == fmt.size_bytes(7)
    assert pcm.decode(data, fmt).tolist() == [8 if fmt is PCMA else 0] * 7


def test_joined_signals_keep_their_order() -> None:
    parts = [np.array([1, 2], np.int16), pcm.EMPTY, np.array([3], np.int16)]

    assert pcm.join(parts).tolist() == [1, 2, 3]
    assert pcm.join([]).size == 0


def test_level_is_relative_to_a_full_scale_square_wave() -> None:
    square = np.tile(np.array([-32768, -32768, 32767, 32767], np.int16), 100)
    sine = np.round(32767 * np.sin(2 * np.pi * np.arange(24_000) / 24)).astype(np.int16)

    assert pcm.level_dbfs(square) == pytest.approx(0.0, abs=0.001)
    assert pcm.level_dbfs(sine) == pytest.approx(-3.01, abs=0.005)
    assert pcm.level_dbfs(np.full(100, 328, np.int16)) == pytest.approx(-40.0, abs=0.01)


@pytest.mark.parametrize("samples", [pcm.EMPTY, np.zeros(10, np.int16)])
def test_nothing_has_a_level_of_minus_infinity(samples) -> None:
    assert pcm.level_dbfs(samples) == -math.inf


def test_amplitude_is_the_inverse_of_the_level() -> None:
    assert pcm.amplitude(0.0) == 32768.0
    assert pcm.amplitude(-40.0) == pytest.approx(327.68)


@settings(deadline=None)
@given(samples=signals, window=st.integers(1, 60), hop=st.integers(1, 60))
def test_window_levels_are_the_standard_deviations_of_the_windows(samples, window, hop) -> None:
    expected = [samples[at : at + window].std() for at in range(0, samples.size - window + 1, hop)]

    assert pcm.window_levels(samples, window, hop) == pytest.approx(expected, abs=1e-6)


def test_window_levels_are_exact_after_minutes_of_full_scale_offset() -> None:
    samples = np.full(5_000_000, -32768, np.int16)
    samples[-240::2] += 2

    levels = pcm.window_levels(samples, 240, 24)

    assert np.flatnonzero(levels)[0] == (samples.size - 480) // 24 + 1
    assert pcm.window_levels(samples[-240:], 240, 240).tolist() == [1.0]


@pytest.mark.parametrize(("window", "hop"), [(0, 1), (1, 0), (70_000, 1)])
def test_a_window_without_a_level_is_refused(window, hop) -> None:
    with pytest.raises(ValueError, match="window of"):
        pcm.window_levels(pcm.EMPTY, window, hop)


@settings(deadline=None)
@given(samples=signals, cuts=st.lists(st.integers(0, 400)), hop=st.integers(1, 30))
def test_the_meter_gives_the_same_levels_however_the_stream_is_cut(samples, cuts, hop) -> None:
    meter = pcm.LevelMeter(window=30, hop=hop)

    levels = [level for piece in np.split(samples, sorted(cuts)) for level in meter.feed(piece).tolist()]

    assert levels == pcm.window_levels(samples, 30, hop).tolist()


def test_the_meter_does_not_depend_on_the_callers_buffer() -> None:
    meter = pcm.LevelMeter(window=4, hop=4)
    buffer = np.array([0, 0], np.int16)
    meter.feed(buffer)
    buffer[:] = 30_000

    assert meter.feed(np.zeros(2, np.int16)).tolist() == [0.0]


def test_a_meter_with_gaps_between_its_windows_is_refused() -> None:
    with pytest.raises(ValueError, match="gaps"):
        pcm.LevelMeter(window=10, hop=11)


def test_peaks_are_the_largest_magnitudes_with_a_shorter_last_stretch() -> None:
    samples = np.array([1, -5, 3, -32768, 32767, 0, -2], np.int16)

    assert pcm.peaks(samples, 3).tolist() == [5, 32768, 2]
    assert pcm.peaks(pcm.EMPTY, 3).tolist() == []
    with pytest.raises(ValueError, match="0 samples"):
        pcm.peaks(samples, 0)
