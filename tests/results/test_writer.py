import os
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pytest

from rtbench.core.errors import RtbenchError
from rtbench.results import writer as writer_module
from rtbench.results.parts import TablePaths, read_table
from rtbench.results.writer import FLUSH_INTERVAL_NS, RowWriter

SCHEMA = pa.schema([("session", pa.string()), ("n", pa.int64()), ("ms", pa.float64())])


def _row(number: int) -> dict[str, object]:
    return {"session": "s", "n": number, "ms": 0.5}


def _on_disk(directory: Path) -> list[int]:
    return read_table(TablePaths(directory, "turns"), SCHEMA).column("n").to_pylist()


@contextmanager
def small_files_only() -> Iterator[None]:
    """The operating system refuses to let a file grow beyond 600 bytes, as a full disk does.

    No fixture: pytest's own output may go to a file, and is written between a test and its fixtures' end.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (600, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, handler)


def test_flushed_rows_can_be_read_before_the_writer_is_closed(tmp_path: Path) -> None:
    writer = RowWriter(tmp_path, "turns", SCHEMA)
    writer.append(_row(1))
    writer.flush()
    writer.append(_row(2))
    assert _on_disk(tmp_path) == [1]


def test_rows_are_flushed_once_the_interval_has_passed(tmp_path: Path) -> None:
    writer = RowWriter(tmp_path, "turns", SCHEMA)
    writer.flush_if_due(1_000)
    writer.append(_row(1))
    writer.flush_if_due(FLUSH_INTERVAL_NS)
    assert _on_disk(tmp_path) == []
    writer.flush_if_due(1_000 + FLUSH_INTERVAL_NS)
    assert _on_disk(tmp_path) == [1]


def test_closing_leaves_one_file_with_every_row_in_order(tmp_path: Path) -> None:
    writer = RowWriter(tmp_path, "turns", SCHEMA)
    for number in range(5):
        writer.append(_row(number))
        if number % 2:
            writer.flush()
    writer.close()
    assert [path.name for path in tmp_path.iterdir()] == ["turns.parquet"]
    assert _on_disk(tmp_path) == [0, 1, 2, 3, 4]
    assert (writer.rows_written, writer.rows_lost) == (5, 0)


def test_many_small_parts_become_few_row_groups(tmp_path: Path) -> None:
    writer = RowWriter(tmp_path, "turns", SCHEMA)
    for number in range(20):
        writer.append(_row(number))
        writer.flush()
    writer.close()
    assert pa.parquet.read_metadata(tmp_path / "turns.parquet").num_row_groups == 1


def test_a_table_without_rows_is_still_written_with_its_columns(tmp_path: Path) -> None:
    RowWriter(tmp_path, "turns", SCHEMA).close()
    assert pa.parquet.read_schema(tmp_path / "turns.parquet").names == SCHEMA.names


def test_a_second_close_changes_nothing(tmp_path: Path) -> None:
    writer = RowWriter(tmp_path, "turns", SCHEMA)
    writer.append(_row(1))
    writer.close()
    writer.close()
    assert _on_disk(tmp_path) == [1]


def test_columns_that_a_row_lacks_are_null(tmp_path: Path) -> None:
    writer = RowWriter(tmp_path, "turns", SCHEMA)
    writer.append({"n": 3})
    writer.close()
    assert read_table(TablePaths(tmp_path, "turns"), SCHEMA).to_pylist() == [
        {"session": None, "n": 3, "ms": None}
    ]


@pytest.mark.parametrize("step", ["before the rename", "after the rename"])
def test_a_kill_in_the_middle_of_the_merge_neither_loses_nor_doubles_a_row(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    class Killed(BaseException):
        pass

    def kill(*_: object, **__: object) -> None:
        raise Killed

    writer = RowWriter(tmp_path, "turns", SCHEMA)
    for number in range(3):
        writer.append(_row(number))
        writer.flush()
    with monkeypatch.context() as patch:
        if step == "before the rename":
            patch.setattr(Path, "replace", kill)
        else:
            patch.setattr(writer_module.shutil, "rmtree", kill)
        with pytest.raises(Killed):
            writer.close()
    assert _on_disk(tmp_path) == [0, 1, 2]

    successor = RowWriter(tmp_path, "turns", SCHEMA)
    successor.append(_row(3))
    successor.close()
    assert _on_disk(tmp_path) == [0, 1, 2, 3]


def test_rows_flushed_by_a_process_survive_its_kill(tmp_path: Path) -> None:
    program = f"""
import os, signal, pyarrow as pa
from pathlib import Path
from rtbench.results.writer import RowWriter
writer = RowWriter(Path({str(tmp_path)!r}), "turns", pa.schema([("n", pa.int64())]))
for number in range(4):
    writer.append({{"n": number}})
    if number < 3:
        writer.flush()
os.kill(os.getpid(), signal.SIGKILL)
"""
    ended = subprocess.run([sys.executable, "-c", program], check=False, env={**os.environ})
    assert ended.returncode == -signal.SIGKILL
    assert _on_disk(tmp_path) == [0, 1, 2]


def test_a_full_disk_is_told_once_and_what_was_written_stays_readable(tmp_path: Path) -> None:
    schema = pa.schema([("n", pa.int64())])
    writer = RowWriter(tmp_path, "turns", schema)
    writer.append({"n": 1})
    writer.flush()
    for number in range(1000):
        writer.append({"n": number * 7919 % 1009})
    with small_files_only():
        with pytest.raises(
            RtbenchError, match=r"turns\.parquet: rows can no longer be written \(.+\); what was"
        ):
            writer.flush()
        writer.append({"n": 2})
        writer.flush()
        writer.close()
    assert read_table(TablePaths(tmp_path, "turns"), schema).to_pylist() == [{"n": 1}]
    assert (writer.rows_written, writer.rows_lost) == (1, 1001)


def test_rows_that_a_full_disk_refused_are_written_once_there_is_room_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    writer = RowWriter(tmp_path, "turns", SCHEMA)
    writer.append(_row(1))
    with monkeypatch.context() as patch:
        patch.setattr(writer_module.pq, "write_table", full)
        with pytest.raises(RtbenchError, match="No space left on device"):
            writer.flush()
    writer.append(_row(2))
    writer.close()
    assert _on_disk(tmp_path) == [1, 2]
    assert writer.rows_lost == 0
