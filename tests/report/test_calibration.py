"""The calibration in words: the command's table, and the error bar of a report."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from rtbench.analysis.calibration import Calibration, CalibrationLevel, fingerprint
from rtbench.analysis.measurement_error import MeasurementError
from rtbench.analysis.verdict import Level
from rtbench.report.calibration import (
    machine_error_bar,
    render_calibration,
    sentence,
    short_error_bar,
    told_error_bar,
)
from rtbench.results.machine_files import calibration_file, write_machine_file

HOST = {"cpu": "Some CPU", "cores": 2, "memory_bytes": 8 << 30, "kernel": "Linux 6.1", "machine": "x86_64"}


def calibration(**verdicts: Level) -> Calibration:
    levels = [
        CalibrationLevel(
            int(name[1:]),
            verdict,
            1234,
            {
                "voice_to_voice_ms": MeasurementError(1200, 0.3, 0.21, 1.87, 9.31),
                "barge_in_detect_ms": MeasurementError(300, 0.1, 0.12, 0.9, 2.0),
            },
            0.2,
            1.5,
            0.31,
            1.1,
        )
        for name, verdict in verdicts.items()
    ]
    return Calibration("abc", "websocket", "2026-11-26T06:00:00+00:00", "0.1.0", tuple(levels), 1)


def printed(found: Calibration) -> str:
    console = Console(file=io.StringIO(), width=100)
    console.print(render_calibration(found))
    return console.file.getvalue()  # type: ignore[attr-defined]


def test_the_table_has_a_row_for_every_level_and_one_sentence_ends_it() -> None:
    text = printed(calibration(n10=Level.VALID, n50=Level.VALID, n100=Level.INVALID))
    (row,) = (line for line in text.splitlines() if line.split()[:1] == ["100"] and "INVALID" in line)
    assert row.split() == [
        *("100", "INVALID", "1,234", "+0.21", "ms", "±1.87", "ms", "9.3", "ms", "1.50", "ms", "31.0%"),
    ]
    assert "websocket: barge_in_detect_ms" in text
    told = " ".join(text.split())
    assert told.endswith(
        "Over websocket this machine's numbers are VALID up to 50 sessions, not above; "
        "there 99% of waits were within 1.87 ms of the truth."
    )


def test_a_machine_that_was_never_valid_is_told_so() -> None:
    assert "VALID at no concurrency" in sentence(calibration(n10=Level.SUSPECT))
    assert ", not above" not in sentence(calibration(n10=Level.VALID))


@pytest.mark.parametrize(
    ("found", "sessions", "told"),
    [
        (None, 5, "never calibrated"),
        (
            calibration(n10=Level.VALID, n50=Level.VALID),
            12,
            "±1.87 ms (99% of turns), +0.21 ms in the middle, measured with 50",
        ),
        (calibration(n10=Level.VALID), 11, "beyond what was calibrated: VALID up to 10 sessions"),
        (calibration(n10=Level.INVALID), 5, "VALID at no number of sessions"),
    ],
)
def test_the_error_bar_is_that_of_the_next_larger_level(
    found: Calibration | None, sessions: int, told: str
) -> None:
    assert told in told_error_bar(found.error_bar(sessions, "0.1.0") if found is not None else None)


def test_a_headline_has_the_error_bar_in_short() -> None:
    found = calibration(n10=Level.VALID)
    assert short_error_bar(found.error_bar(10, "0.1.0")) == "±1.87 ms (99% of turns)"
    assert short_error_bar(found.error_bar(11, "0.1.0")) == "beyond what was calibrated"


def test_the_calibration_of_another_version_gives_no_figure_and_says_why() -> None:
    error = calibration(n10=Level.VALID).error_bar(5, "0.2.0")
    assert told_error_bar(error) == (
        "none that holds: the machine was calibrated with rtbench 0.1.0, which is not what held the run; "
        "`rtbench calibrate` does it again (websocket, 2026-11-26)"
    )
    assert short_error_bar(error) == "unknown: calibrated with rtbench 0.1.0"


@pytest.mark.parametrize(("workers", "told"), [(1, ""), (None, ""), (3, " by 1 worker, the run by 3")])
def test_other_workers_than_those_of_the_calibration_are_told(workers: int | None, told: str) -> None:
    error = calibration(n10=Level.VALID).error_bar(5, "0.1.0", workers)
    assert f"measured with 10 sessions{told}; VALID up to 10" in told_error_bar(error)


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    return calibration_file(fingerprint(HOST), "websocket")


RUN: dict[str, Any] = {
    "host": HOST,
    "transport": "websocket",
    "versions": {"rtbench": "0.1.0"},
    "reconciliation": {"workers_planned": 2},
}


def test_a_runs_error_bar_is_that_of_its_machine_transport_version_and_workers(kept: Path) -> None:
    assert machine_error_bar(RUN, 5) is None
    found = calibration(n10=Level.VALID)
    write_machine_file(kept, found.as_dict())
    assert machine_error_bar(RUN, 5) == found.error_bar(5, "0.1.0", 2)
    assert machine_error_bar({**RUN, "transport": "webrtc"}, 5) is None
    assert machine_error_bar({**RUN, "host": {**HOST, "cores": 8}}, 5) is None
    assert machine_error_bar({}, 5) is None
    for versions in ({"rtbench": "0.2.0"}, {}, None):
        stale = machine_error_bar({**RUN, "versions": versions}, 5)
        assert stale is not None and stale.stale and stale.p99_abs_ms is None
    assert machine_error_bar({**RUN, "reconciliation": None}, 5) == found.error_bar(5, "0.1.0")


def test_a_calibration_in_another_layout_is_as_good_as_none(kept: Path) -> None:
    write_machine_file(kept, {"calibration_version": 99})
    assert machine_error_bar(RUN, 5) is None
