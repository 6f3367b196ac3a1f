"""Where a table lives on disk: one final Parquet file, and numbered part files until it is merged.

    <table>.parts/000001.parquet     written to a temporary name, then renamed: whole or absent
    <table>.parquet                  all parts in one; says in its metadata up to which part

A reader takes the final file and those parts that the final file does not hold yet, so a process
killed between any two steps neither loses nor doubles a row.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

MERGED_KEY = b"rtbench.merged_parts"
"""Key of the final file's metadata: number of the last part that it holds."""


@dataclass(frozen=True, slots=True)
class TablePaths:
    """The paths of one table in `directory`."""

    directory: Path
    table: str

    @property
    def final(self) -> Path:
        return self.directory / f"{self.table}.parquet"

    @property
    def parts(self) -> Path:
        return self.directory / f"{self.table}.parts"

    def part(self, number: int) -> Path:
        return self.parts / f"{number:06d}.parquet"

    def part_numbers(self) -> list[int]:
        """Numbers of the whole part files on disk, ascending."""
        if not self.parts.is_dir():
            return []
        return sorted(int(path.stem) for path in self.parts.glob("[0-9]*.parquet"))

    def merged_up_to(self) -> int:
        """Number of the last part that the final file holds; 0 where there is no final file."""
        if not self.final.is_file():
            return 0
        metadata = pq.read_schema(self.final).metadata or {}
        return int(metadata.get(MERGED_KEY, b"0"))

    def files(self) -> list[Path]:
        """Every file to read, each row in exactly one of them."""
        merged = self.merged_up_to()
        final = [self.final] if self.final.is_file() else []
        return final + [self.part(number) for number in self.part_numbers() if number > merged]


def read_table(paths: TablePaths, schema: pa.Schema, sessions: list[str] | None = None) -> pa.Table:
    """All rows of a table, or those of the named sessions; no rows where nothing was written.

    Columns that an older run lacks are null, columns that `schema` does not know are left out.
    """
    filters = None if sessions is None else pc.field("session").isin(pa.array(sessions, pa.string()))
    tables = [_conform(pq.read_table(path, filters=filters), schema) for path in paths.files()]
    return pa.concat_tables(tables) if tables else schema.empty_table()


def stream_table(paths: TablePaths, schema: pa.Schema) -> Iterator[pa.Table]:
    """The rows of `read_table` in pieces, none of them larger than a group of rows in a file."""
    for path in paths.files():
        file = pq.ParquetFile(path)
        there = [name for name in schema.names if name in file.schema_arrow.names]
        for batch in file.iter_batches(columns=there):
            yield _conform(pa.Table.from_batches([batch]), schema)


def _conform(table: pa.Table, schema: pa.Schema) -> pa.Table:
    columns = [
        table.column(field.name).cast(field.type)
        if field.name in table.column_names
        else pa.nulls(table.num_rows, field.type)
        for field in schema
    ]
    return pa.table(columns, schema=schema)
