"""Loading: the first fault in one sentence with file, line and key."""

from pathlib import Path

import pytest

from rtbench.core.errors import UsageError
from rtbench.emulator.profile import Profile
from rtbench.scenario.load import load_scenario, load_scenarios

SCENARIOS = sorted((Path(__file__).parents[2] / "scenarios").glob("*.yaml"))

WHOLE = """\
name: whole
session:
  voice: marin
  turn_detection: {type: server_vad, silence_duration_ms: 200}
  truncation: {type: retention_ratio, retention_ratio: 0.5}
users: 3
think_time: 300 ms .. 900 ms
conversation:
  - say: a
  - listen
  - pause: 300 ms
  - repeat:
      times: 3
      steps: [{say: {role: question}}]
thresholds:
  voice_to_voice_ms: {p95: < 800}
"""


def told(path: Path, text: str) -> str:
    """The sentence about a text, with the folder left out."""
    path.write_text(text)
    with pytest.raises(UsageError) as caught:
        load_scenario(path)
    return str(caught.value).replace(str(path), path.name)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "x.yaml"


def test_a_whole_scenario_is_read(path: Path) -> None:
    path.write_text(WHOLE)
    scenario = load_scenario(str(path))
    assert (scenario.name, scenario.users, len(scenario.conversation)) == ("whole", 3, 4)
    assert scenario.source is not None
    assert (scenario.source.path, scenario.source.text) == (path, WHOLE)


@pytest.mark.parametrize(
    ("written", "instead", "sentence"),
    [
        ("say: a", "sya: a", "x.yaml:9: conversation[0].sya: unknown step 'sya'; did you mean 'say'?"),
        (
            "say: a",
            "say: {rol: a}",
            "x.yaml:9: conversation[0].say.rol: unknown key 'rol'; did you mean 'role'?",
        ),
        (
            "role: question",
            "role: questoin",
            "x.yaml:14: conversation[3].repeat.steps[0].say.role: "
            "must not be 'questoin'; did you mean 'question'?",
        ),
        (
            "pause: 300 ms",
            "pause: 300",
            "x.yaml:11: conversation[2].pause: a duration needs its unit: write '300 ms' or '300 s'",
        ),
        (
            "pause: 300 ms",
            "pause: 300 msec",
            "x.yaml:11: conversation[2].pause: unknown unit 'msec'; write 300 followed by ms, s, min or h",
        ),
        ("users: 3", "usrs: 3", "x.yaml:6: usrs: unknown key 'usrs'; did you mean 'users'?"),
        ("users: 3", "users: many", "x.yaml:6: users: must be a whole number, not 'many'"),
        ("users: 3", "users: 3\nusers: 4", "x.yaml:7: users: is already given in line 6"),
        ("name: whole\n", "", "x.yaml:1: name: is missing"),
        ("      times: 3\n", "", "x.yaml:12: conversation[3].repeat.times: is missing"),
        (
            "conversation:",
            "conversaton:",
            "x.yaml:8: conversaton: unknown key 'conversaton'; did you mean 'conversation'?",
        ),
        (
            "silence_duration_ms",
            "silence_ms",
            "x.yaml:4: session.turn_detection.silence_ms: "
            "unknown key 'silence_ms'; did you mean 'silence_duration_ms'?",
        ),
        (
            "server_vad",
            "server_vat",
            "x.yaml:4: session.turn_detection: unknown 'type' 'server_vat'; did you mean 'server_vad'?",
        ),
        (
            "type: server_vad, ",
            "",
            "x.yaml:4: session.turn_detection: must be a mapping with a 'type'",
        ),
        (
            "retention_ratio: 0.5",
            "retention_ratio: 5",
            "x.yaml:5: session.truncation.retention_ratio: must be 1 or less, not 5",
        ),
        (
            "voice_to_voice_ms",
            "voice_to_vioce_ms",
            "x.yaml:16: thresholds.voice_to_vioce_ms: unknown metric 'voice_to_vioce_ms'; "
            "did you mean 'voice_to_voice_ms'?",
        ),
        (
            "pause: 300 ms",
            "network: satelite",
            "x.yaml:11: conversation[2].network.preset: unknown preset 'satelite'; did you mean 'satellite'?",
        ),
        (
            "pause: 300 ms",
            "network:\n      preset: 4g\n      lost: 2%",
            "x.yaml:13: conversation[2].network.lost: unknown key 'lost'; did you mean 'loss'?",
        ),
        (
            "voice: marin",
            "voice: 3\n  speed: 9",
            "x.yaml:3: session.voice: must be text, not 3 (and 1 more)",
        ),
        (
            "{p95: < 800}",
            "{rate: >= 3}",
            "x.yaml:16: not valid YAML: a value that begins with '>' needs quotes",
        ),
    ],
)
def test_the_first_fault_is_told_with_file_line_and_key(
    path: Path, written: str, instead: str, sentence: str
) -> None:
    assert written in WHOLE
    assert told(path, WHOLE.replace(written, instead, 1)) == sentence


