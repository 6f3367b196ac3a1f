"""Sweeps without a run: what would be run is replaced by a small program."""

import contextlib
import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from rtbench.analysis.sweep import SweepPoint
from rtbench.core.errors import ExitCode, UsageError
from rtbench.load import sweep
from rtbench.load.sweep import HeldPoint, PreparedPoint, grid, hold_sweep, prepare, scenario_grid
from rtbench.scenario.load import load_scenario
from rtbench.scenario.model import Scenario

KEY = "session.turn_detection.silence_duration_ms"
SCENARIO = """\
name: pauses
session:
  turn_detection: {type: server_vad, silence_duration_ms: 500}
conversation:
  - say: {role: question}
  - listen
"""


CALLS = Scenario.model_validate({"name": "calls", "conversation": [{"say": "hours_question"}, "listen"]})
"""In place of a point's own, where only its text is read."""


@pytest.fixture
def scenario(tmp_path: Path) -> Path:
    path = tmp_path / "pauses.yaml"
    path.write_text(SCENARIO)
    return path


def test_the_grid_is_every_combination_the_last_key_fastest() -> None:
    points = grid([f"{KEY}=200,500", "session.voice=alloy,marin"])
    assert [tuple(point.settings.values()) for point in points] == [
        (200, "alloy"),
        (200, "marin"),
        (500, "alloy"),
        (500, "marin"),
    ]
    assert [point.number for point in points] == [1, 2, 3, 4]
    assert list(points[0].settings) == [KEY, "session.voice"]


def test_values_are_read_as_a_scenario_reads_them_and_may_be_mappings() -> None:
    written = "session.turn_detection={type: server_vad, threshold: 0.4},{type: semantic_vad},null"
    assert [point.settings["session.turn_detection"] for point in grid([written])] == [
        {"type": "server_vad", "threshold": 0.4},
        {"type": "semantic_vad"},
        None,
    ]
    assert [point.settings["frame"] for point in grid(["frame=20 ms, 40 ms"])] == ["20 ms", "40 ms"]


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (["silence"], "'silence' is not KEY=VALUE,VALUE"),
        (["a="], "'a=' is not KEY=VALUE,VALUE"),
        (["=1,2"], "'=1,2' is not KEY=VALUE,VALUE"),
        (["a=1,2", "a=3"], "a is given twice"),
        (["a=[1,2"], "is not a YAML value"),
        (
            [f"a={','.join(map(str, range(30)))}", f"b={','.join(map(str, range(30)))}"],
            "900 points are too many",
        ),
    ],
)
def test_what_is_no_grid_is_told_in_one_sentence(settings: list[str], words: str) -> None:
    with pytest.raises(UsageError, match="--set") as raised:
        grid(settings)
    assert words in str(raised.value)


def carrying(scenario: Path, carried: str) -> list[SweepPoint]:
    scenario.write_text(f"{SCENARIO}sweep: {carried}\n")
    return scenario_grid(scenario)


def test_a_scenario_can_carry_its_grid(scenario: Path) -> None:
    points = carrying(scenario, f"{{{KEY}: [200, 500], transport: [websocket, webrtc]}}")

    assert [tuple(point.settings.values()) for point in points] == [
        (200, "websocket"),
        (200, "webrtc"),
        (500, "websocket"),
        (500, "webrtc"),
    ]


def test_a_scenario_can_carry_its_points_each_with_keys_of_its_own(scenario: Path) -> None:
    points = carrying(scenario, "[{transport: webrtc, codec: pcmu}, {session.input_format: audio/pcmu}]")

    assert [(point.number, point.settings) for point in points] == [
        (1, {"transport": "webrtc", "codec": "pcmu"}),
        (2, {"session.input_format": "audio/pcmu"}),
    ]
    assert [each.point for each in prepare(scenario, points)] == points


def test_a_scenario_without_a_grid_or_with_too_large_a_one_is_told(scenario: Path) -> None:
    with pytest.raises(UsageError, match="carries no sweep; name what is to vary by --set"):
        scenario_grid(scenario)
    values = ", ".join(map(str, range(30)))
    with pytest.raises(UsageError, match="sweep: 900 points are too many"):
        carrying(scenario, f"{{a: [{values}], b: [{values}]}}")
    with pytest.raises(UsageError, match="sweep: 201 points are too many"):
        carrying(scenario, f"[{', '.join(['{seed: 1}'] * 201)}]")


@pytest.mark.parametrize(("name", "points"), [("codec_matrix", 6), ("transport_ab", 4)])
def test_the_shipped_grids_are_made_of_scenarios_that_can_be_used(name: str, points: int) -> None:
    path = Path(__file__).parents[2] / "scenarios" / f"{name}.yaml"

    assert len(prepare(path, scenario_grid(path))) == points


