from __future__ import annotations

import pytest

from rtbench.core.audio import PCM16, PCMA, PCMU
from rtbench.emulator.refusal import Refusal
from rtbench.emulator.settings import SEMANTIC_VAD, SERVER_VAD, Settings

DEFAULTS = Settings.defaults(session_id="sess_1", model="gpt-realtime", expires_at=1)


def updated(settings: Settings = DEFAULTS, *, spoken: bool = False, **session: object) -> Settings:
    return settings.updated({"type": "realtime", **session}, spoken=spoken)


def refusal(*, spoken: bool = False, **session: object) -> tuple[str, str | None]:
    with pytest.raises(Refusal) as caught:
        updated(spoken=spoken, **session)
    return caught.value.code, caught.value.param


def test_an_update_changes_only_what_it_names():
    settings = updated(audio={"input": {"turn_detection": {"type": "server_vad", "threshold": 0.7}}})
    detection = settings.json["audio"]["input"]["turn_detection"]
    assert detection == {**SERVER_VAD, "threshold": 0.7}
    assert settings.json["audio"]["output"] == DEFAULTS.json["audio"]["output"]
    assert DEFAULTS.json["audio"]["input"]["turn_detection"] == SERVER_VAD


def test_updates_add_up():
    first = updated(audio={"input": {"turn_detection": {"type": "server_vad", "threshold": 0.7}}})
    second = updated(
        first, audio={"input": {"turn_detection": {"type": "server_vad", "prefix_padding_ms": 0}}}
    )
    detection = second.turn_detection
    assert detection is not None
    assert (detection.threshold, detection.prefix_padding_ms) == (0.7, 0)


def test_another_type_of_turn_detection_begins_from_its_own_defaults():
    settings = updated(audio={"input": {"turn_detection": {"type": "semantic_vad", "eagerness": "high"}}})
    assert settings.json["audio"]["input"]["turn_detection"] == {**SEMANTIC_VAD, "eagerness": "high"}
    back = updated(settings, audio={"input": {"turn_detection": {"type": "server_vad"}}})
    assert back.json["audio"]["input"]["turn_detection"] == SERVER_VAD


def test_null_turns_turn_detection_off_and_a_type_turns_it_on_again():
    off = updated(audio={"input": {"turn_detection": None}})
    assert off.turn_detection is None
    assert (
        updated(off, audio={"input": {"turn_detection": {"type": "server_vad"}}}).turn_detection is not None
    )


def test_empty_values_clear():
    full = updated(instructions="x", tools=[{"type": "function", "name": "f"}], tool_choice="required")
    cleared = updated(full, instructions="", tools=[], tool_choice=None)
    assert (cleared.json["instructions"], cleared.json["tools"], cleared.json["tool_choice"]) == (
        "",
        [],
        "auto",
    )


def test_null_clears_what_is_never_null_itself():
    settings = updated(instructions=None, max_output_tokens=None, tools=None, truncation=None)
    session = settings.json
    assert (session["instructions"], session["max_output_tokens"], session["tools"]) == ("", "inf", [])
    assert session["truncation"] == "auto"


def test_noise_reduction_keeps_its_strength_when_its_type_changes():
    near = updated(audio={"input": {"noise_reduction": {"type": "near_field", "strength": 0.3}}})
    far = updated(near, audio={"input": {"noise_reduction": {"type": "far_field"}}})
    assert far.json["audio"]["input"]["noise_reduction"] == {"type": "far_field", "strength": 0.3}


def test_formats_are_those_of_the_api():
    assert DEFAULTS.input_format is PCM16
    g711 = updated(
        audio={"input": {"format": {"type": "audio/pcmu"}}, "output": {"format": {"type": "audio/pcma"}}}
    )
    assert g711.input_format is PCMU
    assert g711.output_format == {"type": PCMA.name}


def test_the_transcription_model_is_known_where_transcription_is_on():
    assert DEFAULTS.transcription_model is None
    assert updated(audio={"input": {"transcription": {}}}).transcription_model == "whisper-1"
    assert updated(audio={"input": {"transcription": {"model": "m"}}}).transcription_model == "m"


def test_the_voice_is_frozen_once_the_agent_has_spoken():
    change = {"output": {"voice": "cedar"}}
    assert updated(audio=change).voice == "cedar"
    assert refusal(spoken=True, audio=change) == ("cannot_update_voice", "session.audio.output.voice")
    assert updated(spoken=True, audio={"output": {"voice": "marin"}}).voice == "marin"


def test_the_model_is_always_frozen():
    assert updated(model="gpt-realtime").json["model"] == "gpt-realtime"
    assert refusal(model="gpt-realtime-2") == ("cannot_update_model", "session.model")


@pytest.mark.parametrize(
    ("session", "code", "param"),
    [
        ({"colour": "red"}, "unknown_parameter", "session.colour"),
        ({"instructions": 5}, "invalid_type", "session.instructions"),
        ({"output_modalities": ["text", "audio"]}, "array_above_max_length", "session.output_modalities"),
        ({"output_modalities": ["video"]}, "invalid_value", "session.output_modalities[0]"),
        ({"max_output_tokens": 5_000}, "integer_above_max_value", "session.max_output_tokens"),
        (
            {"audio": {"output": {"speed": 2.0}}},
            "decimal_above_max_value",
            "session.audio.output.speed",
        ),
        (
            {"audio": {"input": {"format": {"type": "audio/pcm", "rate": 16_000}}}},
            "integer_below_min_value",
            "session.audio.input.format.rate",
        ),
        (
            {"audio": {"input": {"turn_detection": {"type": "server_vad", "idle_timeout_ms": 100}}}},
            "integer_below_min_value",
            "session.audio.input.turn_detection.idle_timeout_ms",
        ),
        (
            {"audio": {"input": {"turn_detection": {"threshold": 0.5}}}},
            "missing_required_parameter",
            "session.audio.input.turn_detection.type",
        ),
        (
            {"audio": {"input": {"turn_detection": {"type": "semantic_vad", "threshold": 0.5}}}},
            "unknown_parameter",
            "session.audio.input.turn_detection.threshold",
        ),
        ({"tools": [{"type": "function"}]}, "missing_required_parameter", "session.tools[0].name"),
    ],
)
def test_what_is_not_allowed_is_refused_by_name(session, code, param):
    assert refusal(**session) == (code, param)


def test_a_tool_must_be_there_to_be_chosen():
    choice = {"type": "function", "name": "f"}
    assert refusal(tool_choice=choice) == ("invalid_value", "session.tool_choice")
    chosen = updated(tools=[{"type": "function", "name": "f"}], tool_choice=choice)
    assert chosen.json["tool_choice"] == choice


def test_the_type_is_required():
    with pytest.raises(Refusal, match=r"Missing required parameter: 'session.type'\."):
        DEFAULTS.updated({"instructions": "x"}, spoken=False)


def test_nothing_of_a_refused_update_is_applied():
    with pytest.raises(Refusal):
        updated(instructions="new", colour="red")
    assert DEFAULTS.json["instructions"] != "new"
