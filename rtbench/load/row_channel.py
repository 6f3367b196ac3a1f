"""Rows on their way from a Locust worker to the master: batches small enough for its message queue."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

BATCH_ROWS = 400
"""About 1 kB a row: a batch stays below 0.5 MiB, so that heartbeats are not held up behind it."""

Send = Callable[[str, dict[str, Any]], None]

ROWS = "rtbench.rows"


class Outbox:
    """A worker's end: gathers rows and sends them in batches."""

    def __init__(self, worker: str, send: Send) -> None:
        self._worker = worker
        self._send = send
        self._rows: list[tuple[str, dict[str, Any]]] = []

    def take(self, table: str, row: dict[str, Any]) -> None:
        """One row of a table."""
        self._rows.append((table, row))
        if len(self._rows) >= BATCH_ROWS:
            self.flush()

    def flush(self) -> None:
        """Send what is gathered; to be called about once a second."""
        rows, self._rows = self._rows, []
        if rows:
            self._send(ROWS, {"worker": self._worker, "rows": msgspec.msgpack.encode(rows)})


def unpack_rows(data: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """The rows of one message, each with its table."""
    return msgspec.msgpack.decode(data["rows"], type=list[tuple[str, dict[str, Any]]])
