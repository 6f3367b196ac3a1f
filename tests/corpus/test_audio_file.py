"""Audio files in and out, and what is said of files that cannot be used."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from rtbench.core.errors import UsageError
from rtbench.corpus.audio_file import file_sha256, read_clip, read_recording, resample, to_int16, write_clip

RATE_HZ = 24_000


def tone(rate_hz: int, seconds: float = 0.5, hz: float = 440.0) -> np.ndarray:
    return 0.5 * np.sin(2.0 * np.pi * hz * np.arange(int(rate_hz * seconds)) / rate_hz)


def test_a_clip_is_read_sample_by_sample_as_it_was_written(tmp_path: Path) -> None:
    samples = np.random.default_rng(1).integers(-32_768, 32_768, 5_000).astype(np.int16)
    write_clip(tmp_path / "new" / "a.flac", samples, RATE_HZ)
    np.testing.assert_array_equal(read_clip(tmp_path / "new" / "a.flac", RATE_HZ), samples)


def test_the_same_samples_give_the_same_file(tmp_path: Path) -> None:
    samples = to_int16(tone(RATE_HZ))
    write_clip(tmp_path / "a.flac", samples, RATE_HZ)
    write_clip(tmp_path / "b.flac", samples, RATE_HZ)
    assert file_sha256(tmp_path / "a.flac") == file_sha256(tmp_path / "b.flac")


def test_full_scale_is_clipped_and_not_wrapped() -> None:
    assert to_int16(np.array([1.5, 1.0, -1.0, -1.5, 0.0])).tolist() == [32_767, 32_767, -32_768, -32_768, 0]


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"gone\.flac: audio file is missing"):
        read_clip(tmp_path / "gone.flac", RATE_HZ)


def test_a_file_that_is_no_audio_is_named(tmp_path: Path) -> None:
    (tmp_path / "text.flac").write_text("this is not audio")
    with pytest.raises(UsageError, match=r"text\.flac: not a readable audio file"):
        read_clip(tmp_path / "text.flac", RATE_HZ)


def test_a_file_cut_short_is_named(tmp_path: Path) -> None:
    path = tmp_path / "cut.flac"
    write_clip(path, np.random.default_rng(1).integers(-9_000, 9_000, 50_000).astype(np.int16), RATE_HZ)
    path.write_bytes(path.read_bytes()[:30])
    with pytest.raises(UsageError, match=r"cut\.flac: not a readable audio file"):
        read_clip(path, RATE_HZ)


def test_a_clip_of_another_rate_is_refused(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "slow.flac", tone(16_000), 16_000)
    with pytest.raises(UsageError, match=r"slow\.flac: sample rate is 16000 Hz, the corpus's is 24000 Hz"):
        read_clip(tmp_path / "slow.flac", RATE_HZ)


def test_a_stereo_clip_is_refused(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "stereo.flac", np.column_stack([tone(RATE_HZ)] * 2), RATE_HZ)
    with pytest.raises(UsageError, match=r"stereo\.flac: has 2 channels, a clip has one"):
        read_clip(tmp_path / "stereo.flac", RATE_HZ)


@pytest.mark.parametrize(("suffix", "rate_hz"), [("wav", 44_100), ("flac", 16_000), ("ogg", 48_000)])
def test_a_recording_of_any_rate_comes_out_at_the_wanted_one(
    tmp_path: Path, suffix: str, rate_hz: int
) -> None:
    path = tmp_path / f"tone.{suffix}"
    soundfile.write(path, np.column_stack([tone(rate_hz), tone(rate_hz)]), rate_hz)
    samples = read_recording(path, RATE_HZ)
    assert samples.shape == (RATE_HZ // 2,)
    inner = slice(2_400, 9_600)
    assert np.abs(samples[inner] - tone(RATE_HZ)[inner]).max() < 0.02


def test_channels_are_averaged(tmp_path: Path) -> None:
    path = tmp_path / "opposite.wav"
    soundfile.write(path, np.column_stack([tone(RATE_HZ), -tone(RATE_HZ)]), RATE_HZ)
    assert np.abs(read_recording(path, RATE_HZ)).max() < 1e-4


def test_a_recording_without_a_sample_is_refused(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "empty.wav", np.empty(0), RATE_HZ)
    with pytest.raises(UsageError, match=r"empty\.wav: holds no audio"):
        read_recording(tmp_path / "empty.wav", RATE_HZ)


def test_resampling_leaves_an_edge_at_its_instant() -> None:
    step = np.concatenate((np.zeros(12_000), np.full(12_000, 0.5)))
    narrow = resample(step, RATE_HZ, 8_000)
    assert len(narrow) == 8_000
    assert abs(int(np.argmax(narrow > 0.25)) - 4_000) <= 1
