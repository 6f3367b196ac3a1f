"""`rtbench sweep` without its runs: grid, options passed on, what is printed, and the exit code."""

import argparse
from collections.abc import Callable
from pathlib import Path

import pytest

from rtbench.analysis import cost
from rtbench.cli import sweep
from rtbench.core.errors import ExitCode, UsageError
from rtbench.load import sweep as holding
from rtbench.load.sweep import HeldPoint, PreparedPoint

KEY = "session.turn_detection.silence_duration_ms"
SCENARIO = Path(__file__).parents[2] / "scenarios" / "vad_sweep.yaml"


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., int]:
    """Run the command with these words, and with a directory of its own to write to."""

    def run(*words: str, scenario: Path = SCENARIO) -> int:
        parser = argparse.ArgumentParser()
        sweep.register(parser.add_subparsers())
        args = parser.parse_args(["sweep", str(scenario), "--out", str(tmp_path / "out"), *words])
        code: int = args.handler(args)
        return code

    return run


@pytest.fixture
def codes(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Exit codes of the runs to come; each leaves a run's directory unless its code is 1."""
    codes: list[int] = []

    def hold(
        directory: Path,
        points: list[PreparedPoint],
        arguments: Callable[[], list[str] | None],
        note: Callable[[HeldPoint], None],
    ) -> list[HeldPoint]:
        held = []
        for each, code in zip(points, codes, strict=False):
            options = arguments()
            if options is None:
                break
            with (directory / "arguments").open("a") as given:
                given.write("\n".join([*options, ""]))
            path = directory / each.folder / "run"
            path.mkdir(parents=True)
            (path / "run.json").write_text("{}")
            held.append(HeldPoint(each.point, None if code == 1 else path, code))
            note(held[-1])
        return held

    monkeypatch.setattr(holding, "hold_sweep", hold)
    return codes


def test_it_reports_on_all_points_and_ends_with_the_page(run, codes, tmp_path: Path, capsys) -> None:
    codes += [0, 0]
    assert run("--set", f"{KEY}=200,500") == 0
    (directory,) = (tmp_path / "out").iterdir()
    assert directory.name.endswith("-vad_sweep-sweep")
    printed = capsys.readouterr()
    assert printed.out.splitlines()[-1] == str(directory / "sweep.html")
    assert (directory / "sweep.html").is_file()
    assert [line.split()[:3] for line in printed.err.splitlines()] == [
        ["1/2", "silence_duration_ms=200", "INVALID"],
        ["2/2", "silence_duration_ms=500", "INVALID"],
    ]


def test_its_own_table_is_added_to_the_jobs_summary(run, codes, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "job.md"))
    codes += [0, 0]
    run("--set", f"{KEY}=200,500")
    (page,) = (tmp_path / "out").glob("*/sweep.md")
    assert (tmp_path / "job.md").read_text() == page.read_text() + "\n"
    assert page.read_text().startswith("# Sweep of vad_sweep\n")


def test_options_of_the_runs_are_passed_on_as_they_are(run, codes, tmp_path: Path) -> None:
    codes += [0]
    words = (
        "--users",
        "3",
        "--spawn-rate",
        "2",
        "--duration",
        "5 s",
        "--target",
        "http://127.0.0.1:1/v1",
        "--no-budget",
    )
    run("--set", f"{KEY}=200", *words)
    (directory,) = (tmp_path / "out").iterdir()
    assert (directory / "arguments").read_text().splitlines() == [
        "--target=http://127.0.0.1:1/v1",
        "--users=3",
        "--spawn-rate=2.0",
        "--duration=5 s",
        "--no-budget",
    ]


@pytest.mark.parametrize(("of_runs", "code"), [([0, 2], 2), ([2, 4], 4), ([4, 130], 130)])
def test_the_exit_code_is_the_worst_of_the_points(run, codes, of_runs: list[int], code: int) -> None:
    codes += of_runs
    assert run("--set", f"{KEY}=200,500") == code


