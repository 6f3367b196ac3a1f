"""Where programs' state is kept, by the XDG specification."""

from __future__ import annotations

from pathlib import Path

import pytest

from rtbench.core.errors import UsageError
from rtbench.results.machine_files import (
    calibration_file,
    read_machine_file,
    state_folder,
    write_machine_file,
)


def test_state_goes_where_the_system_says_or_into_the_home(tmp_path: Path) -> None:
    assert state_folder({"XDG_STATE_HOME": str(tmp_path)}) == tmp_path / "rtbench"
    home = Path.home() / ".local" / "state" / "rtbench"
    assert state_folder({}) == home
    assert state_folder({"XDG_STATE_HOME": "relative"}) == home  # invalid by the specification


def test_a_file_is_read_as_it_was_written(tmp_path: Path) -> None:
    path = calibration_file("0123", "webrtc", {"XDG_STATE_HOME": str(tmp_path)})
    assert read_machine_file(path) is None
    write_machine_file(path, {"a": 1})
    write_machine_file(path, {"a": 2})
    assert read_machine_file(path) == {"a": 2}
    assert [each.name for each in path.parent.iterdir()] == ["0123-webrtc.json"]


@pytest.mark.parametrize("content", ["", "[1]", "{"])
def test_what_is_no_such_file_is_as_good_as_none(tmp_path: Path, content: str) -> None:
    path = tmp_path / "x.json"
    path.write_text(content)
    assert read_machine_file(path) is None


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="cannot be written"):
        write_machine_file(tmp_path / "file" / "x.json", {})
