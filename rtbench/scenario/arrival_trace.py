"""An arrival trace: when calls came once, in a column of a CSV file."""

from __future__ import annotations

import csv
import math
from pathlib import Path

from rtbench.core.errors import UsageError
from rtbench.scenario.fault import did_you_mean, shown


def read_trace(path: Path, column: str) -> tuple[float, ...]:
    """The seconds of an arrival trace, in order and from 0 on. Raises UsageError naming file and line."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as lines:
            rows = [(number, row) for number, row in enumerate(csv.reader(lines), start=1) if row]
    except FileNotFoundError:
        raise UsageError(f"{path}: there is no such arrival trace") from None
    except (OSError, UnicodeDecodeError, csv.Error):
        raise UsageError(f"{path}: the arrival trace cannot be read as CSV") from None
    if not rows:
        raise UsageError(f"{path}: the arrival trace is empty")
    head = [name.strip() for name in rows[0][1]]
    if column in head:
        place, rows = head.index(column), rows[1:]
    elif column.isdecimal() and 1 <= int(column) <= len(head):
        place = int(column) - 1
    else:
        raise UsageError(f"{path}: there is no column '{column}'{did_you_mean(column, head)}")
    found = sorted(_seconds(path, number, row, place) for number, row in rows)
    if not found:
        raise UsageError(f"{path}: the arrival trace is empty")
    return tuple(at_s - found[0] for at_s in found)


def _seconds(path: Path, number: int, row: list[str], place: int) -> float:
    try:
        value = float(row[place])
    except (IndexError, ValueError):
        value = math.nan
    if not math.isfinite(value):
        written = shown(row[place]) if place < len(row) else "nothing"
        raise UsageError(f"{path}, line {number}: must be a number of seconds, not {written}")
    return value
