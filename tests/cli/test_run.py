"""`rtbench run` without its run: what is refused beforehand, what is passed on, and the exit code."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

from rtbench.cli import run as command
from rtbench.cli.planned_run import planned_run
from rtbench.core.errors import RtbenchError, RunInvalid, TargetUnreachable, UsageError
from rtbench.scenario.load import load_scenario

SCENARIO = """\
name: {name}
conversation:
  - say: {{role: question}}
  - listen
"""


class Runs:
    """The runs that were held, how each is to end, and the reports that were made of them."""

    def __init__(self) -> None:
        self.held: list[SimpleNamespace] = []
        self.ends: list[SimpleNamespace] = []
        self.reported: list[Path] = []
        self.exit_codes: list[int] = []
        self.report_error: RtbenchError | None = None

    def end(
        self, exit_code: int = 0, *, interrupted: bool = False, failure: RtbenchError | None = None
    ) -> None:
        """The next run leaves a directory, and rows that are judged so."""
        directory = Path(f"run-{len(self.ends) + 1}")
        self.ends.append(SimpleNamespace(directory=directory, interrupted=interrupted, failure=failure))
        self.exit_codes.append(exit_code)

    def hold(self, options: SimpleNamespace, console: object) -> SimpleNamespace:
        self.held.append(options)
        return self.ends[len(self.held) - 1]

    def report(self, directory: Path) -> SimpleNamespace:
        self.reported.append(directory)
        if self.report_error is not None:
            raise self.report_error
        return SimpleNamespace(exit_code=self.exit_codes[len(self.held) - 1])


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> Runs:
    """Runs and reports replaced: the real modules would bring in all of Locust, and of matplotlib."""
    runs = Runs()
    replaced = {
        "rtbench.load.run": {"RunOptions": SimpleNamespace, "run": runs.hold},
        "rtbench.report.build": {"make_report": runs.report},
        "rtbench.report.terminal": {"print_summary": lambda console, summary, page: print(page)},
    }
    for name, contents in replaced.items():
        module = ModuleType(name)
        vars(module).update(contents)
        monkeypatch.setitem(sys.modules, name, module)
    return runs


@pytest.fixture
def scenario(tmp_path: Path) -> Callable[..., Path]:
    """Write a scenario with these lines added."""

    def write(name: str = "brief", added: str = "") -> Path:
        path = tmp_path / f"{name}.yaml"
        path.write_text(SCENARIO.format(name=name) + added)
        return path

    return write


@pytest.fixture
def run(runs) -> Callable[..., int]:
    def run(*words: str | Path) -> int:
        parser = argparse.ArgumentParser()
        command.register(parser.add_subparsers())
        args = parser.parse_args(["run", *map(str, words)])
        code: int = args.handler(args)
        return code

    return run


def test_without_options_all_is_left_to_the_scenario(run, runs, scenario) -> None:
    runs.end()
    path = scenario()
    assert run(path) == 0
    (options,) = runs.held
    assert (options.scenario, options.target, options.transport) == (path, "emulator", "")
    assert (options.users, options.spawn_rate, options.duration_s) == (None, None, None)
    assert (options.workers, options.web_port, options.out) == (1, None, Path("reports"))


def test_options_are_passed_on(run, runs, scenario) -> None:
    runs.end()
    target = ("--target", "http://127.0.0.1:9/v1")
    shape = ("--users", "20", "--spawn-rate", "2.5", "--duration", "5 min", "--workers", "4")
    run(scenario(), *target, *shape, "--out", "elsewhere", "--web")
    (options,) = runs.held
    assert options.target == "http://127.0.0.1:9/v1"
    assert (options.users, options.spawn_rate, options.duration_s, options.workers) == (20, 2.5, 300.0, 4)
    assert (options.out, options.web_port) == (Path("elsewhere"), 8089)


def test_transport_and_codec_are_passed_on(run, runs, scenario) -> None:
    runs.end()
    run(scenario(), "--transport", "webrtc", "--codec", "pcma")
    assert (runs.held[0].transport, runs.held[0].codec) == ("webrtc", "pcma")


def test_the_command_is_kept_as_it_was_written(run, runs, scenario, monkeypatch) -> None:
    runs.end()
    monkeypatch.setattr(sys, "argv", ["/somewhere/bin/rtbench", "run", "a.yaml"])
    run(scenario())
    assert runs.held[0].command == ("rtbench", "run", "a.yaml")


def test_scenarios_run_one_after_the_other_and_the_first_bad_code_stays(run, runs, scenario) -> None:
    for code in (0, 2, 4):
        runs.end(code)
    paths = [scenario(name) for name in ("first", "second", "third")]
    assert run(*paths) == 2
    assert [options.scenario for options in runs.held] == paths
    assert runs.reported == [Path("run-1"), Path("run-2"), Path("run-3")]


def test_an_interrupted_run_is_the_last(run, runs, scenario, capsys) -> None:
    runs.end(interrupted=True)
    runs.end()
    assert run(scenario("first"), scenario("second")) == 130
    assert len(runs.held) == 1
    assert runs.reported == [Path("run-1")]
    assert capsys.readouterr().err == "rtbench: interrupted; the report covers what was finished\n"


def test_a_failure_is_told_after_the_report_with_its_own_code(run, runs, scenario, capsys) -> None:
    runs.end(0, failure=TargetUnreachable("The emulator went away."))
    assert run(scenario()) == 5
    assert runs.reported == [Path("run-1")]
    assert capsys.readouterr().err == "rtbench: The emulator went away.\n"


def test_a_failure_goes_before_an_interruption(run, runs, scenario) -> None:
    runs.end(interrupted=True, failure=RunInvalid("The engine died."))
    assert run(scenario()) == 4


def test_a_report_that_cannot_be_made_does_not_hide_why_the_run_failed(run, runs, scenario, capsys) -> None:
    runs.end(failure=RunInvalid("The disk is full."))
    runs.report_error = UsageError("summary.json: cannot be written")
    assert run(scenario()) == 4
    assert capsys.readouterr().err == "rtbench: The disk is full.\n"


def test_a_report_that_cannot_be_made_of_a_good_run_is_an_error(run, runs, scenario) -> None:
    runs.end()
    runs.report_error = UsageError("summary.json: cannot be written")
    with pytest.raises(UsageError, match=r"summary\.json"):
        run(scenario())


def test_a_run_that_left_nothing_is_invalid(run, runs, scenario) -> None:
    runs.end()
    runs.ends[0].directory = None
    assert run(scenario()) == 4
    assert runs.reported == []


def test_the_path_of_the_page_is_printed(run, runs, scenario, capsys) -> None:
    runs.end()
    run(scenario())
    assert capsys.readouterr().out == "run-1/report.html\n"


def test_a_target_elsewhere_costs_money_unless_that_is_meant(run, runs, scenario) -> None:
    runs.end()
    elsewhere = ("--target", "https://voice.example/v1")
    with pytest.raises(UsageError, match=r"^https://voice\.example/v1 .* --no-budget"):
        run(scenario(), *elsewhere)
    assert runs.held == []
    assert run(scenario(), *elsewhere, "--no-budget") == 0
    assert len(runs.held) == 1


def test_a_baseline_that_does_not_fit_one_of_them_is_refused_before_any_is_run(
    run, runs, scenario, night, tmp_path: Path
) -> None:
    first, second = scenario("first"), scenario("second", "think_time: 1 s\n")
    base = night("base", folder=tmp_path, sessions=2, turns=2)
    args = argparse.Namespace(transport="", codec="", users=None, spawn_rate=None)
    told = json.loads((base / "run.json").read_text()) | planned_run(args, first, None, None)
    (base / "run.json").write_text(json.dumps(told))
    with pytest.raises(UsageError, match=r"^--baseline: base and a run of second\.yaml cannot be compared"):
        run(first, second, "--baseline", base)
    assert runs.held == []


def test_a_run_under_a_parent_leaves_the_jobs_page_to_it(
    run, runs, scenario, monkeypatch, tmp_path: Path
) -> None:
    """As the reference caller of a capacity search, and the points of a sweep."""
    job = tmp_path / "job.md"
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(job))
    for words in (("--with-parent",), ()):
        runs.end()
        runs.ends[-1].directory = tmp_path
        (tmp_path / "summary.md").write_text("# VALID")
        run(scenario(), *words)
        assert job.exists() == (not words)


@pytest.mark.parametrize("duration", ["soon", "0 s", "-5 s", ""])
def test_a_duration_is_a_length_of_time(run, runs, scenario, duration) -> None:
    with pytest.raises(UsageError, match=r"^--duration: "):
        run(scenario(), f"--duration={duration}")
    assert runs.held == []


@pytest.mark.parametrize(
    ("option", "written", "sentence"),
    [
        *(("--users", written, "a whole number above 0") for written in ("0", "-3", "1.5", "many")),
        *(("--workers", written, "a whole number above 0") for written in ("0", "two")),
        *(("--spawn-rate", written, "a number above 0") for written in ("0", "-1", "inf", "nan", "fast")),
    ],
)
def test_numbers_are_above_0(run, runs, capsys, option, written, sentence) -> None:
    with pytest.raises(SystemExit):
        run("brief.yaml", f"{option}={written}")
    assert f"argument {option}: must be {sentence}, not '{written}'" in capsys.readouterr().err
    assert runs.held == []


@pytest.mark.parametrize(
    ("added", "place", "sentence"),
    [
        ("userz: 3\n", "brief.yaml:5:", "'userz'"),
        ("emulator: {sed: 1}\n", "brief.yaml:5:", "did you mean 'seed'"),
        ("emulator:\n  replies: [no_such_clip]\n", "brief.yaml:6:", "no_such_clip"),
        ("corpus: englisch\n", "brief.yaml", "englisch"),
    ],
)
def test_a_scenario_that_cannot_be_used_is_refused_before_any_is_run(
    run, runs, scenario, added, place, sentence
) -> None:
    good, bad = scenario("good"), scenario(added=added)
    with pytest.raises(UsageError) as caught:
        run(good, bad)
    assert place in str(caught.value)
    assert sentence in str(caught.value)
    assert runs.held == []


@pytest.mark.parametrize(
    ("added", "options", "told"),
    [
        (
            "session: {input_format: audio/pcmu}\n",
            ("--transport", "webrtc"),
            "session.input_format: over WebRTC",
        ),
        ("", ("--codec", "pcmu"), "transport: codec pcmu is for calls over WebRTC"),
    ],
)
def test_a_transport_or_codec_that_cannot_be_is_refused_before_the_run(
    run, runs, scenario, added, options, told
) -> None:
    with pytest.raises(UsageError, match=told):
        run(scenario(added=added), *options)
    assert runs.held == []


def test_a_trace_beside_the_scenario_is_found_over_another_network_too(
    run, runs, scenario, monkeypatch
) -> None:
    path = scenario(added="shape: {replay: {file: calls.csv, cap: 3}}\n")
    (path.parent / "calls.csv").write_text("seconds\n1\n2\n")
    found = []

    def hold(options, console):
        shape = load_scenario(options.scenario).shape
        found.append(shape.read_trace(options.scenario.parent).one.length_s)
        return runs.hold(options, console)

    monkeypatch.setattr(sys.modules["rtbench.load.run"], "run", hold)
    runs.end()
    run(path, "--network", "wifi")
    assert runs.held[0].scenario != path
    assert found == [1.0]


def test_a_model_without_a_price_is_told_before_the_first_of_several_runs(run, runs, scenario) -> None:
    runs.end()
    paths = [scenario("first"), scenario("second", "session: {model: no-such-model}\n")]
    with pytest.raises(UsageError, match=r"^--budget-usd: there is no price of the model 'no-such-model'"):
        run(*paths, "--budget-usd", "1")
    assert runs.held == []
