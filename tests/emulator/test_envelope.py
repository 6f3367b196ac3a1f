from __future__ import annotations

import numpy as np
import pytest

from rtbench.core import pcm
from rtbench.emulator.envelope import LOUD, LOUD_DBFS, envelope, loud_runs


@pytest.mark.parametrize("rate_hz", [24_000, 8_000])
def test_levels_are_of_30_ms_every_10_ms(make_tone, rate_hz):
    levels = envelope(make_tone(100, rate_hz), rate_hz)
    assert len(levels) == 8
    assert levels == pytest.approx([0.25 * 32_767 / np.sqrt(2)] * 8, rel=0.01)


def test_the_threshold_is_that_at_which_the_vad_hears_speech_end():
    assert pcm.amplitude(LOUD_DBFS) == LOUD
    assert LOUD_DBFS == -46


def test_runs_are_parted_by_pauses_that_are_long_enough():
    levels = np.array([0, 1, 1, 0, 0, 1, 0, 0, 0, 1, 0]) * 2 * LOUD
    assert loud_runs(levels, 3) == [(1, 6), (9, 10)]
    assert loud_runs(levels, 2) == [(1, 3), (5, 6), (9, 10)]
    assert loud_runs(levels, 4) == [(1, 10)]


def test_silence_has_no_runs():
    assert loud_runs(envelope(np.zeros(24_000, np.int16), 24_000), 3) == []
