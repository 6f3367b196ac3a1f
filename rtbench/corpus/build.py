"""Building a corpus from a recipe: speech by synthesisers, sounds from seeded noise and pure tones."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from rtbench.core.audio import PCM16
from rtbench.core.pcm import Samples
from rtbench.corpus.audio_file import FULL_SCALE, FloatSamples, to_int16
from rtbench.corpus.labels import SOUNDLESS_ROLES, label, speech_level_dbfs
from rtbench.corpus.manifest import Manifest
from rtbench.corpus.recipe import SPEECH_LEVEL_DBFS, Recipe, SoundClip, SpokenClip, VoiceRecipe
from rtbench.corpus.sounds import make_sound
from rtbench.corpus.synthesis import require_synthesizers, speak
from rtbench.corpus.writer import NewClip, write_corpus

RATE_HZ = PCM16.rate_hz
PEAK_DBFS = -3.0
"""Headroom for codecs and resamplers, which overshoot."""

MARGIN_MS = 100
"""Silence before and after speech: a label has something to stand out from, and a player something to fade in."""

_FADE_MS = 2
"""At each cut; too short to move an edge by more than a label's own precision."""


def build_corpus(recipe: Recipe, folder: Path, on_clip: Callable[[str], None] | None = None) -> Manifest:
    """Synthesise all clips of the recipe into `folder`, telling `on_clip` the name of each before it is made.

    The same recipe and programs give the same files. Raises UsageError where a program or a voice is
    missing, before anything is written.
    """
    require_synthesizers(recipe)
    recipes: tuple[SpokenClip | SoundClip, ...] = (*recipe.speech, *recipe.sounds)
    clips = []
    for clip in recipes:
        if on_clip:
            on_clip(clip.name)
        clips.append(_spoken(clip, recipe) if isinstance(clip, SpokenClip) else _sound(clip, recipe))
    return write_corpus(folder, recipe.name, recipe.language, RATE_HZ, clips)


def levelled(samples: FloatSamples, level_dbfs: float) -> Samples:
    """At this speech level, or lower where the peak would pass `PEAK_DBFS`, as 16-bit samples."""
    current_dbfs = speech_level_dbfs(to_int16(samples), RATE_HZ)
    peak = float(np.abs(samples).max(initial=0.0))
    if not np.isfinite(current_dbfs):
        return to_int16(samples)
    gain = min(10.0 ** ((level_dbfs - current_dbfs) / 20.0), 10.0 ** (PEAK_DBFS / 20.0) / peak)
    return to_int16(samples * gain)


def _spoken(clip: SpokenClip, recipe: Recipe) -> NewClip:
    voice = recipe.voice_of(clip)
    parts = [_phrase(clip.phrases()[0], voice)]
    for pause_ms, text in zip(clip.pauses_ms(), clip.phrases()[1:], strict=True):
        parts += [_quiet(pause_ms), _phrase(text, voice)]
    samples = levelled(_with_margins(np.concatenate(parts)), clip.level_dbfs)
    return NewClip(clip.name, clip.role, clip.voice, clip.plain_text(), recipe.licence, samples)


def _sound(clip: SoundClip, recipe: Recipe) -> NewClip:
    sound = make_sound(clip, RATE_HZ, recipe.seed)
    normal = sound / np.abs(sound).max()
    framed = normal if clip.role in SOUNDLESS_ROLES else _with_margins(normal)
    return NewClip(clip.name, clip.role, "", "", recipe.licence, levelled(framed, clip.level_dbfs))


def _phrase(text: str, voice: VoiceRecipe) -> FloatSamples:
    """A phrase spoken, cut to its speech and faded at the cuts.

    All phrases have one level, so that each ends where the threshold of the whole clip says.
    """
    samples = levelled(speak(text, voice, RATE_HZ), SPEECH_LEVEL_DBFS) / FULL_SCALE
    speech = label(to_int16(samples), RATE_HZ).speech
    phrase = samples[speech.start : speech.end].copy()
    length = min(RATE_HZ * _FADE_MS // 1000, len(phrase) // 2)
    fade = np.sin(np.linspace(0.0, np.pi / 2.0, length)) ** 2
    phrase[:length] *= fade
    phrase[len(phrase) - length :] *= fade[::-1]
    return phrase


def _with_margins(samples: FloatSamples) -> FloatSamples:
    return np.concatenate((_quiet(MARGIN_MS), samples, _quiet(MARGIN_MS)))


def _quiet(duration_ms: int) -> FloatSamples:
    return np.zeros(RATE_HZ * duration_ms // 1000)
