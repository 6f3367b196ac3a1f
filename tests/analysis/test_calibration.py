"""A machine's calibration: levels cut out of a run by their time, what is valid, and its file."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from rtbench.analysis.calibration import (
    Calibration,
    CalibrationLevel,
    calibrate_levels,
    fingerprint,
    kept_calibration,
)
from rtbench.analysis.measurement_error import MeasurementError
from rtbench.analysis.verdict import Level
from rtbench.results.machine_files import calibration_file, write_machine_file
from rtbench.results.reader import Run
from rtbench.results.run_directory import RunDirectory

S = 1_000_000_000
ERROR = MeasurementError(100, 0.3, 0.2, 1.9, 3.0)
HOST = {"cpu": "Some CPU", "cores": 2, "memory_bytes": 8 << 30, "kernel": "Linux 6.1", "machine": "x86_64"}


def level(sessions: int, verdict: Level = Level.VALID) -> CalibrationLevel:
    return CalibrationLevel(sessions, verdict, 100, {"voice_to_voice_ms": ERROR}, 0.2, 1.5, 0.3, 1.1)


def calibration(*levels: CalibrationLevel) -> Calibration:
    return Calibration("abc", "websocket", "2026-11-26T06:00:00+00:00", "0.1.0", levels)


def test_levels_are_cut_out_of_the_run_by_their_time(
    make_turns, make_stimuli, make_sessions, make_step
) -> None:
    turns = make_turns(*[{"at_unix_ns": second * S, "voice_to_voice_ms": 500.0} for second in range(30)])
    errors = pd.Series([float(second) for second in range(30)])
    stimuli = make_stimuli({"at_unix_ns": 12 * S}, {"at_unix_ns": 25 * S})
    run = Run(
        directory=RunDirectory(Path("x")),
        provenance={},
        turns=turns.assign(voice_to_voice_error_ms=errors),
        sessions=make_sessions(),
        stimuli=stimuli.assign(
            barge_in_detect_error_ms=[0.5, 7.0], barge_in_server_stop_error_ms=[float("nan")] * 2
        ),
        generator=pd.DataFrame(),
        waveforms=pd.DataFrame(),
        truth=pd.DataFrame(),
    )
    steps = [
        make_step(50, 500.0, started_unix_ns=20 * S, seconds=5.0),
        make_step(10, 500.0, started_unix_ns=2 * S, seconds=5.0),
        make_step(10, 500.0, started_unix_ns=10 * S, seconds=5.0),
    ]
    ten, fifty = calibrate_levels(run, steps)
    assert (ten.sessions, ten.turns, fifty.sessions, fifty.turns) == (10, 5, 50, 5)
    assert ten.errors["voice_to_voice_ms"].mean_ms == 12.0  # 10 to 14: the second time that it was held
    assert ten.errors["barge_in_detect_ms"].mean_ms == 0.5
    assert set(fifty.errors) == {"voice_to_voice_ms"}
    assert fifty.errors["voice_to_voice_ms"].max_abs_ms == 24.0
    assert ten.send_lateness_p99_ms == 1.2


def test_valid_is_only_what_is_valid_from_the_beginning_on() -> None:
    assert calibration(level(1), level(50), level(100)).valid_up_to == 100
    assert calibration(level(1), level(50, Level.SUSPECT), level(100)).valid_up_to == 1
    assert calibration(level(1, Level.INVALID), level(50)).valid_up_to is None


def test_a_run_takes_the_error_of_the_next_larger_level() -> None:
    found = calibration(level(1), level(50), level(100))
    assert [found.at(sessions).sessions for sessions in (1, 2, 50, 51)] == [1, 50, 50, 100]  # type: ignore[union-attr]
    assert found.at(101) is None


def test_the_error_bar_is_of_the_waits_at_the_next_larger_level() -> None:
    found = calibration(level(1), level(50), level(100, Level.SUSPECT)).error_bar(12, "0.1.0")
    assert (found.sessions, found.valid_up_to, found.transport) == (50, 50, "websocket")
    assert found.p99_abs_ms == level(50).errors["voice_to_voice_ms"].p99_abs_ms
    beyond = calibration(level(1)).error_bar(2, "0.1.0")
    assert (beyond.sessions, beyond.p50_ms, beyond.p99_abs_ms, beyond.valid_up_to) == (None, None, None, 1)


def test_of_a_run_of_another_version_it_says_nothing_but_that() -> None:
    stale = calibration(level(1), level(50)).error_bar(12, "0.2.0")
    assert (stale.stale, stale.rtbench) == (True, "0.1.0")
    assert (stale.sessions, stale.p50_ms, stale.p99_abs_ms) == (None, None, None)
    assert not calibration(level(1)).error_bar(1, "0.1.0").stale


def test_who_held_the_calibration_and_who_the_run_stand_side_by_side() -> None:
    error = replace(calibration(level(50)), workers=4).error_bar(12, "0.1.0", 2)
    assert (error.workers, error.run_workers) == (4, 2)


def test_it_is_written_and_read_as_it_is() -> None:
    found = replace(calibration(level(1), level(50, Level.SUSPECT)), workers=2)
    assert Calibration.from_dict(found.as_dict()) == found
    before_workers_were_kept = {key: value for key, value in found.as_dict().items() if key != "workers"}
    assert Calibration.from_dict(before_workers_were_kept) == replace(found, workers=None)


def test_what_is_kept_is_found_by_machine_and_transport(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    found, path = calibration(level(1)), calibration_file(fingerprint(HOST), "websocket")
    assert kept_calibration(HOST, "websocket") is None
    write_machine_file(path, found.as_dict())
    assert kept_calibration(HOST, "websocket") == found
    assert kept_calibration(HOST, "webrtc") is None
    write_machine_file(path, {"calibration_version": 99})
    assert kept_calibration(HOST, "websocket") is None


@pytest.mark.parametrize("change", [{"calibration_version": 99}, {"levels": [{"sessions": 1}]}])
def test_another_versions_file_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises((KeyError, TypeError, ValueError)):
        Calibration.from_dict({**calibration(level(1)).as_dict(), **change})


def test_a_machine_is_the_same_after_an_update_of_its_kernel_and_another_is_not() -> None:
    assert fingerprint(HOST) == fingerprint({**HOST, "kernel": "Linux 6.8"})
    assert fingerprint(HOST) != fingerprint({**HOST, "cores": 4})
    assert len(fingerprint(HOST)) == 16
