"""Sounds without words: seeded, of the length asked for, and in the shape that their name promises."""

from __future__ import annotations

import numpy as np
import pytest

from rtbench.corpus.manifest import Role
from rtbench.corpus.recipe import SoundClip
from rtbench.corpus.sounds import make_sound

RATE_HZ = 24_000
KINDS = ["cough", "click", "pink_noise", "babble", "room_tone"]


def clip(sound: str, duration_ms: int = 500, name: str = "sound") -> SoundClip:
    return SoundClip.model_validate(
        {"name": name, "role": Role.NOISE, "sound": sound, "duration_ms": duration_ms}
    )


def rms(samples: np.ndarray) -> float:
    return float(np.sqrt(np.mean(samples**2)))


@pytest.mark.parametrize("sound", KINDS)
def test_a_sound_has_the_length_asked_for(sound: str) -> None:
    assert make_sound(clip(sound, 60), RATE_HZ, seed=1).shape == (1_440,)


@pytest.mark.parametrize("sound", KINDS)
def test_seed_and_name_decide_every_sample(sound: str) -> None:
    first = make_sound(clip(sound), RATE_HZ, seed=1)
    np.testing.assert_array_equal(first, make_sound(clip(sound), RATE_HZ, seed=1))
    assert not np.array_equal(first, make_sound(clip(sound), RATE_HZ, seed=2))
    assert not np.array_equal(first, make_sound(clip(sound, name="other"), RATE_HZ, seed=1))


@pytest.mark.parametrize(
    ("key", "row_hz", "column_hz"),
    [("1", 697, 1209), ("5", 770, 1336), ("9", 852, 1477), ("0", 941, 1336), ("D", 941, 1633)],
)
def test_a_key_sounds_as_its_row_s_and_its_column_s_frequency(key: str, row_hz: int, column_hz: int) -> None:
    tone = SoundClip(name="tone", role=Role.TONE, sound="dtmf", key=key, duration_ms=200)
    samples = make_sound(tone, RATE_HZ, seed=1)
    assert samples.shape == (4_800,)
    spectrum = np.abs(np.fft.rfft(samples, n=RATE_HZ))  # one bin a hertz
    low, high = np.argmax(spectrum[:1_100]), 1_100 + np.argmax(spectrum[1_100:])
    assert low == pytest.approx(row_hz, rel=0.015)  # the tolerance of ITU-T Q.24
    assert high == pytest.approx(column_hz, rel=0.015)
    assert spectrum[low] == pytest.approx(spectrum[high], rel=0.1)


def test_a_tone_begins_and_ends_without_a_click() -> None:
    samples = make_sound(
        SoundClip(name="t", role=Role.TONE, sound="dtmf", key="5", duration_ms=200), RATE_HZ, 1
    )
    middle = rms(samples[1_200:-1_200])
    for edge in (samples[:12], samples[-12:]):
        assert rms(edge) < 0.3 * middle
    assert rms(samples[60:180]) == pytest.approx(middle, rel=0.3)


def test_a_click_is_audible_to_its_end() -> None:
    samples = make_sound(clip("click", 60), RATE_HZ, seed=1)
    assert rms(samples[-120:]) > rms(samples[:120]) * 10.0 ** (-25.0 / 20.0)


def test_a_cough_has_two_expulsions_that_die_away() -> None:
    samples = make_sound(clip("cough", 500), RATE_HZ, seed=1)
    tenths = [rms(part) for part in np.array_split(samples, 10)]
    assert tenths[0] > 3.0 * tenths[4]
    assert tenths[5] > 3.0 * tenths[4]
    assert tenths[5] > 3.0 * tenths[9]


def test_pink_noise_has_equal_power_per_octave() -> None:
    samples = make_sound(clip("pink_noise", 4_000), RATE_HZ, seed=1)
    power = np.abs(np.fft.rfft(samples)) ** 2
    hz = np.fft.rfftfreq(len(samples), 1.0 / RATE_HZ)
    octaves = [power[(hz >= low) & (hz < 2 * low)].sum() for low in (250, 500, 1_000, 2_000)]
    assert max(octaves) / min(octaves) < 1.5


def test_babble_rises_and_falls_as_speech_does() -> None:
    def swing(sound: str) -> float:
        levels = [rms(part) for part in np.array_split(make_sound(clip(sound, 2_000), RATE_HZ, seed=1), 100)]
        return float(np.std(levels) / np.mean(levels))

    assert swing("babble") > 2.0 * swing("room_tone")


def test_room_tone_can_be_repeated_without_a_seam() -> None:
    samples = make_sound(clip("room_tone", 2_000), RATE_HZ, seed=1)
    steps = np.abs(np.diff(samples))
    assert abs(samples[0] - samples[-1]) <= np.quantile(steps, 0.999)
