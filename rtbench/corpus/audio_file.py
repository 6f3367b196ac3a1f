"""Audio files: FLAC, WAV and OGG in (by libsndfile), FLAC out, or WAV for other programs, always as int16 samples of one channel."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import soundfile
import soxr

from rtbench.core.errors import UsageError
from rtbench.core.pcm import Samples

FloatSamples = npt.NDArray[np.float64]
FULL_SCALE = 32_768


def read_clip(path: Path, rate_hz: int) -> Samples:
    """The samples of a corpus's clip, as they are in the file.

    Raises UsageError naming the file where it is missing, unreadable, not mono or of another rate.
    """
    samples, file_rate_hz = _read(path, "int16")
    if file_rate_hz != rate_hz:
        raise UsageError(f"{path}: sample rate is {file_rate_hz} Hz, the corpus's is {rate_hz} Hz")
    if samples.ndim != 1:
        raise UsageError(f"{path}: has {samples.shape[1]} channels, a clip has one")
    return samples


def read_recording(path: Path, rate_hz: int) -> FloatSamples:
    """Any recording at `rate_hz`, its channels averaged; full scale is 1.0.

    Raises UsageError naming the file where it is missing, unreadable or empty.
    """
    samples, file_rate_hz = _read(path, "float64")
    if not len(samples):
        raise UsageError(f"{path}: holds no audio")
    mono: FloatSamples = samples if samples.ndim == 1 else samples.mean(axis=1)
    return resample(mono, file_rate_hz, rate_hz)


def resample(samples: FloatSamples, from_hz: int, to_hz: int) -> FloatSamples:
    """The same sound at another rate (soxr, high quality, linear phase: edges keep their instants)."""
    if from_hz == to_hz:
        return samples
    resampled: FloatSamples = soxr.resample(samples, from_hz, to_hz, quality="HQ")
    return resampled


def to_int16(samples: FloatSamples) -> Samples:
    """Rounded to 16 bits, clipped at full scale."""
    scaled = np.rint(samples * FULL_SCALE)
    return np.clip(scaled, -FULL_SCALE, FULL_SCALE - 1).astype(np.int16)


def write_clip(path: Path, samples: Samples, rate_hz: int) -> None:
    """Write 16-bit FLAC; the same samples give the same bytes. Raises OSError where the disk refuses."""
    flac = io.BytesIO()
    soundfile.write(flac, samples, rate_hz, format="FLAC", subtype="PCM_16")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(flac.getvalue())


def write_wav(path: Path, samples: Samples, rate_hz: int) -> None:
    """Write 16-bit WAV, for other programs. Raises UsageError where the disk refuses."""
    wav = io.BytesIO()
    soundfile.write(wav, samples, rate_hz, format="WAV", subtype="PCM_16")
    try:
        path.write_bytes(wav.getvalue())
    except OSError as error:
        raise UsageError(f"{path}: cannot be written ({error.strerror or error})") from None


def file_sha256(path: Path) -> str:
    """SHA-256 of the file in hexadecimal."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _read(path: Path, dtype: str) -> tuple[npt.NDArray[Any], int]:
    """Samples of shape (frames,) or (frames, channels), and their rate."""
    if not path.is_file():
        raise UsageError(f"{path}: audio file is missing")
    try:
        samples, rate_hz = soundfile.read(path, dtype=dtype)
    except soundfile.LibsndfileError as error:
        raise UsageError(f"{path}: not a readable audio file: {error.error_string}") from None
    return samples, rate_hz
