from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from rtbench.results.parts import MERGED_KEY, TablePaths, read_table, stream_table

SCHEMA = pa.schema([("session", pa.string()), ("n", pa.int64())])


def _write(path: Path, *numbers: int, merged: int | None = None) -> None:
    path.parent.mkdir(exist_ok=True)
    schema = SCHEMA if merged is None else SCHEMA.with_metadata({MERGED_KEY: str(merged).encode()})
    rows = {"session": [f"s{number}" for number in numbers], "n": list(numbers)}
    pq.write_table(pa.table(rows, schema=schema), path)


def _numbers(paths: TablePaths) -> list[int]:
    return read_table(paths, SCHEMA).column("n").to_pylist()


def test_parts_are_read_in_the_order_in_which_they_were_written(tmp_path: Path) -> None:
    paths = TablePaths(tmp_path, "turns")
    for number in (10, 2, 1):
        _write(paths.part(number), number)
    assert _numbers(paths) == [1, 2, 10]


def test_parts_that_the_final_file_already_holds_are_not_read_again(tmp_path: Path) -> None:
    paths = TablePaths(tmp_path, "turns")
    for number in (1, 2, 3):
        _write(paths.part(number), number)
    _write(paths.final, 1, 2, merged=2)
    assert _numbers(paths) == [1, 2, 3]


def test_a_half_written_file_under_its_temporary_name_is_ignored(tmp_path: Path) -> None:
    paths = TablePaths(tmp_path, "turns")
    _write(paths.part(1), 1)
    (paths.parts / ".000002.parquet.tmp").write_bytes(b"PAR1")
    assert _numbers(paths) == [1]


def test_a_final_file_of_another_origin_counts_as_merged_from_nothing(tmp_path: Path) -> None:
    paths = TablePaths(tmp_path, "turns")
    _write(paths.final, 7)
    assert paths.merged_up_to() == 0
    assert _numbers(paths) == [7]


def test_only_the_sessions_asked_for_are_read(tmp_path: Path) -> None:
    paths = TablePaths(tmp_path, "trace")
    _write(paths.part(1), 1, 2, 3)
    assert read_table(paths, SCHEMA, ["s2", "s9"]).column("n").to_pylist() == [2]
    assert read_table(paths, SCHEMA, []).num_rows == 0


def test_a_column_that_an_older_run_lacks_is_null_and_an_unknown_one_is_left_out(tmp_path: Path) -> None:
    paths = TablePaths(tmp_path, "turns")
    pq.write_table(pa.table({"n": [1], "gone": ["x"]}), paths.final)
    assert read_table(paths, SCHEMA).to_pylist() == [{"session": None, "n": 1}]


def test_a_table_of_which_nothing_was_written_has_no_rows(tmp_path: Path) -> None:
    assert read_table(TablePaths(tmp_path, "turns"), SCHEMA).num_rows == 0


def test_a_table_can_be_had_in_pieces_one_per_group_of_rows(tmp_path: Path) -> None:
    paths = TablePaths(tmp_path, "turns")
    _write(paths.part(1), 1, 2)
    _write(paths.part(2), 3)
    pq.write_table(pa.table({"n": [4, 5, 6], "gone": ["x"] * 3}), paths.part(3), row_group_size=2)
    pieces = list(stream_table(paths, SCHEMA))
    assert all(piece.schema == SCHEMA for piece in pieces)
    assert [n for piece in pieces for n in piece.column("n").to_pylist()] == [1, 2, 3, 4, 5, 6]
    assert len(pieces) >= 3
    assert list(stream_table(TablePaths(tmp_path, "none"), SCHEMA)) == []
