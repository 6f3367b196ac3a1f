"""What the master and its workers say to each other besides rows, over Locust's own messages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from rtbench.core.errors import ExitCode, RtbenchError
from rtbench.load.caller_pool import CallerPool
from rtbench.load.turnstile import Turnstile

BEGIN = "rtbench.begin"
"""Master to one worker.

`configure`: the fields of `engine.messages.Configure`; `shaped`: whether callers wait for a LEVEL or an ARRIVAL;
`user_classes`: names of those whose users Locust will spawn.
"""

READY = "rtbench.ready"
"""Worker: its engine can hold calls."""

FAILED = "rtbench.failed"
"""Worker: it cannot begin or go on; see `failure_message`."""

LEVEL = "rtbench.level"
"""Master to one worker: so many `users` of it may call from now on."""

ARRIVAL = "rtbench.arrival"
"""Master to one worker: one call is due now."""

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
    engine_fell_silent: bool = False
    """It is among those that died, by the worker's hand."""

    trace_error: str = ""
    """Why part of the trace could not be written; empty where all of it was."""

    sessions_started: int = 0
    sessions_not_started: int = 0

    @classmethod
    def of(cls, pool: CallerPool, turnstile: Turnstile | None) -> Self:
        """After the pool has ended."""
        return cls(
            rows_sent=pool.rows_sent,
            engine_died=pool.engine_died,
            engine_fell_silent=pool.engine_fell_silent,
            trace_error=pool.trace_error,
            sessions_started=pool.calls_started,
            sessions_not_started=turnstile.not_started if turnstile is not None else 0,
        )


def failure_message(error: RtbenchError) -> dict[str, Any]:
    """An error as a message carries it."""
    return {"message": str(error), "exit_code": int(error.exit_code)}


def failure_of(message: Mapping[str, Any]) -> RtbenchError:
    """The error of a message, with its sentence and its exit code."""
    error = RtbenchError(message["message"])
    error.exit_code = ExitCode(message["exit_code"])
    return error
