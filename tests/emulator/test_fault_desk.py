"""The desk: probes pass, and what strikes is written down."""

from __future__ import annotations

import json

from rtbench.emulator.fault_desk import FaultDesk
from rtbench.emulator.profile import Profile
from rtbench.emulator.truth_file import TruthFile


def desk(path, **faults) -> FaultDesk:
    return FaultDesk(Profile.model_validate({"faults": faults}), TruthFile(path))


def rows(path) -> list[dict]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_a_run_s_own_probe_is_let_in_and_counts_for_nothing(tmp_path) -> None:
    found = desk(tmp_path / "log", refusal={"status": 503, "most": 1})

    assert found.decide("m", is_probe=True).status is None
    assert [found.decide("m", is_probe=False).status for _ in range(2)] == [503, None]
    assert [row["kind"] for row in rows(tmp_path / "log")] == ["refusal"]


def test_a_restart_is_a_row_for_each_session(tmp_path) -> None:
    found = desk(tmp_path / "log")
    found.restarted("sess_1", 1012)
    found.restarted("sess_2", 1012)

    assert [(row["kind"], row["session_id"], row["setting"]) for row in rows(tmp_path / "log")] == [
        ("restart", "sess_1", "1012"),
        ("restart", "sess_2", "1012"),
    ]


def test_want_of_room_is_written_down_for_callers_and_not_for_the_run_s_own_probe(tmp_path) -> None:
    found = desk(tmp_path / "log")
    found.no_room(503, is_probe=True)
    found.no_room(429, is_probe=False)

    assert [(row["kind"], row["session_id"], row["setting"]) for row in rows(tmp_path / "log")] == [
        ("capacity", "", "429")
    ]
