"""Bad input: one sentence on standard error, the right exit code, and nothing started or left behind."""

import json
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

pytestmark = pytest.mark.e2e

Replace = Callable[..., Path]


@pytest.fixture
def written(scenario_text: str, tmp_path: Path) -> Replace:
    """The small scenario with some of its words replaced, as a file."""

    def write(*replacements: tuple[str, str]) -> Path:
        text = scenario_text
        for old, new in replacements:
            assert old in text
            text = text.replace(old, new)
        path = tmp_path / "bad.yaml"
        path.write_text(text)
        return path

    return write


@pytest.fixture
def refused(start: Callable[..., Any]) -> Callable[..., str]:
    """The one sentence with which a command is refused."""

    def run(*command: str | Path, code: int = 1, **variables: str) -> str:
        running = start("rtbench", *command, **variables)
        ended = running.ended()
        assert ended.code == code, ended.out + ended.errors
        assert ended.errors.count("\n") == 1, ended.errors
        assert ended.errors.startswith("rtbench: ")
        assert "Traceback" not in ended.errors
        assert ended.out == ""
        assert list(running.folder.glob("reports/*")) == []
        assert running.left_behind() == []
        return str(ended.errors).rstrip()

    return run


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        yield holder.getsockname()[1]


@pytest.mark.parametrize(
    ("old", "new", "where", "what"),
    [
        ("- listen", "- listne", "bad.yaml:7: conversation[1]", "listne"),
        ("think_time: 0 ms", "think_time: 5 parsecs", "bad.yaml:11: think_time", "parsecs"),
        ("say: yes_rms", "say: yes_rsm", "bad.yaml:6: conversation[0].say", "did you mean 'yes_rms'"),
        ("users: 2", "users: many", "bad.yaml:8: users", "many"),
        ("users: 2", "users: 2\nusers: 3", "bad.yaml:9: users", "already given in line 8"),
        ("users: 2", "thresholds: {wit_ms: {p50: '< 1'}}", "bad.yaml:8: thresholds.wit_ms", "wit_ms"),
        ("response_delay: 50 ms", "response_dealy: 50 ms", "bad.yaml:14: emulator.response_dealy", "delay"),
        ("[sure_america]", "[sure_amrica]", "bad.yaml:15: emulator.replies[0]", "sure_america"),
    ],
    ids=[
        "unknown step",
        "wrong unit",
        "missing clip",
        "no number",
        "duplicate key",
        "unknown metric",
        "emulator setting",
        "emulator reply",
    ],
)
def test_a_scenario_that_is_wrong_is_named_by_file_line_and_key(
    refused: Callable[..., str], written: Replace, old: str, new: str, where: str, what: str
) -> None:
    path = written((old, new))
    sentence = refused("run", path)
    assert sentence.startswith(f"rtbench: {path.parent}/{where}"), sentence
    assert what in sentence


def test_two_scenarios_of_one_name_are_told_apart_by_file(
    refused: Callable[..., str], written: Replace, scenario: Path
) -> None:
    path = written(("- listen", "- listen"))
    sentence = refused("run", scenario, path)
    assert str(scenario) in sentence and f"{path}:1: name" in sentence


@pytest.fixture
def own_corpus(corpus: Path, tmp_path: Path) -> Path:
    """A copy of the corpus that a test may spoil."""
    folder = tmp_path / "own"
    (folder / "clips").mkdir(parents=True)
    for path in corpus.rglob("*.*"):
        (folder / path.relative_to(corpus)).write_bytes(path.read_bytes())
    return folder


def test_an_audio_file_that_cannot_be_read_is_named(
    refused: Callable[..., str], written: Replace, own_corpus: Path, corpus: Path
) -> None:
    (own_corpus / "clips/yes_rms.flac").write_bytes(b"not audio")
    sentence = refused("run", written((str(corpus), str(own_corpus))))
    assert str(own_corpus / "clips/yes_rms.flac") in sentence


def test_an_audio_file_of_another_sample_rate_is_named(
    refused: Callable[..., str], written: Replace, own_corpus: Path, corpus: Path
) -> None:
    file = own_corpus / "clips/yes_rms.flac"
    soundfile.write(file, np.zeros(8000, np.int16), 8000)
    sentence = refused("run", written((str(corpus), str(own_corpus))))
    assert str(file) in sentence
    assert "8000" in sentence or "8,000" in sentence


def test_a_target_that_is_not_there_for_two_workers(refused: Callable[..., str], scenario: Path) -> None:
    url = "http://127.0.0.1:9/v1"
    sentence = refused("run", scenario, "--target", url, "--workers", "2", code=5)
    assert f"{url} cannot be reached" in sentence


def test_a_key_that_the_target_refuses_is_not_told(
    start: Callable[..., Any], refused: Callable[..., str], scenario: Path, corpus: Path
) -> None:
    arguments = (
        "--port",
        "0",
        "--announce",
        "--corpus",
        corpus,
        "--settings",
        '{"replies": ["sure_america"]}',
    )
    emulator = start("rtbench", "emulator", *arguments, RTBENCH_EMULATOR_KEY="sk-right")
    emulator.until(lambda: "\n" in emulator.out, "the emulator's address")
    url = json.loads(emulator.out)["url"]
    sentence = refused("run", scenario, "--target", url, code=5, RTBENCH_API_KEY="sk-wrong")
    assert url in sentence and "refused the key" in sentence
    assert "sk-" not in sentence


def test_a_remote_target_without_a_budget(refused: Callable[..., str], scenario: Path) -> None:
    sentence = refused("run", scenario, "--target", "https://voice.example/v1")
    assert "https://voice.example/v1" in sentence and "--no-budget" in sentence


def test_a_target_without_a_name(refused: Callable[..., str], scenario: Path) -> None:
    assert "unknown target 'opneai'" in refused("run", scenario, "--target", "opneai")


def test_an_output_folder_that_cannot_be_written(refused: Callable[..., str], scenario: Path) -> None:
    out = scenario / "reports"  # below a file: not even root may
    assert f"{out}: the output folder cannot be written to" in refused("run", scenario, "--out", out)


def test_a_port_that_is_taken(refused: Callable[..., str], scenario: Path, taken_port: int) -> None:
    assert f"port {taken_port}" in refused("emulator", "--port", str(taken_port))
    assert f"port {taken_port}" in refused("run", scenario, "--web", str(taken_port))


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--users", "three"),
        ("--users", "0"),
        ("--users", "²"),
        ("--spawn-rate", "inf"),
        ("--duration", "5 lightyears"),
        ("--duration", "0 s"),
        ("--web", "70000"),
    ],
)
def test_an_option_that_is_wrong_is_named(
    refused: Callable[..., str], scenario: Path, option: str, value: str
) -> None:
    assert option in refused("run", scenario, option, value)
