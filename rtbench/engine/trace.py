"""The trace: every stamped event of every session, as Parquet shards written while the run goes.

Appending a row costs about a microsecond: columns grow as typed arrays that Arrow takes over without
a copy, and Parquet is written by a thread in C++ with the interpreter's lock released, so that
writing the trace does not make frames late.
"""

from __future__ import annotations

import json
from array import array
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import fields
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from rtbench.core.audio import Audio
from rtbench.core.machine import Disconnected
from rtbench.core.server_events import MalformedEvent, UnknownEvent

SHARD_ROWS = 20_000
"""At 300 callers a shard is full in about 5 s."""

_SPOKEN_FIELDS = frozenset({"delta", "transcript", "text", "arguments", "output", "instructions", "logprobs"})
"""Fields that carry words or audio; kept only where transcripts are recorded."""

_encode_json = msgspec.json.Encoder(enc_hook=repr).encode


class Trace:
    """One engine's trace; rows in the shape of `results.schema.TRACE`, in shards `<worker>-<n>.parquet`."""

    def __init__(self, folder: Path, worker: str, wire_type: Callable[[Any], str], keep_words: bool) -> None:
        self._folder = folder
        self._worker = worker
        self._wire_type = wire_type
        self._keep_words = keep_words
        self._writer = ThreadPoolExecutor(max_workers=1, thread_name_prefix="trace")
        self._writes: list[Future[None]] = []
        self._shard = 0
        self._begin_shard()

    def session(self, name: str) -> SessionTrace:
        """The part of one session."""
        return SessionTrace(self, name)

    def append(self, session: str, event: Any, at_ns: int, due_ns: int | None) -> None:
        """One event: received, or sent where it has an instant at which it was due."""
        self._session.append(self._code(self._sessions, session))
        self._type.append(self._code(self._types, self._type_of(event)))
        self._at.append(at_ns)
        self._sent.append(due_ns is not None)
        self._due.append(at_ns if due_ns is None else due_ns)
        payload = getattr(event, "delta", None)
        self._size.append(payload.size_bytes if isinstance(payload, Audio) else 0)
        self._detail += _as_json(self._detail_of(event))
        self._detail_ends.append(len(self._detail))
        if len(self._at) >= SHARD_ROWS:
            self.flush()

    def flush(self) -> None:
        """Hand what is gathered to the writing thread as a shard."""
        if not len(self._at):
            return
        batch = self._take_batch()
        self._shard += 1
        path = self._folder / f"{self._worker}-{self._shard:05d}.parquet"
        self._writes = [write for write in self._writes if not write.done() or write.exception()]
        self._writes.append(self._writer.submit(_write_shard, batch, path))

    def close(self) -> str:
        """Write the rest and wait for the disk; the reason where some shard could not be written, else empty."""
        self.flush()
        self._writer.shutdown(wait=True)
        failures = [error for error in (write.exception() for write in self._writes) if error is not None]
        return str(failures[0]) if failures else ""

    def _type_of(self, event: Any) -> str:
        match event:
            case Disconnected():
                return "disconnected"
            case MalformedEvent():
                return "malformed"
            case UnknownEvent():
                return event.type
            case _:
                return self._wire_type(event)

    def _detail_of(self, event: Any) -> dict[str, Any]:
        detail = {}
        for field in fields(event):
            value = getattr(event, field.name)
            if value is None or isinstance(value, Audio) or field.name == "event_id":
                continue
            if self._keep_words or field.name not in _SPOKEN_FIELDS:
                detail[field.name] = value if self._keep_words else _without_words(value)
        return detail

    @staticmethod
    def _code(names: dict[str, int], name: str) -> int:
        code = names.get(name)
        if code is None:
            code = names[name] = len(names)
        return code

    def _begin_shard(self) -> None:
        self._sessions: dict[str, int] = {}
        self._types: dict[str, int] = {}
        self._session = array("i")
        self._type = array("i")
        self._at = array("q")
        self._due = array("q")
        self._size = array("q")
        self._sent = array("b")
        self._detail = bytearray()
        self._detail_ends = array("i", [0])

    def _take_batch(self) -> pa.Table:
        rows = len(self._at)

        def numbers(values: array[int], kind: pa.DataType) -> pa.Array[Any]:
            return pa.Array.from_buffers(kind, rows, [None, pa.py_buffer(values)])

        def names(codes: array[int], table: dict[str, int]) -> pa.Array[Any]:
            return pa.DictionaryArray.from_arrays(
                numbers(codes, pa.int32()), pa.array(list(table), pa.string())
            )

        detail = [None, pa.py_buffer(self._detail_ends), pa.py_buffer(self._detail)]
        batch = pa.table(
            {
                "session": names(self._session, self._sessions),
                "at_ns": numbers(self._at, pa.int64()),
                "sent": numbers(self._sent, pa.int8()).cast(pa.bool_()),
                "type": names(self._type, self._types),
                "size_bytes": numbers(self._size, pa.int64()),
                "due_ns": numbers(self._due, pa.int64()),
                "detail": pa.Array.from_buffers(pa.string(), rows, detail),
            }
        )
        self._begin_shard()
        return batch


class SessionTrace:
    """One session's events, as the driver sees them pass."""

    __slots__ = ("_name", "_trace")

    def __init__(self, trace: Trace, name: str) -> None:
        self._trace = trace
        self._name = name

    def received(self, event: Any, at_ns: int) -> None:
        self._trace.append(self._name, event, at_ns, None)

    def sent(self, event: Any, due_ns: int, at_ns: int) -> None:
        self._trace.append(self._name, event, at_ns, due_ns)


def _without_words(value: Any) -> Any:
    """A JSON value with what was said taken out of it, at any depth."""
    if isinstance(value, dict):
        return {
            key: _without_words(inner)
            for key, inner in value.items()
            if key not in _SPOKEN_FIELDS or isinstance(inner, dict)  # `audio.output` is a setting, not words
        }
    if isinstance(value, list | tuple):
        return [_without_words(inner) for inner in value]
    return value


def _as_json(detail: dict[str, Any]) -> bytes:
    try:
        return _encode_json(detail)
    except OverflowError:  # a whole number beyond 64 bits, which only a broken service sends
        return json.dumps(detail, default=repr).encode()


def _write_shard(batch: pa.Table, path: Path) -> None:
    unfinished = path.with_suffix(".part")
    pq.write_table(batch, unfinished, compression="zstd")
    unfinished.replace(path)
