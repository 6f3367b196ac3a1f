"""What the master and its workers say to each other besides rows, over Locust's own messages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rtbench.core.errors import ExitCode, RtbenchError

BEGIN = "rtbench.begin"
"""Master to one worker: the fields of `engine.messages.Configure`."""

READY = "rtbench.ready"
"""Worker: its engine can hold calls."""

FAILED = "rtbench.failed"
"""Worker: it cannot begin or go on; see `failure_message`."""

DRAIN = "rtbench.drain"
"""Master to all: end the calls within `timeout_s`, at once where `abort`, and hand over what is left."""

DRAINED = "rtbench.drained"
"""Worker, after its last row: the fields of `WorkerReport`."""


@dataclass(frozen=True, slots=True)
class WorkerReport:
    """What a worker says when it has drained; one that never held a call has nothing to say."""

    rows_sent: int = 0
    """Turn and session rows that its engine handed over."""

    engine_died: bool = False
    trace_error: str = ""
    """Why part of the trace could not be written; empty where all of it was."""


def failure_message(error: RtbenchError) -> dict[str, Any]:
    """An error as a message carries it."""
    return {"message": str(error), "exit_code": int(error.exit_code)}


def failure_of(message: Mapping[str, Any]) -> RtbenchError:
    """The error of a message, with its sentence and its exit code."""
    error = RtbenchError(message["message"])
    error.exit_code = ExitCode(message["exit_code"])
    return error
