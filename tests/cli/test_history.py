"""`rtbench history`: a folder of runs becomes a page and a CSV."""

from pathlib import Path

import pytest

from rtbench.cli.main import main


@pytest.fixture(scope="module")
def folder(night, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve nights, of which the last six are slower, and one that is INVALID."""
    folder = tmp_path_factory.mktemp("history")
    for day in range(1, 13):
        factor = 1.0 if day <= 6 else 1.4
        night(f"night{day:02}", folder=folder, day=day, seed=day, sessions=12, factor=factor, spread=0.05)
    night("night13", folder=folder, day=13, sessions=12, rows_lost=3)
    return folder


def test_the_night_on_which_it_changed_is_told(folder: Path, tmp_path: Path, capsys) -> None:
    assert main(["history", str(folder), "--out", str(tmp_path / "out")]) == 0
    out = capsys.readouterr().out
    assert out.splitlines()[-1] == str(tmp_path / "out" / "history.html")
    assert "nightly emulator websocket: 12 runs" in out
    assert "1 left out as INVALID" in out
    assert "voice_to_voice_ms_p50 became worse with night07" in out
    assert (tmp_path / "out" / "nightly-emulator-websocket.csv").read_text().count("\n") == 13


def test_it_goes_beside_the_runs_where_it_is_no_run_itself(night, tmp_path: Path, capsys) -> None:
    night("night01", folder=tmp_path, sessions=3, turns=2)
    (tmp_path / "history").mkdir()  # as an earlier morning left it
    assert main(["history", str(tmp_path)]) == 0
    assert "1 run\n  no change is to be seen" in capsys.readouterr().out
    assert (tmp_path / "history" / "otava.yaml").is_file()


def test_a_folder_without_runs_is_a_usage_error(tmp_path: Path, capsys) -> None:
    assert main(["history", str(tmp_path)]) == 1
    assert "neither a run nor a folder of runs" in capsys.readouterr().err
