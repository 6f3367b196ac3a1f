"""The presets: complete, sourced, and in the order of how bad they are."""

from __future__ import annotations

import pytest

from rtbench.core.impairment_presets import PRESETS


def test_there_are_the_six_that_the_command_line_names() -> None:
    assert list(PRESETS) == ["wifi", "4g", "3g", "satellite", "congested", "train"]


@pytest.mark.parametrize("name", PRESETS)
def test_each_says_where_its_numbers_come_from(name: str) -> None:
    preset = PRESETS[name]

    assert len(preset.source) > 60
    assert 0 < preset.jitter_ms <= preset.delay_ms
    assert 0 < preset.loss < 0.2
    assert preset.up_kbps and preset.down_kbps


def test_only_the_train_has_outages() -> None:
    assert [name for name, preset in PRESETS.items() if preset.outage_every_ms] == ["train"]
