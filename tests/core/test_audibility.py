import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rtbench.core.audibility import AudibilityDetector, AudibleSpan, AudibleSpans, audible_spans

RATE_HZ = 24_000
SEED = 3


def ms(duration_ms: float) -> int:
    return int(duration_ms * RATE_HZ / 1000)


def tone(duration_ms: float, dbfs: float = -20.0) -> np.ndarray:
    """A 1 kHz sine of this RMS level."""
    phase = 2 * np.pi * np.arange(ms(duration_ms)) / 24
    return np.round(32768 * 10 ** (dbfs / 20) * np.sqrt(2) * np.sin(phase)).astype(np.int16)


def noise(duration_ms: float, dbfs: float) -> np.ndarray:
    white = np.random.default_rng(SEED).standard_normal(ms(duration_ms))
    return np.round(32768 * 10 ** (dbfs / 20) * white).astype(np.int16)


def quiet(duration_ms: float) -> np.ndarray:
    return np.zeros(ms(duration_ms), np.int16)


def loud_windows(signal: np.ndarray, rate_hz: int = RATE_HZ) -> list[bool]:
    """Window by window as the definition says: 10 ms, 1 ms apart, mean removed, above -40 dBFS."""
    window, hop = rate_hz // 100, rate_hz // 1000
    if signal.size < window:
        return []
    windows = np.lib.stride_tricks.sliding_window_view(signal.astype(float), window)[::hop]
    return (windows.std(axis=1) > 327.68).tolist()


def first_audible(signal: np.ndarray, rate_hz: int = RATE_HZ) -> int | None:
    """Brute force: the first window that is followed by 49 loud ones, itself loud."""
    loud = loud_windows(signal, rate_hz)
    hits = (k for k in range(len(loud) - 49) if all(loud[k : k + 50]))
    start = next(hits, None)
    return None if start is None else start * rate_hz // 1000


def spans_by_brute_force(signal: np.ndarray) -> list[tuple[int, int]]:
    """Loud windows in groups less than 50 ms apart; from where 50 of a group stand in a row."""
    groups: list[list[int]] = []
    for k, loud in enumerate(loud_windows(signal)):
        if loud and groups and k - (groups[-1][-1] + 10) < 50:
            groups[-1].append(k)
        elif loud:
            groups.append([k])
    spans = []
    for group in groups:
        start = next((k for k in group if set(range(k, k + 50)) <= set(group)), None)
        if start is not None:
            spans.append((ms(start), ms(group[-1] + 10)))
    return spans


def detect(signal: np.ndarray, piece: int | None = None) -> int | None:
    detector = AudibilityDetector(RATE_HZ)
    for at in range(0, signal.size, piece or signal.size):
        detector.feed(signal[at : at + (piece or signal.size)])
    return detector.first_audible_sample


@pytest.mark.parametrize("piece", [1_000, 2_400, None])
@pytest.mark.parametrize("lead_ms", [0, 1, 28, 100, 123.4, 400, 700])
def test_leading_silence_is_found_as_the_definition_says(lead_ms, piece) -> None:
    signal = np.concatenate([quiet(lead_ms), tone(300)])

    found = detect(signal, piece)

    assert found == first_audible(signal)
    assert found is not None
    assert ms(lead_ms) - ms(10) < found <= ms(lead_ms)


def test_a_faded_onset_is_found_as_the_definition_says() -> None:
    signal = np.round(tone(600, -10) * np.linspace(0, 1, ms(600)) ** 3).astype(np.int16)

    assert detect(signal) == first_audible(signal)


def test_a_constant_offset_is_not_sound() -> None:
    signal = np.concatenate([np.full(ms(200), 3_000, np.int16), tone(200) + np.int16(3_000)])

    assert detect(signal) == first_audible(signal)
    assert detect(np.full(ms(1000), -12_000, np.int16)) is None


def test_clicks_of_30_ms_are_not_audible() -> None:
    signal = np.concatenate([*[quiet(40), tone(30, -6)] * 5, quiet(60), tone(100)])

    assert detect(signal) == first_audible(signal)
    assert detect(signal) == pytest.approx(ms(5 * 70 + 60), abs=ms(10))