@pytest.mark.parametrize("text", ["- say: a\n", "hello\n", "12\n"])
def test_a_file_that_is_no_mapping_is_told_what_a_scenario_is(path: Path, text: str) -> None:
    assert told(path, text) == "x.yaml:1: a scenario is a mapping of keys such as name and conversation"


def test_an_empty_file_is_told(path: Path) -> None:
    assert told(path, "") == "x.yaml: is empty"


def test_a_recursive_file_is_told(path: Path) -> None:
    recursive = "name: x\nconversation: &all\n- repeat: {times: 2, steps: *all}\n"
    assert told(path, recursive).startswith("x.yaml:")


def test_keys_can_be_set_from_outside(path: Path) -> None:
    path.write_text(WHOLE)
    scenario = load_scenario(
        path, overrides={"users": 7, "session.turn_detection.silence_duration_ms": 300, "name": "other"}
    )
    assert (scenario.users, scenario.name) == (7, "other")
    assert scenario.session.config().settings["audio"]["input"]["turn_detection"] == {
        "type": "server_vad",
        "silence_duration_ms": 300,
    }


@pytest.mark.parametrize(
    ("key", "value", "sentence"),
    [
        ("users", 0, "users (overridden): must be 1 or more, not 0"),
        (
            "session.turn_detection.silence_ms",
            300,
            "session.turn_detection.silence_ms (overridden): "
            "unknown key 'silence_ms'; did you mean 'silence_duration_ms'?",
        ),
        (
            "session.turn_detection.silence_duration_ms",
            "300 ms",
            "session.turn_detection.silence_duration_ms (overridden): must be a whole number, not '300 ms'",
        ),
        ("conversation[2].pause", 5, "conversation[2].pause (overridden): a duration needs its unit:"),
    ],
)
def test_a_wrong_value_from_outside_is_told_with_its_dotted_key(
    path: Path, key: str, value: object, sentence: str
) -> None:
    path.write_text(WHOLE)
    with pytest.raises(UsageError) as caught:
        load_scenario(path, overrides={key: value})
    assert str(caught.value).startswith(f"{path}: {sentence}")


def test_what_is_wrong_in_the_file_keeps_its_line_where_something_else_is_overridden(path: Path) -> None:
    path.write_text(WHOLE.replace("users: 3", "users: many"))
    with pytest.raises(UsageError, match=r"x\.yaml:6: users: must be a whole number, not 'many'$"):
        load_scenario(path, overrides={"session.voice": "ash"})


def test_metrics_can_be_given(path: Path) -> None:
    path.write_text(WHOLE.replace("voice_to_voice_ms", "my_ms"))
    assert load_scenario(path, known_metrics=("my_ms",)).thresholds[0].metric == "my_ms"


def test_no_two_scenarios_have_one_name(tmp_path: Path) -> None:
    first, second = tmp_path / "a.yaml", tmp_path / "b.yaml"
    for path in (first, second):
        path.write_text(WHOLE)
    with pytest.raises(UsageError) as caught:
        load_scenarios([first, second])
    assert str(caught.value) == f"{second}:1: name: 'whole' is already the name of {first}"


def test_overrides_hold_for_all_of_several_files(tmp_path: Path) -> None:
    first, second = tmp_path / "a.yaml", tmp_path / "b.yaml"
    first.write_text(WHOLE)
    second.write_text(WHOLE.replace("name: whole", "name: other"))
    assert [scenario.users for scenario in load_scenarios([first, second], overrides={"users": 9})] == [9, 9]


def test_every_shipped_scenario_is_valid_named_after_its_file_and_says_what_it_is_for() -> None:
    scenarios = load_scenarios(SCENARIOS)
    assert [scenario.name for scenario in scenarios] == [path.stem for path in SCENARIOS]
    for scenario in scenarios:
        assert scenario.source is not None
        assert scenario.source.text.startswith("# ")
        assert "# Look at: " in scenario.source.text
        assert scenario.thresholds


@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: path.stem)
def test_the_emulator_understands_its_settings_in_every_shipped_scenario(path: Path) -> None:
    settings = load_scenario(path).emulator
    assert Profile.model_validate(settings).model_fields_set == set(settings)
