"""The emulator's logs on disk: one JSON object per row, appended as it happens."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from rtbench.core.errors import UsageError

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


class TruthFile:
    """Appends rows with one system call each time, so a kill loses nothing and tears no line."""

    def __init__(self, path: Path) -> None:
        """Open for appending, making the folder where there is none. Raises UsageError where it cannot be written."""
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise UsageError(f"{path}: the emulator's log cannot be written: {error.strerror}") from None
        self._path = path
        self._failed = False

    def write(self, rows: Iterable[DataclassInstance]) -> None:
        """Append rows. When the disk refuses, says so once and goes on serving: callers are worth more than the log."""
        lines = b"".join(msgspec.json.encode(asdict(row)) + b"\n" for row in rows)
        if not lines:
            return
        try:
            os.write(self._fd, lines)
        except OSError as error:
            if not self._failed:
                self._failed = True
                sys.stderr.write(f"{self._path}: rows of the emulator's log are lost: {error.strerror}\n")

    def close(self) -> None:
        os.close(self._fd)
