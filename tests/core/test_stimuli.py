from dataclasses import fields

import pytest

from rtbench.core.stimuli import EFFECT_LIMIT_NS, Stimulus


def test_of_a_new_stimulus_nothing_has_happened() -> None:
    stimulus = Stimulus(number=1, turn=2, kind="cough", clip="cough_a")
    planned = {"onset_ns", "end_ns", "closed_ns"}
    instants = {field.name for field in fields(Stimulus) if field.name.endswith("_ns")} - planned
    assert {getattr(stimulus, name) for name in instants} == {None}
    assert (stimulus.truncate_audio_end_ms, stimulus.truncate_heard_ms) == (None, None)
    assert (stimulus.unheard_ms, stimulus.stale_audio_ms, stimulus.stale_heard_ms) == (0.0, 0.0, 0.0)
    assert (stimulus.response_id, stimulus.item_id, stimulus.truncate_error) == ("", "", "")


@pytest.mark.parametrize(
    ("kind", "takes_turn", "is_disturbance"),
    [("cough", False, True), ("interrupt", True, False), ("overlap", True, False), ("silence", False, False)],
)
def test_a_disturbance_is_a_sound_that_takes_no_turn(kind, takes_turn, is_disturbance) -> None:
    assert Stimulus(1, 1, kind, clip="", takes_turn=takes_turn).is_disturbance is is_disturbance


def test_every_number_says_its_unit() -> None:
    for field in fields(Stimulus):
        if "int" in str(field.type) or "float" in str(field.type):
            assert field.name.endswith(("_ns", "_ms")) or field.name in ("number", "turn"), field.name


def test_a_stimulus_is_measured_as_long_as_it_can_have_an_effect() -> None:
    stimulus = Stimulus(1, 1, "cough", clip="", onset_ns=0, end_ns=100, closed_ns=30 * EFFECT_LIMIT_NS)
    assert stimulus.measured_until_ns == 100 + EFFECT_LIMIT_NS
    stimulus.resumed_ns = 5 * EFFECT_LIMIT_NS
    assert stimulus.measured_until_ns == 5 * EFFECT_LIMIT_NS
    stimulus.closed_ns = EFFECT_LIMIT_NS
    assert stimulus.measured_until_ns == EFFECT_LIMIT_NS
