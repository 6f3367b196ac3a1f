"""The writer of a run's tables: rows reach the disk as the run goes, whole or not at all."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from rtbench.core.errors import RtbenchError
from rtbench.results.parts import MERGED_KEY, TablePaths

FLUSH_INTERVAL_NS = 2_000_000_000
"""At most this much of a run is lost to a kill: two seconds."""

ROW_GROUP_ROWS = 50_000

MAX_BUFFERED_ROWS = 200_000
"""Kept for another try while the disk refuses them; what comes on top is counted as lost."""


class RowWriter:
    """Writes one table of a run: buffers rows, flushes them as part files, merges the parts at the end.

    It has no clock and no thread: its owner calls `flush_if_due` now and then. Once the disk refuses
    a write, the first call that meets it raises RtbenchError; later ones go on trying in silence, and
    `rows_lost` tells what never reached the disk.
    """

    def __init__(
        self, directory: Path, table: str, schema: pa.Schema, flush_interval_ns: int = FLUSH_INTERVAL_NS
    ):
        self.rows_written = 0
        self.rows_lost = 0
        self._paths = TablePaths(directory, table)
        self._schema = schema
        self._flush_interval_ns = flush_interval_ns
        self._rows: list[Mapping[str, Any]] = []
        self._flushed_ns: int | None = None
        self._failure_told = False
        self._next_part = 1 + max([self._paths.merged_up_to(), *self._paths.part_numbers()])
        # Arrow's first conversion imports pandas, for a second or more: now, and not while calls are held.
        pa.Table.from_pylist([{}], schema=schema)

    def append(self, row: Mapping[str, Any]) -> None:
        """Take one row; columns that it lacks are null. The mapping must not change afterwards."""
        if len(self._rows) >= MAX_BUFFERED_ROWS and self._failure_told:
            self.rows_lost += 1
        else:
            self._rows.append(row)

    def flush_if_due(self, now_ns: int) -> None:
        """Flush if the last flush is longer ago than the interval. `now_ns`: the owner's monotonic clock."""
        if self._flushed_ns is None:
            self._flushed_ns = now_ns
        if now_ns - self._flushed_ns >= self._flush_interval_ns:
            self._flushed_ns = now_ns
            self.flush()

    def flush(self) -> None:
        """Write what is buffered as the next part file. Raises RtbenchError once, on the first refusal."""
        if not self._rows:
            return
        part = self._paths.part(self._next_part)
        try:
            self._paths.parts.mkdir(parents=True, exist_ok=True)
            _write_whole(pa.Table.from_pylist(self._rows, schema=self._schema), part)
        except OSError as error:
            self._tell(error)
            return
        self.rows_written += len(self._rows)
        self._rows = []
        self._next_part += 1

    def close(self) -> None:
        """Flush, then merge all parts into the final file. Raises RtbenchError as `flush` does.

        Where the disk has no room for the merged file the parts stay, and are as good to a reader.
        """
        try:
            self.flush()
        finally:
            self.rows_lost += len(self._rows)
            self._rows = []
            try:
                self._merge()
            except OSError as error:
                self._tell(error)

    def _merge(self) -> None:
        last_part = self._next_part - 1
        schema = self._schema.with_metadata({MERGED_KEY: str(last_part).encode()})
        files = self._paths.files()
        if files == [self._paths.final] and self._paths.merged_up_to() == last_part:
            return
        with _temporary(self._paths.final) as temporary:
            with pq.ParquetWriter(temporary, schema, compression="zstd") as merged:
                for table in _in_large_pieces(files):
                    merged.write_table(table.replace_schema_metadata(schema.metadata))
            temporary.replace(self._paths.final)
        shutil.rmtree(self._paths.parts, ignore_errors=True)

    def _tell(self, error: OSError) -> None:
        if self._failure_told:
            return
        self._failure_told = True
        reason = error.strerror or str(error)
        raise RtbenchError(
            f"{self._paths.final}: rows can no longer be written ({reason}); what was written before is safe."
        ) from error


def _in_large_pieces(files: list[Path]) -> Iterator[pa.Table]:
    """The rows of many small files in few tables, as each table becomes a row group of its own."""
    pieces: list[pa.Table] = []
    for path in files:
        pieces.append(pq.read_table(path))
        if sum(piece.num_rows for piece in pieces) >= ROW_GROUP_ROWS:
            yield pa.concat_tables(pieces)
            pieces = []
    if pieces:
        yield pa.concat_tables(pieces)


def _write_whole(table: pa.Table, path: Path) -> None:
    with _temporary(path) as temporary:
        pq.write_table(table, temporary, compression="zstd")
        temporary.replace(path)


@contextlib.contextmanager
def _temporary(path: Path) -> Iterator[Path]:
    """A name beside `path` to write to first; removed where the writing fails."""
    temporary = path.with_name(f".{path.name}.tmp")
    try:
        yield temporary
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
