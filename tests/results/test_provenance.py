import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from rtbench.core.metrics import METRIC_VERSION
from rtbench.results import provenance as provenance_module
from rtbench.results.provenance import (
    CorpusSource,
    Provenance,
    ScenarioSource,
    describe_host,
    describe_versions,
    ended,
    write_run_json,
)
from rtbench.results.reconciliation import Reconciliation

STARTED = datetime(2026, 11, 23, 7, 0, tzinfo=UTC)


@pytest.fixture
def run() -> dict[str, object]:
    return Provenance(
        scenarios=[ScenarioSource("x", "scenarios/x.yaml", "name: x\n")],
        corpus=CorpusSource("english", "corpora/english", "abc"),
        seed=7,
        target="https://example.org/v1?api-key=hidden-thing",
        transport="websocket",
        command=["rtbench", "run", "--api-key", "hidden-thing"],
        started_at=STARTED,
    ).as_dict()


def test_a_scenario_is_kept_with_its_text_and_the_hash_of_it(run: dict[str, list[dict[str, str]]]) -> None:
    (scenario,) = run["scenarios"]
    assert scenario["text"] == "name: x\n"
    assert scenario["sha256"] == hashlib.sha256(b"name: x\n").hexdigest()


def test_no_secret_of_command_line_or_target_is_kept(run: dict[str, object]) -> None:
    assert "hidden-thing" not in json.dumps(run)


def test_metric_version_and_seed_are_kept(run: dict[str, object]) -> None:
    assert (run["metric_version"], run["seed"]) == (METRIC_VERSION, 7)


def test_a_run_has_neither_end_nor_reconciliation_until_it_is_over(run: dict[str, object]) -> None:
    assert (run["ended_at"], run["reconciliation"]) == (None, None)
    over = ended(run, datetime(2026, 11, 23, 7, 5, tzinfo=UTC), Reconciliation(rows_sent=3))
    assert over["ended_at"] == "2026-11-23T07:05:00+00:00"
    assert over["reconciliation"]["rows_sent"] == 3


def test_the_file_is_replaced_as_a_whole(tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    write_run_json(path, {"seed": 1})
    write_run_json(path, {"seed": 2, "name": "é"})
    assert json.loads(path.read_text(encoding="utf-8")) == {"seed": 2, "name": "é"}
    assert list(tmp_path.iterdir()) == [path]


def test_the_host_names_its_processor_and_what_it_has() -> None:
    host = describe_host()
    assert host.cpu
    assert host.cores >= 1
    assert host.memory_bytes > 2**20


def test_a_processor_is_read_from_cpuinfo_and_guessed_without_it(tmp_path: Path) -> None:
    cpuinfo = tmp_path / "cpuinfo"
    cpuinfo.write_text("processor : 0\nmodel name\t: Fast One 3000\n")
    assert provenance_module._cpu_model(cpuinfo) == "Fast One 3000"
    assert provenance_module._cpu_model(tmp_path / "absent")


def test_versions_cover_rtbench_python_and_what_the_numbers_depend_on() -> None:
    assert {"rtbench", "python", "locust", "websockets", "numpy"} <= set(describe_versions())
