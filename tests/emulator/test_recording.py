from __future__ import annotations

import dataclasses

import pytest


def test_a_recording_cannot_be_changed_since_all_sessions_share_it(make_recording):
    made = make_recording("a", "hello", 10, 50)
    assert set(made.samples) == {24_000, 8_000}
    with pytest.raises(dataclasses.FrozenInstanceError):
        made.text = "other"
