"""The trace: every stamped event of every session, as Parquet shards written while the run goes.

Appending a row costs a few microseconds: columns grow as typed arrays that Arrow takes over without
a copy, and Parquet is written by a thread in C++ with the interpreter's lock released, so that
writing the trace does not make frames late.
"""

from __future__ import annotations

import json
from array import array
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import fields
from itertools import accumulate
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from rtbench.core.audio import Audio
from rtbench.core.machine import Disconnected
from rtbench.core.server_events import MalformedEvent, UnknownEvent
from rtbench.engine.priority import yield_this_thread

SHARD_ROWS = 20_000
"""At 300 callers a shard is full in about 5 s."""

SHARD_DETAIL_BYTES = 64 * 2**20
"""A shard of large events ends before its rows do: Arrow's offsets have 31 bits, and memory is not free."""

_SPOKEN_FIELDS = frozenset(
    {"delta", "transcript", "text", "arguments", "instructions", "logprobs", "payload"}
)
"""Fields that carry words; kept only where transcripts are recorded. `payload` is what came with an event
that nobody knows or can read, so nobody can say that there are no words in it."""

_TOOL_RESULT = "output"
"""Words where it is text, of a tool's result; a response has its items there, a session its audio settings."""

_BULK_FIELDS = frozenset({"audio", "image_url"})
"""Members of items that carry sound or pictures, as text; never kept. A session has settings under `audio`."""

_SCALARS = frozenset({str, int, float, bool})

_encode_json = msgspec.json.Encoder(enc_hook=repr).encode


class _Shape(NamedTuple):
    """What the trace keeps of one class of events."""

    wire_type: str
    """Empty where each event says it itself."""

    audio: str
    """The field with a payload of audio, empty where there is none."""

    kept: tuple[str, ...]


