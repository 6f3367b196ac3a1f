"""The effective scenario: its text validates to the same scenario, wherever it is kept."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtbench.corpus.manifest import Manifest, write_manifest
from rtbench.scenario.clips import open_corpus
from rtbench.scenario.effective import effective_text
from rtbench.scenario.load import load_scenario, validate_scenario
from rtbench.scenario.overrides import override
from rtbench.scenario.source import Source

SCENARIOS = sorted((Path(__file__).parents[2] / "scenarios").glob("*.yaml"))
ELSEWHERE = Path("elsewhere/scenario.yaml")

values = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**20), 10**20) | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def test_without_overrides_it_is_the_file_s_own_text(tmp_path: Path) -> None:
    text = "# what it is for\nname: x\nconversation: [listen]\n"
    assert effective_text(Source.parse(text, tmp_path / "x.yaml")) == text


@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: path.stem)
def test_it_reads_back_as_the_scenario_that_was_overridden(path: Path) -> None:
    scenario = load_scenario(path, overrides={"users": 3, "session.instructions": "Be brief: yes, 1e3.\nNo."})
    assert scenario.source is not None
    again = validate_scenario(Source.parse(effective_text(scenario.source), ELSEWHERE))
    assert again.model_dump() == scenario.model_dump()
    assert again.users == 3


def test_it_opens_with_where_it_came_from() -> None:
    changed = override(Source.parse("name: x\n", Path("x.yaml")), {"session.voice": "ash", "users": 3})
    assert effective_text(changed).splitlines()[0] == "# x.yaml, session.voice, users"


@given(values)
def test_any_value_reads_back_as_it_was_set(value: Any) -> None:
    changed = override(Source.parse("name: x\n", Path("x.yaml")), {"emulator": value})
    assert Source.parse(effective_text(changed), ELSEWHERE).data == changed.data


@pytest.mark.parametrize(
    "text", ["yes", "1e3", "08", "12", "null", "~", "", "1:30", "true", "<<", "> 3", "a: b"]
)
def test_text_stays_text(text: str) -> None:
    changed = override(Source.parse("name: x\n", Path("x.yaml")), {"description": text})
    assert Source.parse(effective_text(changed), ELSEWHERE).data["description"] == text


def test_a_corpus_beside_the_file_is_found_from_elsewhere_too(tmp_path: Path) -> None:
    corpus = tmp_path / "mine"
    corpus.mkdir()
    write_manifest(corpus, Manifest(name="mine", language="en", labelled_by="by hand", clips=()))
    path = tmp_path / "x.yaml"
    path.write_text("name: x\ncorpus: mine\nconversation: [listen]\n")
    scenario = load_scenario(path)
    assert scenario.source is not None
    again = validate_scenario(Source.parse(effective_text(scenario.source), ELSEWHERE))
    assert open_corpus(again).sha256 == open_corpus(scenario).sha256


def test_a_trace_beside_the_file_is_found_from_elsewhere_too(tmp_path: Path) -> None:
    (tmp_path / "calls.csv").write_text("seconds\n3\n7.5\n")
    path = tmp_path / "x.yaml"
    path.write_text("name: x\nconversation: [listen]\nshape: {replay: {file: calls.csv, cap: 2, speed: 2}}\n")
    scenario = load_scenario(path, overrides={"network": "wifi"})
    assert scenario.source is not None
    again = validate_scenario(Source.parse(effective_text(scenario.source), ELSEWHERE))
    assert again.shape is not None
    assert again.shape.read_trace(ELSEWHERE.parent).one.length_s == 4.5 / 2
