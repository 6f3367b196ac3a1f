"""Costs by hand."""

import pytest

from rtbench.core.turns import Turn
from rtbench.scenario.prices import PRICES, price_of


@pytest.mark.parametrize(
    ("tokens", "usd"),
    [
        ({}, 0.0),
        ({"input_audio_tokens": 1_000_000}, 32.0),
        ({"input_text_tokens": 1_000_000}, 4.0),
        ({"output_audio_tokens": 500_000, "output_text_tokens": 500_000}, 40.0),
        ({"input_audio_tokens": 1_000_000, "cached_tokens": 1_000_000}, 0.4),
        # 300 of the 500 cached are text, so 800 audio tokens are new.
        (
            {"input_text_tokens": 300, "input_audio_tokens": 1_000, "cached_tokens": 500},
            (800 * 32 + 500 * 0.4) / 1e6,
        ),
        ({"cached_tokens": 9}, 0.0),
    ],
)
def test_tokens_cost_what_the_table_says(tokens: dict, usd: float) -> None:
    assert PRICES["gpt-realtime"].usd(Turn(1, "clip", **tokens)) == pytest.approx(usd)


def test_a_snapshot_costs_what_its_model_does() -> None:
    assert price_of("gpt-realtime-2025-08-28") is PRICES["gpt-realtime"]
    assert price_of("gpt-realtime-mini") is PRICES["gpt-realtime-mini"]
    assert price_of("somebody-elses-model") is None


def test_cached_tokens_are_never_dearer_than_new_ones() -> None:
    assert all(
        price.text_cached < price.text_in and price.audio_cached < price.audio_in for price in PRICES.values()
    )
