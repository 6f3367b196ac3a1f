import argparse
import webbrowser
from pathlib import Path

import pytest

from rtbench.cli import report
from rtbench.core.errors import UsageError


@pytest.fixture
def parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser()
    report.register(parser.add_subparsers())
    return parser


@pytest.fixture
def killed_run(tmp_path: Path) -> Path:
    (tmp_path / "run.json").write_text("{}")
    return tmp_path


def test_it_makes_the_report_and_prints_its_path_last(
    parser: argparse.ArgumentParser, killed_run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    args = parser.parse_args(["report", str(killed_run)])
    assert args.handler(args) == 0
    assert (killed_run / "report.html").is_file()
    assert capsys.readouterr().out.splitlines()[-1] == str(killed_run / "report.html")


def test_open_shows_the_page(
    parser: argparse.ArgumentParser, killed_run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []
    monkeypatch.setattr(webbrowser, "open", opened.append)
    args = parser.parse_args(["report", str(killed_run), "--open"])
    args.handler(args)
    assert opened == [(killed_run / "report.html").as_uri()]


def test_what_is_no_run_is_a_usage_error(parser: argparse.ArgumentParser, tmp_path: Path) -> None:
    args = parser.parse_args(["report", str(tmp_path / "absent")])
    with pytest.raises(UsageError, match="no such run"):
        args.handler(args)


def test_a_baseline_that_does_not_fit_is_refused_before_anything_is_made(
    parser: argparse.ArgumentParser, night, tmp_path: Path
) -> None:
    run = night("tonight", folder=tmp_path, sessions=2, turns=2)
    other = night("other", folder=tmp_path, sessions=2, turns=2, users=9)
    args = parser.parse_args(["report", str(run), "--baseline", str(other)])
    with pytest.raises(
        UsageError, match=r"^--baseline: other and tonight cannot be compared: scenarios differ"
    ):
        args.handler(args)
    assert not (run / "summary.json").exists()
