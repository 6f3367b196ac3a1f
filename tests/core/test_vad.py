from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rtbench.core.vad import EnergyVad, SpeechEnd, SpeechStart, threshold_dbfs

RATE_HZ = 24_000
WINDOW = 240
SEED = 7


def ms(duration_ms: float) -> int:
    return int(duration_ms * RATE_HZ / 1000)


def tone(duration_ms: float, dbfs: float = -20.0) -> np.ndarray:
    """A 1 kHz sine of this RMS level."""
    phase = 2 * np.pi * np.arange(ms(duration_ms)) / 24
    return np.round(32768 * 10 ** (dbfs / 20) * np.sqrt(2) * np.sin(phase)).astype(np.int16)


def quiet(duration_ms: float) -> np.ndarray:
    return np.zeros(ms(duration_ms), np.int16)


def edges(*parts: np.ndarray, **settings: float) -> list:
    return EnergyVad(RATE_HZ, **settings).feed(np.concatenate(parts))


def test_an_utterance_has_the_edges_of_its_sound() -> None:
    heard = edges(quiet(300), tone(400), quiet(600), silence_ms=500)

    assert heard == [
        SpeechStart(ms(300), decided_sample=ms(380)),
        SpeechEnd(ms(700), decided_sample=ms(1200)),
    ]


