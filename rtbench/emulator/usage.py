"""Tokens: what audio and text count for, and a response's usage as the API reports it.

Documented (cost guide of the Realtime API): user audio is 1 token per 100 ms, assistant audio 1 token
per 50 ms. Approximated, as the tokenizer is the service's own: text is 1 token per 4 characters, an
image 765 tokens, or 85 at low detail (one tile of the vision guide, and its base).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from rtbench.core.client_events import Json

USER_MS_PER_TOKEN = 100
ASSISTANT_MS_PER_TOKEN = 50
CHARS_PER_TOKEN = 4
IMAGE_TOKENS = 765
LOW_DETAIL_IMAGE_TOKENS = 85


@dataclass(frozen=True, slots=True)
class Tokens:
    """Tokens by kind."""

    text: int = 0
    audio: int = 0
    image: int = 0

    @property
    def total(self) -> int:
        return self.text + self.audio + self.image

    def __add__(self, other: Tokens) -> Tokens:
        return Tokens(self.text + other.text, self.audio + other.audio, self.image + other.image)

    def least(self, other: Tokens) -> Tokens:
        """The smaller number of each kind."""
        return Tokens(min(self.text, other.text), min(self.audio, other.audio), min(self.image, other.image))


def text_tokens(text: str) -> int:
    return math.ceil(len(text) / CHARS_PER_TOKEN)


def user_audio_tokens(audio_ms: float) -> int:
    return math.ceil(audio_ms / USER_MS_PER_TOKEN)


def assistant_audio_tokens(audio_ms: float) -> int:
    return math.ceil(audio_ms / ASSISTANT_MS_PER_TOKEN)


def response_usage(context: Tokens, cached: Tokens, output: Tokens) -> Json:
    """The `usage` object of a response; `cached` is the part of `context` that an earlier response had read."""
    return {
        "total_tokens": context.total + output.total,
        "input_tokens": context.total,
        "output_tokens": output.total,
        "input_token_details": {
            "text_tokens": context.text,
            "audio_tokens": context.audio,
            "image_tokens": context.image,
            "cached_tokens": cached.total,
            "cached_tokens_details": {
                "text_tokens": cached.text,
                "audio_tokens": cached.audio,
                "image_tokens": cached.image,
            },
        },
        "output_token_details": {"text_tokens": output.text, "audio_tokens": output.audio},
    }


def transcription_usage(model: str, audio_ms: float, transcript: str) -> dict[str, Any]:
    """The `usage` of an input transcription: by duration for `whisper-1`, by tokens for its successors."""
    if model == "whisper-1":
        return {"type": "duration", "seconds": round(audio_ms / 1000, 3)}
    heard, written = user_audio_tokens(audio_ms), text_tokens(transcript)
    return {
        "type": "tokens",
        "total_tokens": heard + written,
        "input_tokens": heard,
        "output_tokens": written,
        "input_token_details": {"text_tokens": 0, "audio_tokens": heard},
    }
