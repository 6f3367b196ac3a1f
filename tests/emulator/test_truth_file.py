from __future__ import annotations

import json
from pathlib import Path

import pytest

from rtbench.core.errors import UsageError
from rtbench.emulator.truth import TruthRow
from rtbench.emulator.truth_file import TruthFile

FULL_DEVICE = Path("/dev/full")


def row(response_id: str) -> TruthRow:
    return TruthRow("s", response_id, "i", "manual", 8_000, None, 1, 2, 3.0, 4, None, "", True)


def test_rows_are_on_disk_as_soon_as_they_are_written(tmp_path):
    path = tmp_path / "run" / "emulator.jsonl"
    file = TruthFile(path)
    file.write([row("a"), row("b")])
    written = [json.loads(line) for line in path.read_text().splitlines()]
    assert [entry["response_id"] for entry in written] == ["a", "b"]
    assert written[0]["audible_offset_ms"] is None
    file.close()


def test_an_older_log_is_continued(tmp_path):
    for name in ("a", "b"):
        file = TruthFile(tmp_path / "log")
        file.write([row(name)])
        file.write([])
        file.close()
    assert len((tmp_path / "log").read_text().splitlines()) == 2


def test_a_log_that_cannot_be_written_is_told_at_once(tmp_path):
    with pytest.raises(UsageError, match="log cannot be written"):
        TruthFile(tmp_path)


@pytest.mark.skipif(not FULL_DEVICE.exists(), reason="this system has no /dev/full")
def test_a_full_disk_costs_the_rows_and_is_told_once(capsys):
    file = TruthFile(FULL_DEVICE)
    file.write([row("a")])
    file.write([row("b")])
    assert capsys.readouterr().err.count("are lost: No space left on device") == 1
    file.close()
