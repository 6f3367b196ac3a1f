"""The machine's sound output: plays samples by whatever player of WAV files is there."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path

from rtbench.core.errors import UsageError
from rtbench.core.pcm import Samples
from rtbench.corpus.audio_file import write_wav

PLAYERS: tuple[tuple[str, ...], ...] = (
    ("aplay", "-q"),
    ("paplay",),
    ("afplay",),
    ("play", "-q"),
    ("ffplay", "-nodisp", "-autoexit", "-loglevel", "error"),
)
"""Each takes a file as its last argument and ends when it has been heard: ALSA, PulseAudio, macOS, SoX, FFmpeg."""

FAILS_IN_WORDS = frozenset({"ffplay"})
"""Ends with status 0 where there is no sound card, and says so only on standard error."""


def play(samples: Samples, rate_hz: int) -> str:
    """Play to the end; the name of the player that did. Raises UsageError where none can."""
    tried = []
    with tempfile.TemporaryDirectory(prefix="rtbench-") as folder:
        file = Path(folder) / "clip.wav"
        write_wav(file, samples, rate_hz)
        for player, *options in PLAYERS:
            if (program := shutil.which(player)) is None:
                continue
            tried.append(player)
            ended = subprocess.run(
                [program, *options, str(file)], stdin=subprocess.DEVNULL, capture_output=True, check=False
            )
            if ended.returncode == 0 and not (player in FAILS_IN_WORDS and ended.stderr):
                return player
    if tried:
        raise UsageError(
            f"{' and '.join(tried)} cannot play on this machine; write the sound with --out FILE.wav"
        )
    names = ", ".join(player for player, *_ in PLAYERS)
    raise UsageError(f"nothing on this machine plays sound ({names}); write it with --out FILE.wav")
