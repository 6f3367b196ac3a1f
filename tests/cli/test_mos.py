import argparse
from pathlib import Path

import pytest

from rtbench.cli.mos import add_mos_option, check_mos, score_end, score_if_asked
from rtbench.core.errors import UsageError
from rtbench.report import plc_mos


@pytest.fixture
def asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_mos_option(parser)
    return parser.parse_args(["--mos"])


@pytest.fixture
def scenario(tmp_path: Path) -> Path:
    path = tmp_path / "call.yaml"
    path.write_text("name: call\nconversation: [{say: hours_question}, listen]\n")
    return path


@pytest.fixture
def run(tmp_path: Path) -> Path:
    (tmp_path / "run.json").write_text("{}")
    return tmp_path


@pytest.fixture
def with_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plc_mos, "find_spec", lambda package: package)
    monkeypatch.setattr(plc_mos, "import_module", lambda package: None)


@pytest.fixture
def without_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plc_mos, "find_spec", lambda package: None)


@pytest.mark.usefixtures("without_extra")
def test_nothing_is_needed_where_it_is_not_asked_for(scenario: Path, run: Path) -> None:
    args = argparse.Namespace(mos=False)
    check_mos(args, [scenario])
    score_if_asked(args, run)


@pytest.mark.usefixtures("with_extra")
def test_a_scenario_that_records_nothing_is_refused_before_the_run(
    asked: argparse.Namespace, scenario: Path
) -> None:
    with pytest.raises(UsageError, match=r"call\.yaml: --mos needs recordings"):
        check_mos(asked, [scenario])
    scenario.write_text(scenario.read_text() + "record: {audio: true}\n")
    check_mos(asked, [scenario])


@pytest.mark.usefixtures("without_extra")
def test_the_missing_extra_is_told_before_the_run_and_at_a_report(
    asked: argparse.Namespace, scenario: Path, run: Path
) -> None:
    for call in (lambda: check_mos(asked, [scenario]), lambda: score_if_asked(asked, run)):
        with pytest.raises(UsageError, match=r"pip install 'rtbench\[mos\]'"):
            call()


@pytest.mark.usefixtures("with_extra")
def test_a_run_that_recorded_nothing_has_its_report_all_the_same(
    asked: argparse.Namespace, run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    score_end(asked, run)
    assert "no answer was recorded" in capsys.readouterr().err


def test_an_extra_that_cannot_be_loaded_is_told_before_the_run(
    asked: argparse.Namespace, scenario: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def load(package: str) -> None:
        raise ImportError("libgomp.so.1: cannot open shared object file")

    monkeypatch.setattr(plc_mos, "find_spec", lambda package: package)
    monkeypatch.setattr(plc_mos, "import_module", load)
    with pytest.raises(UsageError, match=r"^--mos: the package onnxruntime cannot be loaded \(libgomp"):
        check_mos(asked, [scenario])
