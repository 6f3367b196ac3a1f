"""The check-up, with the machine made up where it matters."""

from __future__ import annotations

import os
import resource
import socket
import sys
from dataclasses import asdict
from pathlib import Path
from types import SimpleNamespace

import pytest

from rtbench import __version__
from rtbench.analysis.calibration import Calibration, CalibrationLevel, fingerprint
from rtbench.analysis.verdict import Level
from rtbench.core.errors import ExitCode
from rtbench.load import checkup as module
from rtbench.load.checkup import Finding, check_machine, check_target
from rtbench.results.machine_files import calibration_file, write_machine_file
from rtbench.results.provenance import describe_host


def found(name: str, users: int = 10, out: Path = Path("reports")) -> Finding:
    return next(finding for finding in check_machine(users, out) if finding.name == name)


def test_this_machine_can_run_a_few_calls() -> None:
    missing = [finding for finding in check_machine(10, Path()) if finding.level == "missing"]
    assert missing == []


@pytest.mark.parametrize(("soft", "level"), [(2256, "ok"), (2255, "missing")])
def test_every_call_needs_two_files(monkeypatch: pytest.MonkeyPatch, soft: int, level: str) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda which: (soft, 4096))
    files = found("files", users=1000)
    assert files.level == level
    assert ("ulimit -n 2256" in files.advice) == (level == "missing")


def test_a_limit_that_only_the_system_can_raise_is_told_as_that(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda which: (1024, 1024))
    files = found("files", users=1000)
    assert "limits.conf" in files.advice
    assert files.exit_code is ExitCode.USAGE


@pytest.mark.parametrize(("load", "level"), [(0.9, "ok"), (1.1, "warning")])
def test_a_machine_that_is_busy_is_told(monkeypatch: pytest.MonkeyPatch, load: float, level: str) -> None:
    monkeypatch.setattr(module, "describe_host", lambda: SimpleNamespace(cores=2))
    monkeypatch.setattr(module, "_calibrated", lambda: Finding("calibration", "ok", ""))
    monkeypatch.setattr(os, "getloadavg", lambda: (load, 0.0, 0.0))
    assert found("load").level == level
    assert found("cores").level == "ok"


def test_one_core_is_little(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "describe_host", lambda: SimpleNamespace(cores=1))
    monkeypatch.setattr(module, "_calibrated", lambda: Finding("calibration", "ok", ""))
    assert found("cores").level == "warning"


def test_a_python_that_is_too_old_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 10, 4))
    assert found("python").level == "missing"


def test_memory_that_does_not_suffice_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module.psutil, "virtual_memory", lambda: SimpleNamespace(available=6e8, total=1))
    monkeypatch.setattr(module, "_calibrated", lambda: Finding("calibration", "ok", ""))
    monkeypatch.setattr(module, "describe_host", lambda: SimpleNamespace(cores=2))
    assert found("memory", users=100).level == "ok"
    assert found("memory", users=1000).level == "warning"


def test_a_disk_that_is_nearly_full_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(module.shutil, "disk_usage", lambda path: SimpleNamespace(free=5e8))
    assert found("reports", out=tmp_path / "new").level == "warning"


@pytest.mark.parametrize(
    ("kept", "level", "told"),
    [
        ({}, "warning", "websocket was never calibrated; webrtc was never calibrated"),
        (
            {"webrtc": __version__},
            "ok",
            "websocket was never calibrated; webrtc is calibrated, VALID up to 50 sessions; reports ",
        ),
        (
            {"websocket": "0.0.1"},
            "warning",
            "websocket was calibrated with rtbench 0.0.1, which this is not; webrtc was never calibrated",
        ),
    ],
)
def test_a_calibration_is_of_a_transport_and_of_this_version(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, kept: dict[str, str], level: str, told: str
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    machine = fingerprint(asdict(describe_host()))
    fifty = CalibrationLevel(50, Level.VALID, 100, {}, 0.2, 1.5, 0.3, 1.1)
    for transport, version in kept.items():
        made = Calibration(machine, transport, "2026-11-26T06:00:00+00:00", version, (fifty,))
        write_machine_file(calibration_file(machine, transport), made.as_dict())
    calibration = found("calibration")
    assert calibration.level == level
    assert calibration.told.startswith(told)
    assert ("rtbench calibrate" in calibration.advice) == (level == "warning")


def test_a_package_that_is_not_there_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "find_spec", lambda name: None)
    assert "aiortc" in found("webrtc").told


def test_the_emulator_needs_nothing() -> None:
    assert check_target("emulator", "m").level == "ok"


def test_a_target_that_is_not_there_is_missing_with_its_exit_code() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    target = check_target(f"http://127.0.0.1:{port}/v1", "gpt-realtime")
    assert (target.level, target.exit_code) == ("missing", ExitCode.TARGET)
    assert "connection refused" in target.told


def test_a_key_that_is_not_set_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    target = check_target("openai", "gpt-realtime")
    assert (target.level, target.exit_code) == ("missing", ExitCode.TARGET)
    assert "OPENAI_API_KEY" in target.told


def test_a_target_with_a_wrong_name_is_usage() -> None:
    assert check_target("nonsense", "m").exit_code is ExitCode.USAGE
