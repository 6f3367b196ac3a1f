"""A disk that is full in mid-run: the rows written before are there, and the report can be made later."""

import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.e2e


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(folder)]
    if subprocess.run(command, capture_output=True, check=False).returncode != 0:
        pytest.skip("a file system in memory cannot be mounted here")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def _fill(folder: Path) -> None:
    with pytest.raises(OSError, match="No space"), (folder / "filler").open("wb", buffering=0) as filler:
        while True:
            filler.write(bytes(4096))


def test_rows_written_before_the_disk_was_full_survive(
    start: Callable[..., Any],
    rows: Callable[[Path], dict[str, int]],
    scenario: Path,
    emulator_url: str,
    small_disk: Path,
    tmp_path: Path,
) -> None:
    arguments = ("--target", emulator_url, "--duration", "10 min", "--out", small_disk)
    running = start("rtbench", "run", scenario, *arguments)
    running.until(lambda: list(small_disk.glob("*/turns.parts/*.parquet")), "turns")
    (run,) = (path for path in small_disk.iterdir() if path.is_dir())
    written = rows(run)
    _fill(small_disk)
    ended = running.ended()

    assert ended.code == 4, ended.out + ended.errors
    assert "Traceback" not in ended.errors
    assert ended.errors.count("\n") == 1, ended.errors
    assert "No space left on device" in ended.errors
    assert rows(run)["turns"] >= written["turns"] > 0
    assert running.left_behind() == []

    roomy = tmp_path / "roomy"
    shutil.copytree(run, roomy)
    assert start("rtbench", "report", roomy).ended().code == 0
    assert json.loads((roomy / "summary.json").read_text())["verdict"]["level"] == "INVALID"