@pytest.mark.parametrize("silence_ms", [200, 500, 805])
def test_speech_ends_when_the_silence_has_lasted_since_the_last_loud_window(silence_ms) -> None:
    end = edges(tone(400), quiet(2000), silence_ms=silence_ms)[-1]

    assert end.sample == ms(400)
    assert end.decided_sample == -(-ms(400 + silence_ms) // WINDOW) * WINDOW


def test_a_pause_shorter_than_the_silence_does_not_end_speech() -> None:
    assert edges(tone(400), quiet(480), tone(400), quiet(490), silence_ms=500) == [SpeechStart(0, ms(80))]


def test_a_burst_of_any_length_prolongs_speech() -> None:
    heard = edges(tone(400), quiet(400), tone(10), quiet(600), silence_ms=500)

    assert heard[-1] == SpeechEnd(ms(810), ms(1310))


@pytest.mark.parametrize("offset", range(0, WINDOW, 24))
@pytest.mark.parametrize("click_ms", [10, 30, 55, 59])
def test_a_sound_shorter_than_the_least_speech_never_starts_it_wherever_it_lies(click_ms, offset) -> None:
    lead = np.zeros(offset, np.int16)

    assert edges(lead, tone(click_ms, -3), quiet(200), min_speech_ms=60) == []


@pytest.mark.parametrize("offset", range(0, WINDOW, 24))
def test_a_sound_20_ms_longer_than_the_least_speech_always_starts_it(offset) -> None:
    lead = np.zeros(offset, np.int16)

    (start,) = edges(lead, tone(80), quiet(200), min_speech_ms=60)

    assert offset - WINDOW < start.sample <= offset


def test_clicks_in_a_row_with_silence_between_them_are_not_speech() -> None:
    assert edges(*[tone(40, -10), quiet(30)] * 20) == []


def test_between_the_thresholds_speech_goes_on_but_does_not_begin() -> None:
    between = tone(1000, -43)

    assert edges(between, threshold=0.5) == []
    assert edges(tone(30, -20), between, threshold=0.5) == [SpeechStart(0, ms(80))]
    assert edges(tone(200, -20), between, quiet(600), threshold=0.5)[-1].sample == ms(1200)


def test_a_constant_offset_is_not_sound() -> None:
    assert edges(np.full(ms(1000), 12_000, np.int16)) == []


@pytest.mark.parametrize(("threshold", "dbfs"), [(0.0, -60.0), (0.5, -40.0), (0.9, -24.0), (1.0, -20.0)])
def test_the_threshold_is_linear_in_db(threshold, dbfs) -> None:
    assert threshold_dbfs(threshold) == pytest.approx(dbfs)
    assert edges(tone(300, dbfs + 1), threshold=threshold) == [SpeechStart(0, ms(80))]
    assert edges(tone(300, dbfs - 1), threshold=threshold) == []


@pytest.mark.parametrize("threshold", [-0.1, 1.1, float("nan")])
def test_a_threshold_outside_of_its_range_is_refused(threshold) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        EnergyVad(RATE_HZ, threshold=threshold)


def test_a_new_silence_counts_in_the_silence_that_is_under_way() -> None:
    vad = EnergyVad(RATE_HZ, silence_ms=2000)
    assert vad.feed(np.concatenate([tone(400), quiet(300)])) == [SpeechStart(0, ms(80))]

    vad.silence_ms = 200

    assert vad.feed(quiet(20)) == [SpeechEnd(ms(400), ms(710))]


def test_a_new_threshold_holds_from_the_next_window_on() -> None:
    vad = EnergyVad(RATE_HZ, threshold=1.0)
    assert vad.feed(tone(100, -30)) == []

    vad.threshold = 0.5

    assert vad.feed(tone(100, -30)) == [SpeechStart(ms(100), ms(180))]


def test_position_counts_all_samples_and_speaking_tells_the_state() -> None:
    vad = EnergyVad(RATE_HZ, silence_ms=200)
    seen = []
    for part in (quiet(55), tone(100), quiet(100), quiet(145)):
        vad.feed(part)
        seen.append((vad.position, vad.speaking))

    assert seen == [(ms(55), False), (ms(155), True), (ms(255), True), (ms(400), False)]


def test_reset_forgets_speech_but_not_the_position() -> None:
    vad = EnergyVad(RATE_HZ, silence_ms=200)
    vad.feed(tone(400))
    vad.reset()

    assert not vad.speaking
    assert vad.feed(np.concatenate([quiet(600), tone(100)])) == [SpeechStart(ms(1000), ms(1080))]


def test_reset_forgets_a_sound_that_has_just_begun() -> None:
    vad = EnergyVad(RATE_HZ)
    vad.feed(tone(70))
    vad.reset()

    assert vad.feed(tone(70)) == []


def test_g711_rate_has_the_same_edges_in_time() -> None:
    signal = np.concatenate([quiet(300), tone(400), quiet(600)])[::3]

    start, end = EnergyVad(8_000).feed(signal)

    assert (start.sample, end.sample) == (300 * 8, 700 * 8)


@settings(deadline=None)
@given(
    parts=st.lists(st.tuples(st.integers(1, 300), st.sampled_from([-90.0, -43.0, -20.0])), max_size=12),
    cuts=st.lists(st.integers(0, 90_000), max_size=40),
)
def test_cutting_the_stream_differently_gives_the_same_edges(parts, cuts) -> None:
    noise = np.random.default_rng(SEED)
    signal = np.concatenate([quiet(5), *(tone(duration, dbfs) for duration, dbfs in parts)])
    signal = signal + noise.integers(-3, 4, signal.size).astype(np.int16)
    vad = EnergyVad(RATE_HZ, silence_ms=120)

    pieces = [edge for piece in np.split(signal, sorted(cuts)) for edge in vad.feed(piece)]

    assert pieces == edges(signal, silence_ms=120)
    assert vad.position == signal.size
    for earlier, later in pairwise(pieces):
        assert type(earlier) is not type(later)
        assert earlier.sample < later.sample
    assert all(edge.sample <= edge.decided_sample for edge in pieces)


def test_a_judge_says_in_each_pause_how_much_silence_ends_speech() -> None:
    asked = []

    def judge(speech_start: int, heard_end: int) -> float:
        asked.append((speech_start, heard_end))
        return 400 if len(asked) == 1 else 150

    vad = EnergyVad(RATE_HZ, silence_ms=200)
    vad.judge_pauses(100, judge)
    heard = vad.feed(np.concatenate([tone(300), quiet(300), tone(200), quiet(500)]))

    assert asked == [(0, ms(400)), (0, ms(900))]
    assert heard == [SpeechStart(0, ms(80)), SpeechEnd(ms(800), ms(950))]


def test_without_a_judge_all_pauses_are_measured_alike() -> None:
    vad = EnergyVad(RATE_HZ, silence_ms=200)
    vad.judge_pauses(100, lambda speech_start, heard_end: 900)
    vad.judge_pauses(100, None)

    assert vad.feed(np.concatenate([tone(300), quiet(300)]))[1:] == [SpeechEnd(ms(300), ms(500))]
