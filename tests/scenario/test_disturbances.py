"""Sounds that must not take the turn: of their own role, into the answer or into silence."""

import pytest
from pydantic import ValidationError

from rtbench.core.script import Moment
from rtbench.corpus.manifest import Role
from rtbench.scenario.disturbances import Backchannel, Click, Cough, Disturbance, Noise, SideTalk, Tone
from rtbench.scenario.fault import fault_location, fault_sentence

ROLES = {
    Backchannel: Role.BACKCHANNEL,
    Cough: Role.COUGH,
    Noise: Role.NOISE,
    SideTalk: Role.SIDE_TALK,
    Click: Role.CLICK,
    Tone: Role.TONE,
}


def cough(**written: object) -> Cough:
    return Cough.model_validate({"cough": written})


@pytest.mark.parametrize(("step", "role"), ROLES.items(), ids=lambda value: getattr(value, "__name__", value))
def test_each_is_named_after_the_role_that_it_draws_from(step: type[Disturbance], role: Role) -> None:
    made = step.model_validate({role.value: None})
    assert (made.kind, made.choice.role) == (role.value, role)
    assert made.moment == Moment(heard_ns=1_000_000_000)


def test_a_sound_comes_at_a_moment_of_the_answer_or_into_silence() -> None:
    assert cough(after="2 s").moment == Moment(elapsed_ns=2_000_000_000)
    assert cough(silent=False).moment == Moment(heard_ns=1_000_000_000)
    assert cough(silent=True).moment is None


def test_a_sound_into_silence_has_no_moment_of_an_answer() -> None:
    with pytest.raises(ValidationError) as caught:
        cough(silent=True, heard="1 s")
    (error,) = caught.value.errors()
    assert fault_location(error) == (("cough",), ("silent",))
    assert fault_sentence(error) == "give a moment of the answer or silent, not both"


def test_another_clip_at_another_level_may_be_chosen() -> None:
    chosen = cough(any_of=["a", "b"], level="-12 dB").choice
    assert (chosen.any_of, chosen.role, chosen.level.db) == (["a", "b"], None, -12)
