import dataclasses

import pytest

from rtbench.core.audio import PCM16
from rtbench.core.script import (
    Clip,
    Interrupt,
    Listen,
    Moment,
    Pause,
    Say,
    Script,
    SessionConfig,
    Write,
    turns_in,
)

CLIP = Clip("c", duration_ns=3, speech_start_ns=1, speech_end_ns=2)


def test_a_script_may_be_shared_because_nothing_in_it_can_change() -> None:
    script = Script((Say(CLIP), Listen(5), Pause(6)))

    for value, name in [
        (script, "steps"),
        (script.steps[0], "clip"),
        (script.steps[1], "timeout_ns"),
        (script.steps[2], "duration_ns"),
        (script.session, "settings"),
        (CLIP, "holds"),
    ]:
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(value, name, None)


def test_a_session_speaks_pcm_and_lets_the_service_end_its_turns_unless_told_otherwise() -> None:
    config = Script(()).session

    assert config == SessionConfig(settings={}, input_format=PCM16, output_format=PCM16)
    assert config.spoken_answers
    assert not config.manual_turns


def test_an_utterance_expects_an_answer_unless_told_otherwise() -> None:
    assert Say(CLIP).expects_answer
    assert not Say(CLIP, expects_answer=False).expects_answer


def test_each_part_of_the_set_up_may_take_10_s() -> None:
    assert Script(()).setup_timeout_ns == 10_000_000_000


def test_whatever_is_said_to_the_agent_is_a_turn() -> None:
    steps = (Say(CLIP), Interrupt(CLIP, Moment(heard_ns=1)), Listen(5), Pause(6), Write(CLIP))
    assert turns_in(steps) == 3
