"""What the command line of `rtbench run` judges and limits by: thresholds, baseline, budget."""

import argparse
from pathlib import Path

import pytest

from rtbench.cli.planned_run import planned_run
from rtbench.cli.run_judging import Judging, add_run_options
from rtbench.core.errors import UsageError
from rtbench.scenario.budget import BudgetMeter
from rtbench.scenario.live_threshold import LiveThresholds

SCENARIO = """\
name: brief
conversation:
  - say: {role: question}
  - listen
users: 4
duration: 30 s
thresholds:
  voice_to_voice_ms: {p50: "< 800"}
"""


@pytest.fixture
def options():
    """The options as parsed, with what `rtbench run` has besides."""
    parser = argparse.ArgumentParser()
    add_run_options(parser)
    for name in ("target", "transport", "codec"):
        parser.add_argument(f"--{name}")
    parser.add_argument("--users", type=int)
    parser.add_argument("--spawn-rate", type=float)
    parser.add_argument("--out", type=Path, default=Path("reports"))
    return lambda *arguments: parser.parse_args(["--target", "emulator", *arguments])


@pytest.fixture
def scenario(tmp_path: Path) -> Path:
    path = tmp_path / "brief.yaml"
    path.write_text(SCENARIO)
    return path


def test_without_options_only_the_scenario_judges(options, scenario: Path, capsys) -> None:
    judging = Judging.read(options())
    assert (judging.thresholds, judging.meter, judging.abort_after_s) == ((), None, None)
    (live,) = judging.begin(options(), scenario, None, None)
    assert isinstance(live, LiveThresholds)
    assert capsys.readouterr().err == ""


def test_thresholds_are_read_one_by_one(options) -> None:
    judging = Judging.read(options("--threshold", "turns:count>=9", "--threshold", "void_rate:rate<0.1"))
    assert [str(threshold) for threshold in judging.thresholds] == [
        "turns count >= 9",
        "void_rate rate < 0.1",
    ]


def test_any_threshold_may_be_made_to_end_the_run(options, scenario: Path) -> None:
    args = options(
        "--abort-on-fail", "5 s", "--threshold", "errors:count<1", "--threshold", "turns:count>=100"
    )
    (live,) = Judging.read(args).begin(args, scenario, None, None)
    live.take("sessions", {"errors": '{"closed": 1}', "scenario": "brief"})
    assert live.stop(4.9) is None
    assert str(live.stop(5.0)) == "stopped after 5 s: errors count < 1 does not hold (1)"


def test_a_budget_is_counted_and_what_a_run_may_come_to_is_told(options, scenario: Path, capsys) -> None:
    args = options("--budget-usd", "5", "--budget-minutes", "10")
    _, meter = Judging.read(args).begin(args, scenario, None, None)
    assert isinstance(meter, BudgetMeter)
    assert capsys.readouterr().err.startswith("rtbench: at most 2.0 call minutes, about ")
    scenario.write_text(
        SCENARIO.replace(
            "users: 4\nduration: 30 s",
            "shape: {spike: {base: 1, users: 60, before: 30 s, lasts: 1 min, after: 30 s}}",
        )
    )
    Judging.read(args).begin(args, scenario, None, None)
    assert capsys.readouterr().err.startswith("rtbench: at most 61.0 call minutes, about ")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--threshold", "voice:p50<1"], "--threshold 'voice:p50<1': unknown metric"),
        (["--abort-on-fail", "soon"], "--abort-on-fail: must be a duration"),
        (["--baseline", "absent"], "absent: no such run"),
        (["--budget-usd", "1", "--no-budget"], "say one or the other"),
    ],
)
def test_what_cannot_be_meant_is_refused(options, arguments: list[str], told: str) -> None:
    with pytest.raises(UsageError, match=told):
        Judging.read(options(*arguments))


@pytest.fixture
def baseline(options, scenario: Path, night, tmp_path: Path):
    """A run of the scenario with four callers, but for what is changed."""

    def make(name: str, **changed) -> str:
        planned = planned_run(options(), scenario, None, None)
        return str(night(name, folder=tmp_path / "nights", sessions=2, turns=2, **{**planned, **changed}))

    return make


def check(options, scenario: Path, *arguments: str) -> None:
    args = options(*arguments)
    Judging.read(args).check_baseline(args, [scenario], None, None)


def test_a_baseline_that_fits_is_taken(options, scenario: Path, baseline, tmp_path: Path) -> None:
    named = baseline("fits", target="openai", seed=7)
    check(options, scenario)
    for each in ("latest", named, str(tmp_path / "nights")):
        check(options, scenario, "--baseline", each)


@pytest.mark.parametrize(
    ("changed", "arguments", "told"),
    [
        ({}, ["--users", "9"], "load users 4, spawn_rate 1.0 and users 9, spawn_rate 1.0"),
        ({}, ["--transport", "webrtc"], "transport websocket and webrtc"),
        ({"corpus": {"name": "mine", "sha256": "beef"}}, [], "corpus mine"),
        ({"metric_version": 0}, [], "metric version 0 and "),
        (
            {"scenarios": [{"path": "x.yaml", "text": "name: brief\nconversation: [listen]\n"}]},
            [],
            "scenarios differ in conversation",
        ),
    ],
)
def test_a_baseline_that_does_not_fit_is_refused_before_the_run(
    options, scenario: Path, baseline, changed: dict, arguments: list[str], told: str
) -> None:
    named = baseline("other", **changed)
    with pytest.raises(UsageError) as caught:
        check(options, scenario, "--baseline", named, *arguments)
    assert str(caught.value).startswith("--baseline: other and a run of brief.yaml cannot be compared: ")
    assert told in str(caught.value)


def test_a_baseline_that_is_invalid_is_refused_before_the_run(options, scenario: Path, baseline) -> None:
    named = baseline("lossy", reconciliation={"rows_sent": 9, "rows_received": 6})
    with pytest.raises(UsageError, match=r"^lossy cannot be compared: it is INVALID \(3 of 9 rows"):
        check(options, scenario, "--baseline", named)
    check(options, scenario, "--baseline", named, "--allow-invalid")


def test_on_the_first_night_the_folder_of_the_nights_need_not_be_there(
    options, scenario: Path, tmp_path: Path
) -> None:
    nights = str(tmp_path / "nights")
    check(options, scenario, "--baseline", nights, "--out", nights)
    with pytest.raises(UsageError, match="no such run"):
        check(options, scenario, "--baseline", nights, "--out", str(tmp_path / "elsewhere"))
