"""Rows that say what struck."""

from __future__ import annotations

from rtbench.emulator.fault_log import FaultRow


def test_a_row_at_the_door_belongs_to_no_session() -> None:
    row = FaultRow("refusal", 5, setting="503")

    assert (row.session_id, row.response_id, row.ordered) == ("", "", False)