def test_an_interrupted_sweep_reports_what_was_finished(run, codes, tmp_path: Path, capsys) -> None:
    codes += [0, 130]
    assert run("--set", f"{KEY}=200,500,900") == 130
    printed = capsys.readouterr()
    assert "2 of 3 points were run" in " ".join(printed.out.split())
    assert (
        printed.err.splitlines()[-1]
        == "rtbench: the sweep was interrupted; its report covers the points that were run"
    )
    assert len(list((tmp_path / "out").glob("*/sweep.html"))) == 1


def test_a_sweep_of_which_no_run_began_leaves_nothing_behind(run, codes, tmp_path: Path, capsys) -> None:
    codes += [1]
    assert run("--set", f"{KEY}=200,500") == 1
    assert list((tmp_path / "out").iterdir()) == []
    assert capsys.readouterr().out == ""


def test_bad_settings_are_told_before_anything_is_made(run, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=KEY):
        run("--set", f"{KEY}=200,soon")
    with pytest.raises(UsageError, match=r"absent\.yaml: no such file"):
        run("--set", f"{KEY}=200", scenario=tmp_path / "absent.yaml")
    assert not (tmp_path / "out").exists()


def test_without_settings_the_scenario_s_own_grid_is_run(run, codes, tmp_path: Path, capsys) -> None:
    codes += [0] * 4
    assert run("--users", "3", scenario=SCENARIO.with_name("transport_ab.yaml")) == 0
    (directory,) = (tmp_path / "out").iterdir()
    folders = sorted(path.name for path in directory.iterdir() if path.is_dir())
    assert folders[0].startswith("01-transport-websocket")
    assert len(folders) == 4
    assert "player's wait" in (directory / "sweep.md").read_text()


def test_without_settings_and_without_a_grid_nothing_is_run(run, codes) -> None:
    with pytest.raises(UsageError, match="carries no sweep"):
        run()


MONEY = ("--users", "60", "--duration", "1 min", "--target", "https://voice.example.com/v1")


def spending(monkeypatch: pytest.MonkeyPatch, usd: float, minutes: float) -> None:
    """Each point's run has spent so much."""
    monkeypatch.setattr(cost, "spent", lambda turns, generator: (usd, minutes))


def test_the_budget_is_that_of_all_points_and_ends_the_sweep(
    run, codes, tmp_path: Path, capsys, monkeypatch
) -> None:
    codes += [0, 0, 0]
    spending(monkeypatch, 0.3, 10.0)
    code = run("--set", f"{KEY}=200,500,900", *MONEY, "--budget-usd", "0.5", "--budget-minutes", "100")
    assert code == ExitCode.BUDGET
    (directory,) = (tmp_path / "out").iterdir()
    given = (directory / "arguments").read_text().splitlines()
    assert [option for option in given if option.startswith("--budget")] == [
        *("--budget-usd=0.5", "--budget-minutes=100"),
        *("--budget-usd=0.2", "--budget-minutes=90"),
    ]
    told = capsys.readouterr().err.splitlines()
    assert told[0].startswith("rtbench: 3 runs of about 180.0 call minutes in all, about ")
    assert told[-1].startswith("rtbench: the budget of 0.5 USD is reached after ")
    assert told[-1].endswith("s: 0.6000 USD spent; its report covers the points that were run")
    assert (directory / "sweep.html").is_file()


def test_a_budget_that_is_reached_by_the_last_point_stops_nothing(run, codes, monkeypatch) -> None:
    codes += [0, 0]
    spending(monkeypatch, 0.3, 10.0)
    assert run("--set", f"{KEY}=200,500", *MONEY, "--budget-usd", "0.5") == 0


def test_a_point_that_reached_the_budget_ends_the_sweep_with_its_report(run, codes, capsys) -> None:
    codes += [0, ExitCode.BUDGET]
    assert run("--set", f"{KEY}=200,500,900", "--budget-minutes", "5") == ExitCode.BUDGET
    assert "its report covers the points that were run" in capsys.readouterr().err


def test_money_without_a_limit_is_refused_before_anything_is_made(run, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="may cost money"):
        run("--set", f"{KEY}=200", *MONEY)
    with pytest.raises(UsageError, match="there is no price of the model 'mine'"):
        run("--set", "session.model=mine", *MONEY, "--budget-usd", "3")
    assert not (tmp_path / "out").exists()
