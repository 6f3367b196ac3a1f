"""Rows on their way from a Locust worker to the master: batches small enough for its message queue."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

BATCH_BYTES = 400 * 1024
"""About 270 turns; a message stays below 0.5 MiB, so that heartbeats are not held up behind it."""

Send = Callable[[str, dict[str, Any]], None]

ROWS = "rtbench.rows"


class Outbox:
    """A worker's end: gathers rows and sends them in batches."""

    def __init__(self, worker: str, send: Send) -> None:
        self._worker = worker
        self._send = send
        self._rows: list[msgspec.Raw] = []
        self._bytes = 0

    def take(self, table: str, row: dict[str, Any]) -> None:
        """One row of a table; the mapping may change afterwards."""
        packed = msgspec.msgpack.encode((table, row))
        if self._bytes + len(packed) > BATCH_BYTES:
            self.flush()
        self._rows.append(msgspec.Raw(packed))
        self._bytes += len(packed)

    def flush(self) -> None:
        """Send what is gathered; to be called about once a second."""
        rows, self._rows, self._bytes = self._rows, [], 0
        if rows:
            self._send(ROWS, {"worker": self._worker, "rows": msgspec.msgpack.encode(rows)})


def unpack_rows(data: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """The rows of one message, each with its table."""
    return msgspec.msgpack.decode(data["rows"], type=list[tuple[str, dict[str, Any]]])
