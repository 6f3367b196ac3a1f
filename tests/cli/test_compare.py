"""`rtbench compare`: which runs stand on which side, what is printed, and the exit code."""

from pathlib import Path

import pytest

from rtbench.cli.main import main

MEDIAN = ("--gate", "voice_to_voice_ms:p50")


@pytest.fixture(scope="module")
def nights(night, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two nights that are alike, one that is slow, and one of which there is little."""
    folder = tmp_path_factory.mktemp("nights")
    for day in (1, 2):
        night(f"monday/night{day}", folder=folder, day=day, seed=day, spread=0.05)
    night("slow", folder=folder, seed=3, factor=1.5, spread=0.05)
    night("little", folder=folder, seed=4, sessions=4)
    return folder


@pytest.fixture
def compare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    return lambda *arguments: main(["compare", *map(str, arguments)])


def test_two_runs_are_base_and_run(compare, nights: Path, capsys) -> None:
    assert compare(nights / "monday/night1", nights / "monday/night2", *MEDIAN) == 0
    out = capsys.readouterr().out
    assert out.split()[0] == "OK"
    page = Path(out.splitlines()[-1])
    assert page.is_file() and page.parent.parent == Path("reports")


def test_a_regression_is_3_and_is_added_to_the_jobs_summary(
    compare, nights: Path, monkeypatch, tmp_path
) -> None:
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary.md"))
    assert compare("--base", nights / "monday", "--run", nights / "slow", *MEDIAN, "--out", "elsewhere") == 3
    assert (tmp_path / "summary.md").read_text().startswith("# REGRESSED: slow against 2 runs\n")
    assert list(Path("elsewhere").glob("*-compare/compare.json"))


def test_what_cannot_be_told_is_7_only_where_that_matters(compare, nights: Path) -> None:
    sides = (nights / "monday/night1", nights / "little")
    assert compare(*sides, *MEDIAN) == 0
    assert compare(*sides, *MEDIAN, "--strict") == 7


def test_margins_can_be_set(compare, nights: Path) -> None:
    sides = (nights / "monday/night1", nights / "slow")
    assert compare(*sides, *MEDIAN, "--margin", "80%") == 0
    assert compare(*sides, *MEDIAN, "--margin-ms", "2000") == 0


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["monday/night1"], "give two runs, the base first"),
        (["monday/night1", "slow", "--base", "monday"], "give two runs, the base first"),
        (["absent", "slow"], "no such run"),
        (["monday/night1", "slow", "--gate", "voice:p50"], "--gate 'voice:p50': unknown metric"),
        (["slow", "slow"], "slow is on both sides"),
    ],
)
def test_what_cannot_be_compared_is_1(
    compare, nights: Path, monkeypatch, capsys, arguments, told: str
) -> None:
    monkeypatch.chdir(nights)
    assert compare(*arguments) == 1
    assert told in capsys.readouterr().err
    assert not Path("reports").exists()