def test_noise_below_the_threshold_is_silence_and_above_it_sound() -> None:
    assert detect(noise(2_000, -45)) is None
    assert detect(noise(2_000, -36)) == 0


def test_sound_shorter_than_50_loud_windows_is_not_audible() -> None:
    for duration_ms in range(36, 56):
        signal = np.concatenate([quiet(20), tone(duration_ms), quiet(100)])
        assert detect(signal) == first_audible(signal)


def test_the_detector_knows_it_with_the_fiftieth_window_and_is_finished() -> None:
    detector = AudibilityDetector(RATE_HZ)

    detector.feed(tone(59)[:-1])
    assert (detector.finished, detector.first_audible_sample) == (False, None)
    detector.feed(tone(59)[-1:])
    assert (detector.finished, detector.first_audible_sample) == (True, 0)
    detector.feed(quiet(500))
    detector.feed(tone(500))
    assert detector.first_audible_sample == 0


def test_a_sound_that_ends_within_one_feed_is_found_too() -> None:
    detector = AudibilityDetector(RATE_HZ)
    detector.feed(np.concatenate([quiet(100), tone(100), quiet(200)]))

    assert detector.first_audible_sample == pytest.approx(ms(100), abs=ms(10))


def test_g711_rate_gives_the_same_instant() -> None:
    signal = np.concatenate([quiet(100), tone(300)])[::3]
    detector = AudibilityDetector(8_000)
    detector.feed(signal)

    assert detector.first_audible_sample == first_audible(signal, 8_000)


def test_spans_are_parted_by_50_ms_of_silence_and_not_by_less() -> None:
    near = np.concatenate([tone(100), quiet(40), tone(100), quiet(200)])
    far = np.concatenate([tone(100), quiet(80), tone(100), quiet(200)])

    assert audible_spans(near, RATE_HZ) == spans_by_brute_force(near)
    assert len(audible_spans(near, RATE_HZ)) == 1
    assert audible_spans(far, RATE_HZ) == spans_by_brute_force(far)
    assert len(audible_spans(far, RATE_HZ)) == 2


def test_a_signal_that_ends_in_sound_has_its_last_span_closed_by_the_end() -> None:
    assert audible_spans(tone(100), RATE_HZ) == [AudibleSpan(0, ms(100))]
    assert audible_spans(quiet(100), RATE_HZ) == []
    assert audible_spans(quiet(0), RATE_HZ) == []


def test_a_span_is_open_from_when_it_is_audible_until_silence_has_lasted() -> None:
    spans = AudibleSpans(RATE_HZ)
    states = []
    for part in (tone(50), tone(50), quiet(50), quiet(50)):
        closed = spans.feed(part)
        states.append((closed, spans.open_start))

    assert states[:3] == [([], None), ([], 0), ([], 0)]
    (span,), open_start = states[3]
    assert open_start is None
    assert span.end == pytest.approx(ms(100), abs=ms(10))
    assert spans.finish() == []


def test_after_finish_the_stream_goes_on_at_its_position() -> None:
    spans = AudibleSpans(RATE_HZ)
    spans.feed(tone(100))
    assert spans.finish() == [AudibleSpan(0, ms(100))]

    spans.feed(tone(200))

    assert spans.finish() == [AudibleSpan(ms(91), ms(300))]


@settings(deadline=None)
@given(
    parts=st.lists(st.tuples(st.integers(1, 160), st.sampled_from([-90.0, -45.0, -30.0])), max_size=10),
    cuts=st.lists(st.integers(0, 40_000), max_size=20),
    offset=st.sampled_from([0, 900]),
)
def test_spans_of_any_signal_cut_anywhere_agree_with_brute_force(parts, cuts, offset) -> None:
    signal = np.concatenate([quiet(3), *(noise(duration, dbfs) for duration, dbfs in parts)])
    signal = signal + np.int16(offset)
    spans, detector = AudibleSpans(RATE_HZ), AudibilityDetector(RATE_HZ)

    found = []
    for piece in np.split(signal, sorted(cuts)):
        found += spans.feed(piece)
        detector.feed(piece)
    found += spans.finish()

    assert found == spans_by_brute_force(signal)
    assert detector.first_audible_sample == first_audible(signal)
