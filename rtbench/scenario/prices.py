"""What models cost: published prices per token, with the date from which they are known.

Prices change: a bill is the service's, this is for limits and comparisons. A model is found by its own
name or by that of a dated snapshot of it (`gpt-realtime-2025-08-28`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Protocol

PRICES_AS_OF = "2025-10"
"""When the table was last looked over."""

PER = 1_000_000


class Tokens(Protocol):
    """Tokens by kind, as a turn counts them; input includes what was cached."""

    input_text_tokens: int
    input_audio_tokens: int
    cached_tokens: int
    output_text_tokens: int
    output_audio_tokens: int


@dataclass(frozen=True, slots=True)
class Price:
    """In USD for a million tokens."""

    text_in: float
    text_cached: float
    text_out: float
    audio_in: float
    audio_cached: float
    audio_out: float

    def usd(self, tokens: Tokens) -> float:
        """The cost of a turn.

        It does not say which of its cached tokens were text. They are taken off the text first and
        charged at the dearer of the two cached prices, so that a limit is reached too early, not too late.
        """
        text, audio = tokens.input_text_tokens, tokens.input_audio_tokens
        cached = min(tokens.cached_tokens, text + audio)
        of_text = min(cached, text)
        cost = (
            (text - of_text) * self.text_in
            + (audio - (cached - of_text)) * self.audio_in
            + cached * max(self.text_cached, self.audio_cached)
            + tokens.output_text_tokens * self.text_out
            + tokens.output_audio_tokens * self.audio_out
        )
        return cost / PER


PRICES: dict[str, Price] = {
    "gpt-realtime": Price(4.0, 0.4, 16.0, 32.0, 0.4, 64.0),
    "gpt-realtime-mini": Price(0.6, 0.06, 2.4, 10.0, 0.3, 20.0),
    "gpt-4o-realtime-preview": Price(5.0, 2.5, 20.0, 40.0, 2.5, 80.0),
    "gpt-4o-mini-realtime-preview": Price(0.6, 0.3, 2.4, 10.0, 0.3, 20.0),
}

_SNAPSHOT = re.compile(r"-\d{4}-\d{2}-\d{2}$")


def price_of(model: str) -> Price | None:
    """The price of a model or of a dated snapshot of it; None where it is not known."""
    return PRICES.get(_SNAPSHOT.sub("", model))
