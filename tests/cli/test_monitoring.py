from __future__ import annotations

import argparse

import pytest

from rtbench.cli.main import main
from rtbench.cli.monitoring import add_monitoring_options, read_monitoring
from rtbench.core.errors import ExitCode
from rtbench.load.monitoring import Monitoring


def parsed(*arguments: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_monitoring_options(parser)
    return parser.parse_args(arguments)


def test_the_options_are_read() -> None:
    assert read_monitoring(parsed()) == Monitoring()
    told = read_monitoring(parsed("--prometheus", "9464", "--otlp", "http://127.0.0.1:4318"))
    assert told == Monitoring(("127.0.0.1", 9464), "http://127.0.0.1:4318/v1/metrics")


@pytest.mark.parametrize("option", [["--prometheus", "nonsense"], ["--otlp", "nonsense"]])
def test_what_cannot_be_meant_ends_the_command_before_anything_is_started(
    option: list[str], tmp_path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "reports"
    assert main(["run", "scenarios/quickstart.yaml", "--out", str(out), *option]) == ExitCode.USAGE
    assert capsys.readouterr().err.startswith(f"rtbench: {option[0]}: say ")
    assert not out.exists()