class Trace:
    """One engine's trace; rows in the shape of `results.schema.TRACE`, in shards `<worker>-<n>.parquet`."""

    def __init__(self, folder: Path, worker: str, wire_type: Callable[[Any], str], keep_words: bool) -> None:
        self._folder = folder
        self._worker = worker
        self._wire_type = wire_type
        self._keep_words = keep_words
        self._writer = ThreadPoolExecutor(
            max_workers=1, thread_name_prefix="trace", initializer=yield_this_thread
        )
        self._writes: list[Future[None]] = []
        self._failure = ""
        self._shard = 0
        self._shapes: dict[type, _Shape] = {}
        self._begin_shard()

    def session(self, name: str) -> SessionTrace:
        """The part of one session."""
        return SessionTrace(self, name)

    def append(self, session: str, event: Any, at_ns: int, due_ns: int | None) -> None:
        """One event: received, or sent where it has an instant at which it was due."""
        shape = self._shapes.get(type(event)) or self._learn(event)
        self._session.append(self._code(self._sessions, session))
        self._type.append(self._code(self._types, shape.wire_type or event.type))
        self._at.append(at_ns)
        self._sent.append(due_ns is not None)
        self._due.append(at_ns if due_ns is None else due_ns)
        self._size.append(getattr(event, shape.audio).size_bytes if shape.audio else 0)
        self._detail += self._as_json(event, shape.kept)
        self._detail_ends.append(len(self._detail))
        if len(self._at) >= SHARD_ROWS or len(self._detail) >= SHARD_DETAIL_BYTES:
            self.flush()

    def flush(self) -> None:
        """Hand what is gathered to the writing thread as a shard."""
        if not len(self._at):
            return
        batch = self._take_batch()
        self._shard += 1
        path = self._folder / f"{self._worker}-{self._shard:05d}.parquet"
        self._collect(wait=False)
        self._writes.append(self._writer.submit(_write_shard, batch, path))

    def close(self) -> str:
        """Write the rest and wait for the disk; the reason where some shard could not be written, else empty."""
        self.flush()
        self._collect(wait=True)
        self._writer.shutdown(wait=True)
        return self._failure

    def _collect(self, *, wait: bool) -> None:
        """Forget the writes that are done; of those that failed, keep the first one's reason."""
        done = [write for write in self._writes if wait or write.done()]
        self._writes = [write for write in self._writes if write not in done]
        for write in done:
            error = write.exception()
            if error is not None and not self._failure:
                reason = getattr(error, "strerror", None) or error
                self._failure = f"{self._folder}: part of the trace could not be written ({reason})."

    def _learn(self, event: Any) -> _Shape:
        """What is to be kept of events of this class, found once."""
        names = [field.name for field in fields(event) if field.name != "event_id"]
        audio = next((field.name for field in fields(event) if field.type == Audio.__name__), "")
        dropped = {audio} if self._keep_words else {audio} | _SPOKEN_FIELDS
        kept = tuple(name for name in names if name not in dropped)
        shape = self._shapes[type(event)] = _Shape(self._type_of(event), audio, kept)
        return shape

    def _type_of(self, event: Any) -> str:
        match event:
            case Disconnected():
                return "disconnected"
            case MalformedEvent():
                return "malformed"
            case UnknownEvent():
                return ""
            case _:
                return self._wire_type(event)

    def _as_json(self, event: Any, names: Sequence[str]) -> bytes:
        """An event's fields as JSON; what a service sends must not be able to stop the caller."""
        try:
            return _encode_json(self._detail_of(event, names))
        except OverflowError:  # a whole number beyond 64 bits, which some versions of msgspec refuse
            return json.dumps(self._detail_of(event, names), default=repr).encode()
        except RecursionError:
            return b"{}"

    def _detail_of(self, event: Any, names: Sequence[str]) -> dict[str, Any]:
        detail = {}
        for name in names:
            value = getattr(event, name)
            if type(value) in _SCALARS:
                detail[name] = value
            elif value is not None:
                detail[name] = _purged(value, self._keep_words)
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
        """The shard as a table over the gathered buffers; from here on they belong to it.

        `pa.array` and `cast` are avoided: the first call of either imports pandas, which takes a second.
        """
        rows = len(self._at)

        def numbers(values: array[int], kind: pa.DataType) -> pa.Array[Any]:
            return pa.Array.from_buffers(kind, rows, [None, pa.py_buffer(values)])

        def names(codes: array[int], table: dict[str, int]) -> pa.Array[Any]:
            return pa.DictionaryArray.from_arrays(numbers(codes, pa.int32()), _strings(list(table)))

        sent = np.packbits(np.frombuffer(self._sent, dtype=np.int8), bitorder="little")
        detail = [None, pa.py_buffer(self._detail_ends), pa.py_buffer(self._detail)]
        columns = {
            "session": names(self._session, self._sessions),
            "at_ns": numbers(self._at, pa.int64()),
            "sent": pa.Array.from_buffers(pa.bool_(), rows, [None, pa.py_buffer(sent.tobytes())]),
            "type": names(self._type, self._types),
            "size_bytes": numbers(self._size, pa.int64()),
            "due_ns": numbers(self._due, pa.int64()),
            "detail": pa.Array.from_buffers(pa.string(), rows, detail),
        }
        self._begin_shard()
        return pa.Table.from_arrays(list(columns.values()), names=list(columns))


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


def _strings(texts: list[str]) -> pa.Array[Any]:
    data = [text.encode() for text in texts]
    ends = array("i", accumulate((len(text) for text in data), initial=0))
    return pa.Array.from_buffers(
        pa.string(), len(data), [None, pa.py_buffer(ends), pa.py_buffer(b"".join(data))]
    )


def _purged(value: Any, keep_words: bool) -> Any:
    """A JSON value without sound, and without words unless they are kept, at any depth."""
    kind = type(value)
    if kind in _SCALARS or value is None:
        return value
    if kind is dict or isinstance(value, Mapping):  # an abstract class answers ten times as slowly as a type
        return {
            key: inner if type(inner) in _SCALARS else _purged(inner, keep_words)
            for key, inner in value.items()
            if _is_kept(key, inner, keep_words)
        }
    if kind is list or isinstance(value, list | tuple):
        return [_purged(inner, keep_words) for inner in value]
    return value


def _is_kept(key: str, value: Any, keep_words: bool) -> bool:
    if isinstance(value, str) and (key in _BULK_FIELDS or (key == _TOOL_RESULT and not keep_words)):
        return False
    return keep_words or key not in _SPOKEN_FIELDS


def _write_shard(batch: pa.Table, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".part")
    try:
        pq.write_table(batch, unfinished, compression="zstd")
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
