"""The scenario: defaults, rules between keys, and that it reads back as it was dumped."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from rtbench.scenario.fault import fault_location, fault_sentence
from rtbench.scenario.model import MOST_STEPS, Scenario, longest
from rtbench.scenario.source import Source
from rtbench.scenario.threshold import Threshold


def scenario(**keys: Any) -> Scenario:
    return Scenario.model_validate({"name": "x", "conversation": [{"say": "a"}, "listen"], **keys})


def told(**keys: Any) -> str:
    with pytest.raises(ValidationError) as caught:
        scenario(**keys)
    (error,) = caught.value.errors(include_url=False)
    existing, beyond = fault_location(error)
    return f"{'.'.join(map(str, (*existing, *beyond)))}: {fault_sentence(error)}"


def test_the_shortest_scenario_is_one_call_of_one_caller() -> None:
    shortest = scenario()
    assert (shortest.users, shortest.iterations_per_user, shortest.duration) == (1, 1, None)
    assert shortest.corpus == "english"
    assert shortest.session.model == "gpt-realtime"
    assert shortest.frame_ms == 40
    assert shortest.answer_timeout.s == 15
    assert not shortest.record.audio
    assert not shortest.record.transcripts
    assert shortest.thresholds == ()
    assert shortest.emulator == {}
    assert shortest.source is None


def test_a_run_ends_by_duration_or_by_iterations() -> None:
    assert scenario(iterations=3).iterations_per_user == 3
    timed = scenario(duration="2 min")
    assert timed.iterations_per_user is None
    assert timed.duration is not None
    assert timed.duration.s == 120


def test_thresholds_are_parsed() -> None:
    parsed = scenario(thresholds={"voice_to_voice_ms": {"p95": "< 800"}}).thresholds
    assert parsed == (Threshold("voice_to_voice_ms", "p95", "<", 800.0),)


def test_emulator_settings_are_kept_as_they_are() -> None:
    settings = {"response_delay": {"normal": {"mean": "300 ms"}}, "anything": [1]}
    assert scenario(emulator=settings).emulator == settings


@pytest.mark.parametrize("frame", ["10 ms", "20 ms", "0.2 s"])
def test_frames_are_10_to_200_ms(frame: str) -> None:
    assert 10 <= scenario(frame=frame).frame_ms <= 200


@pytest.mark.parametrize(
    ("keys", "sentence"),
    [
        ({"duration": "1 s", "iterations": 2}, "iterations: give duration or iterations, not both"),
        ({"duration": "0 s"}, "duration: must be longer than 0"),
        ({"answer_timeout": "0 s"}, "answer_timeout: must be longer than 0"),
        ({"frame": "15 ms"}, "frame: must be 10 ms to 200 ms in steps of 10 ms, not 15 ms"),
        ({"frame": "0 ms"}, "frame: must be 10 ms to 200 ms in steps of 10 ms, not 0 ms"),
        ({"frame": "210 ms"}, "frame: must be 10 ms to 200 ms in steps of 10 ms, not 210 ms"),
        ({"name": "a b"}, "name: must be made of letters, digits, _ and -, not 'a b'"),
        ({"name": "../a"}, "name: must be made of letters, digits, _ and -, not '../a'"),
        ({"name": "a\n"}, "name: must be made of letters, digits, _ and -, not 'a\\n'"),
        ({"name": ""}, "name: must be made of letters, digits, _ and -, not ''"),
        ({"name": "a" * 65}, "name: is longer than 64 characters"),
        ({"users": 0}, "users: must be 1 or more, not 0"),
        ({"spawn_rate": 0}, "spawn_rate: must be more than 0, not 0"),
        ({"conversation": []}, "conversation: needs at least 1 entry, has 0"),
        ({"seed": -1}, "seed: must be 0 or more, not -1"),
        ({"policy": "flush"}, "policy: must not be 'flush'; valid are flush_on_speech_started, passive"),
        (
            {"conversation": [{"choose": [{"steps": ["interrupt"]}]}]},
            "conversation.0.choose.0.steps.0.interrupt: "
            "there is no answer to speak into here; it stands between a say and its listen",
        ),
        (
            {"conversation": ["listen", {"push_to_talk": "a"}]},
            "conversation.1.push_to_talk: is for sessions without turn detection (turn_detection: none)",
        ),
        (
            {"player": {"prebufer": "1 s"}},
            "player.prebufer: unknown key 'prebufer'; did you mean 'prebuffer'?",
        ),
        ({"record": {"audio": "yes"}}, "record.audio: must be true or false, not 'yes'"),
        (
            {"thresholds": {"voice_to_voice_ms": {"p96": "< 1"}}},
            "thresholds.voice_to_voice_ms.p96: unknown statistic 'p96'; did you mean 'p99'?",
        ),
    ],
)
def test_what_does_not_fit_is_told_in_one_sentence(keys: dict[str, Any], sentence: str) -> None:
    assert told(**keys) == sentence


def test_groups_cannot_grow_beyond_what_a_call_needs() -> None:
    deep: Any = "listen"
    for _ in range(3):
        deep = {"repeat": {"times": 1000, "steps": [deep]}}
    assert told(conversation=[deep]) == (
        f"conversation: has up to 1000000000 steps when its groups are expanded; the most is {MOST_STEPS}"
    )


def test_the_longest_branch_counts() -> None:
    branches = [{"steps": ["listen"]}, {"steps": ["listen"] * 4}, {"steps": []}]
    steps = scenario(conversation=["listen", {"choose": branches}]).conversation
    assert longest(steps) == 5


def test_a_dumped_scenario_reads_back_equal() -> None:
    written = scenario(
        session={"turn_detection": {"type": "server_vad"}, "transcription": None, "voice": {"id": "v"}},
        conversation=[
            {"say": {"role": "question", "voice": "rms"}},
            {"listen": {"timeout": "1.5 s"}},
            {"pause": "1 ms .. 2 h"},
            {"repeat": {"times": 2, "steps": [{"choose": [{"weight": 0.5, "steps": ["listen"]}]}]}},
            {"mumble": {"clip": "a", "level": "-12.5 dB"}},
            "backchannel",
            {"interrupt": {"fraction": 0.25}},
            {"tone": {"after": "2 s", "any_of": ["a"]}},
            "listen",
            {"stay_silent": "1 s .. 2 s"},
        ],
        policy="passive",
        duration="1.5 min",
        thresholds={"connect_ms": {"p95": "< 800.5", "max": "<= 3"}},
    )
    dumped = written.model_dump(mode="json", exclude_unset=True)
    assert Scenario.model_validate(dumped) == written
    assert Scenario.model_validate(dumped).session.config() == written.session.config()
    assert Scenario.model_validate(written.model_dump(mode="json")) == written


def test_an_error_names_file_and_line_where_there_is_one() -> None:
    source = Source.parse("name: x\nusers: 3\n", Path("x.yaml"))
    assert str(scenario().error(("users",), "too many")) == "scenario 'x': users: too many"
    assert str(scenario().read_from(source).error(("users",), "too many")) == "x.yaml:2: users: too many"


def test_a_changed_copy_still_knows_its_file() -> None:
    source = Source.parse("name: x\n", Path("x.yaml"))
    assert scenario().read_from(source).model_copy(update={"users": 7}).source is source
