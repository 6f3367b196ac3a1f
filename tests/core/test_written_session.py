"""The fall-back in writing: what is left of a script, and the settings of its session."""

from __future__ import annotations

from rtbench.core.audio import PCM16
from rtbench.core.impairment import Conditions
from rtbench.core.script import (
    ChangeNetwork,
    Clip,
    Disturb,
    Drop,
    Interrupt,
    Listen,
    Moment,
    OrderFault,
    Pause,
    Say,
    Script,
    SessionConfig,
    StaySilent,
    Write,
)
from rtbench.core.written_session import in_writing

CLIP = Clip("c", 10, 1, 9, text="Hello.")


def test_utterances_are_written_and_sounds_left_out() -> None:
    steps = (
        Say(CLIP, asks_for="4711"),
        Disturb(CLIP, "cough"),
        Interrupt(CLIP, Moment(heard_ns=1)),
        Drop(),
        OrderFault({}),
        ChangeNetwork(Conditions()),
        Listen(5),
        StaySilent(7),
        Pause(3),
    )

    assert in_writing(Script(steps)).steps == (
        Write(CLIP, "4711"),
        ChangeNetwork(Conditions()),
        Listen(5),
        Pause(7),
        Pause(3),
    )


def test_the_session_takes_no_audio_and_gives_none() -> None:
    settings = {"type": "realtime", "instructions": "Be brief.", "audio": {"output": {"voice": "cedar"}}}
    session = in_writing(Script((), session=SessionConfig(settings=settings))).session

    assert session.settings == {
        "type": "realtime",
        "instructions": "Be brief.",
        "output_modalities": ["text"],
        "audio": {"input": {"turn_detection": None}},
    }
    assert (session.spoken_answers, session.in_writing, session.manual_turns) == (False, True, True)
    assert session.input_format == PCM16


def test_it_can_be_done_twice() -> None:
    once = in_writing(Script((Say(CLIP), Listen(5))))

    assert in_writing(once) == once
