import json

import pytest

from rtbench.core.errors import UsageError
from rtbench.load.run_keeper import RunKeeper, RunSettings
from rtbench.results import writer as writer_module
from rtbench.results.reader import read_run
from rtbench.results.reconciliation import Reconciliation
from rtbench.scenario.load import load_scenario

SCENARIO = """\
name: {name}
corpus: {corpus}
conversation:
  - say: {{role: question}}
  - listen
seed: 11
thresholds:
  voice_to_voice_ms: {{p95: "< 1200"}}
"""


@pytest.fixture
def scenarios(tmp_path):
    """Two scenario files, read."""

    def write(name: str, corpus: str = "english"):
        path = tmp_path / f"{name}.yaml"
        path.write_text(SCENARIO.format(name=name, corpus=corpus))
        return path, load_scenario(path)

    return [write("short"), write("long")]


@pytest.fixture
def keep(tmp_path, scenarios):
    """Begins a run of these scenarios."""

    def begin(chosen=None) -> RunKeeper:
        target, command = "http://127.0.0.1:8080/v1", ["rtbench", "run"]
        load = {"users": 3, "spawn_rate": 1.0, "shape": None}
        settings = RunSettings(target, "websocket", tmp_path / "reports", command, load)
        return RunKeeper(chosen or scenarios, settings)

    return begin


def test_a_run_begins_with_its_directory_and_its_provenance(keep, scenarios, tmp_path) -> None:
    keeper = keep()
    assert keeper.directory.path.parent == tmp_path / "reports"
    assert keeper.directory.path.name.endswith("-short-long")
    run = json.loads(keeper.directory.run_json.read_text())
    assert [scenario["name"] for scenario in run["scenarios"]] == ["short", "long"]
    assert run["scenarios"][0]["text"] == scenarios[0][0].read_text()
    assert (run["seed"], run["target"], run["transport"]) == (11, "http://127.0.0.1:8080/v1", "websocket")
    assert [threshold["metric"] for threshold in run["thresholds"]] == ["voice_to_voice_ms"] * 2
    assert (run["ended_at"], run["reconciliation"]) == (None, None)
    assert run["load"] == {"users": 3, "spawn_rate": 1.0, "shape": None}


def test_a_run_ends_with_its_rows_on_disk_and_its_reconciliation(keep) -> None:
    keeper = keep()
    keeper.recorder.take("turns", {"session": "w0-000001", "number": 1})
    keeper.end(Reconciliation(rows_sent=1, rows_received=1, sessions_finished=0))
    run = read_run(keeper.directory.path)
    assert len(run.turns) == 1
    assert run.provenance["ended_at"] is not None
    assert run.provenance["reconciliation"]["rows_received"] == 1


def test_rows_that_the_last_write_lost_are_not_counted_as_received(keep, monkeypatch) -> None:
    keeper = keep()
    keeper.recorder.take("turns", {"session": "w0-000001", "number": 1})

    def refuse(*args, **kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(writer_module.pq, "write_table", refuse)
    keeper.end(Reconciliation(rows_sent=1, rows_received=1))
    assert read_run(keeper.directory.path).provenance["reconciliation"]["rows_received"] == 0


def test_a_disk_that_takes_no_run_json_at_the_end_does_not_raise(keep, monkeypatch) -> None:
    keeper = keep()

    def refuse(*args, **kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("rtbench.load.run_keeper.write_run_json", refuse)
    keeper.end(Reconciliation())
    assert json.loads(keeper.directory.run_json.read_text())["ended_at"] is None


def test_a_corpus_that_is_not_there_leaves_no_directory_behind(keep, tmp_path) -> None:
    path = tmp_path / "lost.yaml"
    path.write_text(SCENARIO.format(name="lost", corpus="nowhere"))
    with pytest.raises(UsageError, match="nowhere"):
        keep([(path, load_scenario(path))])
    assert not (tmp_path / "reports").exists()


def test_an_output_folder_that_cannot_be_made_is_refused(scenarios, tmp_path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    with pytest.raises(UsageError, match="output folder"):
        RunKeeper(scenarios, RunSettings(out=blocked / "reports"))


def test_the_codecs_of_a_run_are_those_of_its_webrtc_calls(scenarios) -> None:
    _, plain = scenarios[0]
    media = plain.held_over("webrtc", "pcma")
    assert RunSettings().codecs([plain, media, media]) == ["pcma"]
    assert RunSettings(transport="webrtc").codecs([plain]) == ["opus"]
    assert RunSettings(transport="webrtc", codec="pcmu").codecs([plain, media]) == ["pcmu"]
    assert RunSettings(transport="websocket").codecs([media]) == []


def test_transport_and_codec_are_what_was_asked_for_or_what_the_scenarios_say(scenarios, tmp_path) -> None:
    (path, plain), (other, _) = scenarios
    mixed = [(path, plain), (other, plain.held_over("webrtc"))]

    def told(**settings) -> tuple[str, str]:
        keeper = RunKeeper(mixed, RunSettings("http://127.0.0.1:8080/v1", out=tmp_path, **settings))
        kept = json.loads(keeper.directory.run_json.read_text())
        return kept["transport"], kept["codec"]

    assert told() == ("webrtc+websocket", "opus")
    assert told(transport="webrtc", codec="pcmu") == ("webrtc", "pcmu")
    assert told(transport="websocket") == ("websocket", "")
