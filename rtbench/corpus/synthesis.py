"""Speech from text by flite and espeak-ng, as they are installed on this machine."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path

from rtbench.core.errors import UsageError
from rtbench.corpus.audio_file import FloatSamples, read_recording
from rtbench.corpus.recipe import Recipe, VoiceRecipe

_TIMEOUT_S = 60


def require_synthesizers(recipe: Recipe) -> None:
    """Raises UsageError naming the programs that the recipe needs and this machine lacks, and voices they lack."""
    programs = sorted({voice.program for voice in recipe.voices.values()})
    missing = [program for program in programs if shutil.which(program) is None]
    if missing:
        raise UsageError(
            f"corpus {recipe.name!r} is synthesised with {' and '.join(missing)}, which this machine does not have"
            f" (Debian and Ubuntu: apt install {' '.join(missing)})"
        )
    for voice in recipe.voices.values():
        _require_voice(voice)


def speak(text: str, voice: VoiceRecipe, rate_hz: int) -> FloatSamples:
    """The text spoken, resampled to `rate_hz`, with the synthesiser's own silence around it.

    Raises UsageError where the program fails.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "speech.wav"
        _run(_command(text, voice, path))
        return read_recording(path, rate_hz)


def _command(text: str, voice: VoiceRecipe, path: Path) -> list[str]:
    if voice.program == "flite":
        return ["flite", "-voice", voice.voice, "-t", text, "-o", str(path)]
    rate = [] if voice.words_per_minute is None else ["-s", str(voice.words_per_minute)]
    return ["espeak-ng", "-v", voice.voice, *rate, "-w", str(path), "--", text]


def _require_voice(voice: VoiceRecipe) -> None:
    """espeak-ng refuses a voice that it lacks; flite speaks with another one and says nothing."""
    if voice.program == "flite":
        known = _run(["flite", "-lv"]).partition(":")[2].split()
        if voice.voice not in known:
            raise UsageError(f"flite has no voice {voice.voice!r}; there is {', '.join(sorted(set(known)))}")


def _run(command: list[str]) -> str:
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, check=True, timeout=_TIMEOUT_S, stdin=subprocess.DEVNULL
        )
    except FileNotFoundError:
        raise UsageError(f"{command[0]} is not installed on this machine") from None
    except subprocess.TimeoutExpired:
        raise UsageError(f"{command[0]} did not end within {_TIMEOUT_S} s") from None
    except subprocess.CalledProcessError as error:
        reason = " ".join(error.stderr.split()) or f"exit code {error.returncode}"
        raise UsageError(f"{command[0]} failed: {reason}") from None
    return done.stdout