def test_each_point_has_a_scenario_of_its_own_with_its_settings(scenario: Path, tmp_path: Path) -> None:
    prepared = prepare(scenario, grid([f"{KEY}=200,900"]))
    silences = []
    for each in prepared:
        path = tmp_path / f"{each.point.number}.yaml"
        path.write_text(each.text)
        detection = load_scenario(path).session.model_dump()["turn_detection"]
        silences.append(detection["silence_duration_ms"])
    assert silences == [200, 900]
    assert [each.folder for each in prepared] == ["01-silence_duration_ms-200", "02-silence_duration_ms-900"]


def test_a_value_that_the_scenario_may_not_have_is_told_before_anything_runs(scenario: Path) -> None:
    with pytest.raises(UsageError, match=rf"pauses\.yaml.*{KEY}"):
        prepare(scenario, grid([f"{KEY}=200,soon"]))


@pytest.fixture
def program(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """Replace `rtbench run` by a program that leaves a run's directory and ends with the code in its scenario."""
    script = tmp_path / "program.py"
    script.write_text(
        "import json, pathlib, sys\n"
        "arguments = sys.argv[1:]\n"
        "code = int(pathlib.Path(arguments[1]).read_text())\n"
        "run = pathlib.Path(arguments[3]) / '20261123-070000-x'\n"
        "if code != 1:\n"
        "    run.mkdir()\n"
        "    (run / 'run.json').write_text(json.dumps(arguments))\n"
        "print('not to be seen')\n"
        "sys.exit(code)\n"
    )
    popen = subprocess.Popen

    def start(command: list[str], **options: object):
        assert command[:3] == [sys.executable, "-m", "rtbench"]
        return popen([sys.executable, "-I", "-S", str(script), *command[3:]], **options)

    monkeypatch.setattr(sweep.subprocess, "Popen", start)


def _points(*codes: int) -> list[PreparedPoint]:
    return [
        PreparedPoint(SweepPoint(n, {"code": code}), str(code), CALLS)
        for n, code in enumerate(codes, start=1)
    ]


def no_options() -> list[str]:
    return []


@pytest.mark.usefixtures("program")
def test_every_point_is_run_in_its_folder_with_the_options_given(tmp_path: Path, capfd) -> None:
    noted: list[HeldPoint] = []
    held = hold_sweep(tmp_path, _points(0, 2, 4), lambda: [f"--users={len(noted)}"], noted.append)
    assert held == noted
    assert [point.exit_code for point in held] == [0, 2, 4]
    folder = tmp_path / "02-code-2"
    assert held[1].run == folder / "20261123-070000-x"
    arguments = json.loads((folder / "20261123-070000-x" / "run.json").read_text())
    assert arguments[:4] == ["run", str(folder / "scenario.yaml"), "--out", str(folder)]
    assert arguments[4:] == ["--with-parent", "--users=1"]
    assert capfd.readouterr().out == ""


@pytest.mark.usefixtures("program")
def test_a_sweep_that_has_no_options_left_for_the_next_point_ends(tmp_path: Path) -> None:
    left: list[list[str] | None] = [[], [], None]
    held = hold_sweep(tmp_path, _points(0, 0, 0), lambda: left.pop(0), lambda _: None)
    assert [point.point.number for point in held] == [1, 2]


@pytest.mark.usefixtures("program")
@pytest.mark.parametrize("code", [ExitCode.USAGE, ExitCode.TARGET, ExitCode.BUDGET, ExitCode.INTERRUPTED])
def test_what_would_fail_the_next_point_as_well_ends_the_sweep(tmp_path: Path, code: ExitCode) -> None:
    held = hold_sweep(tmp_path, _points(0, code, 0), no_options, lambda _: None)
    assert [point.exit_code for point in held] == [0, code]
    assert (held[1].run is None) == (code == ExitCode.USAGE)


@pytest.mark.usefixtures("program")
def test_a_signal_ends_the_sweep_after_the_point_under_way_and_handlers_are_as_before(tmp_path: Path) -> None:
    before = signal.getsignal(signal.SIGINT)
    held = hold_sweep(tmp_path, _points(0, 0, 0), no_options, lambda _: signal.raise_signal(signal.SIGINT))
    assert len(held) == 1
    assert signal.getsignal(signal.SIGINT) is before


def test_a_signal_is_passed_on_to_the_run_under_way_which_is_waited_for(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    story: list[object] = []

    class Run(contextlib.nullcontext):
        def __enter__(self):
            return self

        def send_signal(self, number: int) -> None:
            story.append(number)

        def wait(self) -> int:
            signal.raise_signal(signal.SIGTERM)
            story.append("drained")
            return 0

    monkeypatch.setattr(sweep.subprocess, "Popen", lambda *_, **__: Run())
    held = hold_sweep(tmp_path, _points(0, 0), no_options, lambda _: None)
    assert story == [signal.SIGINT, "drained"]
    assert [(point.run, point.exit_code) for point in held] == [(None, ExitCode.INTERRUPTED)]


def test_a_folder_that_cannot_be_made_is_told_in_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"cannot be written to \(.+\)\.$"):
        hold_sweep(tmp_path / "absent", _points(0), no_options, lambda _: None)
