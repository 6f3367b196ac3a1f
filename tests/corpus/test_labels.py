"""The labelling rule against sounds whose edges are known."""

from __future__ import annotations

import numpy as np
import pytest

from rtbench.core.pcm import Samples
from rtbench.corpus.labels import label, speech_level_dbfs
from rtbench.corpus.manifest import Role, Span

RATE_HZ = 24_000
PER_MS = RATE_HZ // 1000
TOLERANCE = 5 * PER_MS


def tone(ms: float, dbfs: float = -20.0, hz: float = 200.0) -> np.ndarray:
    amplitude = 32_768 * 10.0 ** (dbfs / 20.0) * np.sqrt(2.0)
    return amplitude * np.sin(2.0 * np.pi * hz * np.arange(int(ms * PER_MS)) / RATE_HZ)


def quiet(ms: float) -> np.ndarray:
    return np.zeros(int(ms * PER_MS))


def signal(*parts: np.ndarray, noise_dbfs: float | None = None, offset: float = 0.0) -> Samples:
    wave = np.concatenate(parts) + offset
    if noise_dbfs is not None:
        wave += np.random.default_rng(3).normal(0.0, 32_768 * 10.0 ** (noise_dbfs / 20.0), len(wave))
    return np.rint(wave).astype(np.int16)


def assert_near(span: Span, start_ms: float, end_ms: float) -> None:
    assert abs(span.start - start_ms * PER_MS) <= TOLERANCE
    assert abs(span.end - end_ms * PER_MS) <= TOLERANCE


@pytest.mark.parametrize("lead_ms", [0.0, 3.3, 100.0, 687.5])
@pytest.mark.parametrize("hz", [110.0, 200.0, 2_000.0])
def test_speech_edges_are_within_5_ms_of_the_truth(lead_ms: float, hz: float) -> None:
    speech = label(signal(quiet(lead_ms), tone(700, hz=hz), quiet(150)), RATE_HZ).speech
    assert_near(speech, lead_ms, lead_ms + 700)


@pytest.mark.parametrize("noise_dbfs", [-70.0, -55.0, -45.0])
def test_edges_hold_in_the_noise_of_a_room(noise_dbfs: float) -> None:
    labels = label(signal(quiet(300), tone(700), quiet(300), noise_dbfs=noise_dbfs), RATE_HZ)
    assert_near(labels.speech, 300, 1_000)
    assert labels.holds == ()


def test_a_constant_offset_is_not_speech() -> None:
    assert_near(label(signal(quiet(300), tone(700), quiet(300), offset=500.0), RATE_HZ).speech, 300, 1_000)


def test_a_quiet_speaker_is_labelled_as_a_loud_one() -> None:
    loud = label(signal(quiet(200), tone(500, -12.0), quiet(200)), RATE_HZ)
    soft = label(signal(quiet(200), tone(500, -40.0), quiet(200)), RATE_HZ)
    assert_near(loud.speech, 200, 700)
    assert_near(soft.speech, 200, 700)


def test_a_weak_end_25_db_below_the_speech_belongs_to_it() -> None:
    assert_near(
        label(signal(quiet(100), tone(600), tone(80, -45.0, 1_000.0), quiet(200)), RATE_HZ).speech, 100, 780
    )


def test_holds_are_found_exactly_where_silence_was_put() -> None:
    labels = label(
        signal(quiet(100), tone(400), quiet(600), tone(300), quiet(150), tone(500), quiet(100)), RATE_HZ
    )
    assert_near(labels.speech, 100, 2_050)
    assert len(labels.holds) == 2
    assert_near(labels.holds[0], 500, 1_100)
    assert_near(labels.holds[1], 1_400, 1_550)


@pytest.mark.parametrize(("pause_ms", "holds"), [(60, 0), (90, 0), (110, 1)])
def test_only_a_pause_of_100_ms_or_more_is_a_hold(pause_ms: int, holds: int) -> None:
    labels = label(signal(quiet(50), tone(300), quiet(pause_ms), tone(300), quiet(50)), RATE_HZ)
    assert len(labels.holds) == holds


def test_a_spike_shorter_than_a_block_is_not_the_start_of_speech() -> None:
    samples = signal(quiet(200), tone(500), quiet(200))
    samples[1_000] = 300
    assert_near(label(samples, RATE_HZ).speech, 200, 700)


@pytest.mark.parametrize("role", [Role.NOISE, Role.SILENCE])
def test_noise_and_silence_have_an_empty_span_at_the_end(role: Role) -> None:
    samples = signal(tone(500))
    assert label(samples, RATE_HZ, role).speech == Span(start=12_000, end=12_000)


def test_a_cough_has_edges_and_no_holds() -> None:
    samples = signal(quiet(100), tone(150), quiet(200), tone(150), quiet(100))
    labels = label(samples, RATE_HZ, Role.COUGH)
    assert_near(labels.speech, 100, 600)
    assert labels.holds == ()


@pytest.mark.parametrize(
    "samples", [np.empty(0, np.int16), np.zeros(10, np.int16), np.zeros(9_600, np.int16)]
)
def test_a_clip_without_sound_has_no_speech(samples: Samples) -> None:
    assert label(samples, RATE_HZ).speech == Span(start=len(samples), end=len(samples))
    assert speech_level_dbfs(samples, RATE_HZ) == -np.inf


def test_what_lies_below_the_floor_is_nobodys_speech() -> None:
    samples = signal(quiet(100), tone(500, -65.0), quiet(100))
    assert label(samples, RATE_HZ).speech == Span(start=len(samples), end=len(samples))


def test_the_speech_level_does_not_count_pauses() -> None:
    assert speech_level_dbfs(signal(tone(500), quiet(5_000), tone(500)), RATE_HZ) == pytest.approx(
        -20.0, abs=0.2
    )
