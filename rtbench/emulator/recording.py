"""A recording: a clip of the corpus as the emulator uses it, to say it or to know it when it hears it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from rtbench.core.pcm import Samples
from rtbench.emulator.words import Span


@dataclass(frozen=True, eq=False)
class Recording:
    """A signal and its words."""

    name: str
    text: str
    spans: tuple[Span, ...]
    """Stretches of speech."""

    samples: Mapping[int, Samples]
    """The signal, by sample rate in Hz: one for every rate of the API's audio formats."""
