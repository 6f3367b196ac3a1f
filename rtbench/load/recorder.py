"""Keeps a run's rows: takes them from engines and workers, counts them, and writes them as the run goes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from rtbench.clock import monotonic_ns
from rtbench.core.errors import RtbenchError
from rtbench.results import schema
from rtbench.results.run_directory import RunDirectory
from rtbench.results.writer import RowWriter

_SCHEMAS = {
    "turns": schema.TURNS,
    "sessions": schema.SESSIONS,
    "stimuli": schema.STIMULI,
    "incidents": schema.INCIDENTS,
    "mishaps": schema.MISHAPS,
    "generator": schema.GENERATOR,
    "waveforms": schema.WAVEFORMS,
    "recordings": schema.RECORDINGS,
}


class Recorder:
    """The tables of one run directory, and how many rows of each have come in."""

    def __init__(self, directory: RunDirectory) -> None:
        self.directory = directory
        self.received: Counter[str] = Counter()
        self.troubles: list[str] = []
        """What went wrong with the disk, a sentence each."""

        self._writers = {table: RowWriter(directory.path, table, kind) for table, kind in _SCHEMAS.items()}

    def take(self, table: str, row: Mapping[str, Any]) -> None:
        """One row of a table."""
        self._writers[table].append(row)
        self.received[table] += 1

    def flush_if_due(self) -> None:
        """To be called about once a second."""
        for writer in self._writers.values():
            try:
                writer.flush_if_due(monotonic_ns())
            except RtbenchError as error:
                self.troubles.append(str(error))

    def close(self) -> None:
        """Write everything in its final form; call once."""
        for writer in self._writers.values():
            try:
                writer.close()
            except RtbenchError as error:
                self.troubles.append(str(error))

    @property
    def rows_lost(self) -> int:
        """Turn and session rows that came in and could not be written."""
        return self._writers["turns"].rows_lost + self._writers["sessions"].rows_lost
