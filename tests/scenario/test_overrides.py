"""Overrides: keys by dotted path, values as a scenario has them, and only what lies on the way is touched."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtbench.core.errors import UsageError
from rtbench.scenario.fault import KeyPath
from rtbench.scenario.overrides import key_path, override, parse_override
from rtbench.scenario.source import Source, written_path

TEXT = """\
name: x
session: {voice: marin, turn_detection: none}
conversation:
- say: a
- listen
thresholds: {voice_to_voice_ms: {p95: < 800}}
"""


def source(text: str = TEXT) -> Source:
    return Source.parse(text, Path("x.yaml"))


def refusal(written: str) -> str:
    with pytest.raises(UsageError) as caught:
        parse_override(written)
    return str(caught.value)


@pytest.mark.parametrize(
    ("written", "key", "value"),
    [
        ("users=7", "users", 7),
        ("spawn_rate=2.5", "spawn_rate", 2.5),
        ("session.voice = ash", "session.voice", "ash"),
        ("session.turn_detection=none", "session.turn_detection", "none"),
        ("session.turn_detection=null", "session.turn_detection", None),
        ("session.turn_detection={type: server_vad}", "session.turn_detection", {"type": "server_vad"}),
        ("emulator.replies=[a, b]", "emulator.replies", ["a", "b"]),
        ("record.audio=true", "record.audio", True),
        ("duration=30 s", "duration", "30 s"),
        ("description=a = b", "description", "a = b"),
        ("thresholds.yield_rate.rate=>= 0.9", "thresholds.yield_rate.rate", ">= 0.9"),
        ("description=", "description", None),
    ],
)
def test_a_value_is_read_as_it_stands_in_a_scenario(written: str, key: str, value: object) -> None:
    assert parse_override(written) == (key, value)


@pytest.mark.parametrize(
    ("written", "sentence"),
    [
        ("users", "'users' is not KEY=VALUE, such as session.turn_detection.silence_duration_ms=300"),
        ("=3", "'=3' is not KEY=VALUE, such as session.turn_detection.silence_duration_ms=300"),
        ("a..b=3", "'a..b' is not a key such as session.voice or conversation[0].say"),
        ("a.=3", "'a.' is not a key such as session.voice or conversation[0].say"),
        ("a[x]=3", "'a[x]' is not a key such as session.voice or conversation[0].say"),
        ("a[0]b=3", "'a[0]b' is not a key such as session.voice or conversation[0].say"),
        ("users=[1", "users: '[1' is not a YAML value"),
        ("users=!!python/name:os.system x", "users: '!!python/name:os.system x' is not a YAML value"),
    ],
)
def test_what_is_no_override_is_told_in_one_sentence(written: str, sentence: str) -> None:
    assert refusal(written) == sentence


@pytest.mark.parametrize(
    ("dotted", "keys"),
    [
        ("users", ("users",)),
        ("conversation[12].interrupt.heard", ("conversation", 12, "interrupt", "heard")),
        ('thresholds.connect_ms."p99.9"', ("thresholds", "connect_ms", "p99.9")),
        ("a[0][1]", ("a", 0, 1)),
    ],
)
def test_a_path_is_keys_and_positions(dotted: str, keys: KeyPath) -> None:
    assert key_path(dotted) == keys


@given(st.lists(st.from_regex(r"[a-z_]{1,8}", fullmatch=True) | st.integers(0, 99), min_size=1, max_size=6))
def test_a_path_reads_back_as_errors_write_it(keys: list[str | int]) -> None:
    path = ("top", *keys)
    assert key_path(written_path(path)) == path


@pytest.mark.parametrize(
    ("dotted", "value", "changed"),
    [
        ("name", "y", {"name": "y"}),
        ("users", 3, {"users": 3}),
        ("session.voice", "ash", {"session": {"voice": "ash", "turn_detection": "none"}}),
        ("conversation[0].say", "b", {"conversation": [{"say": "b"}, "listen"]}),
        ("conversation[1]", {"pause": "1 s"}, {"conversation": [{"say": "a"}, {"pause": "1 s"}]}),
        ("emulator.response_delay", "1 s", {"emulator": {"response_delay": "1 s"}}),
        ("session.transcription.model", "w", {}),
    ],
)
def test_one_key_is_set_and_the_rest_stays(dotted: str, value: object, changed: dict[str, Any]) -> None:
    data = override(source(), {dotted: value}).data
    expected = {**source().data, **changed}
    if not changed:
        expected["session"] = {**expected["session"], "transcription": {"model": "w"}}
    assert data == expected


def test_the_source_itself_is_not_changed() -> None:
    original = source()
    override(original, {"session.voice": "ash", "conversation[0].say": "b"})
    assert original.data == source().data


def test_a_mapping_that_stands_in_two_places_is_changed_in_one() -> None:
    shared = source("a: &a {x: 1}\nb: *a\n")
    assert override(shared, {"a.x": 2}).data == {"a": {"x": 2}, "b": {"x": 1}}


def test_several_overrides_are_made_in_order_and_remembered() -> None:
    first = override(source(), {"session.turn_detection": {"type": "server_vad"}})
    second = override(first, {"session.turn_detection.threshold": 0.7, "users": 2})
    assert second.data["session"]["turn_detection"] == {"type": "server_vad", "threshold": 0.7}
    assert second.overridden == (
        ("session", "turn_detection"),
        ("session", "turn_detection", "threshold"),
        ("users",),
    )


@pytest.mark.parametrize(
    ("dotted", "sentence"),
    [
        (
            "session.turn_detection.threshold",
            "x.yaml:2: session.turn_detection: is 'none', which has no threshold, "
            "so session.turn_detection.threshold cannot be set",
        ),
        (
            "conversation[2].say",
            "x.yaml:3: conversation: has 2 entries, counted from 0, so conversation[2].say cannot be set",
        ),
        (
            "conversation.say",
            "x.yaml:3: conversation: is a list, which has no say, so conversation.say cannot be set",
        ),
        ("session[0]", "x.yaml:2: session: is a mapping, which has no [0], so session[0] cannot be set"),
    ],
)
def test_a_path_that_leads_nowhere_is_told_with_file_line_and_key(dotted: str, sentence: str) -> None:
    with pytest.raises(UsageError) as caught:
        override(source(), {dotted: 1})
    assert str(caught.value) == sentence
