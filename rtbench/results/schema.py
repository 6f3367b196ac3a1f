"""The columns of a run's tables: one place for names and types, shared by writers and readers.

`turns` and `sessions` are the fields of `core.turns.Turn` and `core.sessions.Session`, preceded by
what tells rows apart and followed by their metrics, under the metrics' own names.
"""

from __future__ import annotations

from dataclasses import fields

import pyarrow as pa

from rtbench.core.incidents import Incident, Mishap
from rtbench.core.metrics import INCIDENT_METRICS, SESSION_METRICS, STIMULUS_METRICS, TURN_METRICS
from rtbench.core.network import Network
from rtbench.core.sessions import Session
from rtbench.core.stimuli import Stimulus
from rtbench.core.turns import Turn

Column = tuple[str, pa.DataType]

_TYPES: dict[str, pa.DataType] = {
    "int": pa.int64(),
    "int | None": pa.int64(),
    "float": pa.float64(),
    "float | None": pa.float64(),
    "bool": pa.bool_(),
    "bool | None": pa.bool_(),
    "str": pa.string(),
    "TurnOutcome": pa.string(),
    "SessionOutcome": pa.string(),
    "Counter[str]": pa.string(),  # a JSON object of counts
    "list[StateChange]": pa.string(),  # a JSON array of objects
    "list[Attempt]": pa.string(),
    "IncidentKind": pa.string(),
    "IncidentOutcome": pa.string(),
    "Phase": pa.string(),
}

_PARTS: dict[str, type] = {"Network": Network}
"""Records within a record, whose fields stand in its row."""

_KEYS: list[Column] = [
    ("worker", pa.string()),  # which engine wrote it
    ("session", pa.string()),  # unique in the run
    ("session_id", pa.string()),  # the service's own name for it
    ("user", pa.int64()),
    ("iteration", pa.int64()),  # which conversation of this user, from 0
    ("scenario", pa.string()),
    ("transport", pa.string()),
]


def _columns(record: type, metrics: list[str]) -> list[Column]:
    columns: list[Column] = []
    for field in fields(record):
        part = _PARTS.get(str(field.type))
        columns += _columns(part, []) if part else [(field.name, _TYPES[str(field.type)])]
    columns += [(name, pa.float64()) for name in metrics]
    return columns


def _schema(*columns: Column) -> pa.Schema:
    """A column that is named twice (a field that is a metric as well) stands where it is named first."""
    first: dict[str, pa.DataType] = {}
    for name, kind in columns:
        first.setdefault(name, kind)
    return pa.schema(list(first.items()))


TURNS = _schema(
    *_KEYS,
    ("at_unix_ns", pa.int64()),  # wall time of the end of the user's speech
    ("concurrency", pa.int64()),  # sessions of this engine alive at that time
    ("cost_usd", pa.float64()),  # by published prices; null where the model has none
    *_columns(Turn, [metric.name for metric in TURN_METRICS]),
    ("speech_end_sample", pa.int64()),  # last speech sample, counted in the session's input stream
    ("frame_late_max_ms", pa.float64()),  # worst send lateness of the turn's frames
    ("identity_error_ms", pa.float64()),
    ("void", pa.bool_()),
    ("void_reason", pa.string()),
)

SESSIONS = _schema(
    *_KEYS,
    ("at_unix_ns", pa.int64()),  # wall time at which it was asked for
    *_columns(Session, [metric.name for metric in SESSION_METRICS]),
    ("unknown_fields", pa.string()),  # a JSON object of counts
    ("bytes_sent", pa.int64()),
    ("bytes_received", pa.int64()),
    ("frames_sent", pa.int64()),
    ("frame_late_max_ms", pa.float64()),
)

STIMULI = _schema(
    *_KEYS,
    ("at_unix_ns", pa.int64()),  # wall time of the onset
    *_columns(Stimulus, [metric.name for metric in STIMULUS_METRICS]),
    ("eligible", pa.bool_()),  # for the yield rate
    ("onset_sample", pa.int64()),  # first sample of the sound, counted in the session's input stream
    ("frame_late_max_ms", pa.float64()),
    ("void", pa.bool_()),
    ("void_reason", pa.string()),
)

INCIDENTS = _schema(
    *_KEYS,
    ("at_unix_ns", pa.int64()),  # wall time of the drop
    *_columns(Incident, [metric.name for metric in INCIDENT_METRICS]),
)

MISHAPS = _schema(
    *_KEYS,
    ("at_unix_ns", pa.int64()),
    *_columns(Mishap, []),
)

GENERATOR = _schema(
    ("worker", pa.string()),
    ("at_unix_ns", pa.int64()),
    ("interval_ms", pa.float64()),  # what this row covers
    ("sessions", pa.int64()),  # alive
    ("cpu_share", pa.float64()),  # of one core, by this engine
    ("loop_lag_max_ms", pa.float64()),
    ("gc_pause_max_ms", pa.float64()),
    ("gc_pause_total_ms", pa.float64()),
    ("frames_sent", pa.int64()),
    ("send_lateness_max_ms", pa.float64()),
    ("send_lateness", pa.string()),  # HdrHistogram of microseconds, encoded; merged over engines
    ("rows_written", pa.int64()),  # turn and session rows handed over so far
    ("rss_bytes", pa.int64()),
    ("open_files", pa.int64()),  # descriptors of the engine, sockets too
    ("tasks", pa.int64()),  # of its event loop
    (
        "waited_ms",
        pa.float64(),
    ),  # ready to run, while others of this machine ran; null where that is not told
    ("stolen_ms", pa.float64()),  # of all processors, given to other machines by the hypervisor
)

TRACE = _schema(
    ("session", pa.string()),
    ("at_ns", pa.int64()),  # the engine's monotonic clock
    ("sent", pa.bool_()),  # by the caller; else received
    ("type", pa.string()),  # the event's type on the wire
    ("size_bytes", pa.int64()),  # of audio payloads, else 0
    ("due_ns", pa.int64()),  # the instant it was meant for, of what was sent
    ("detail", pa.string()),  # the event's fields as JSON, without audio, and without words unless recorded
)

WAVEFORMS = _schema(
    ("session", pa.string()),
    ("turn", pa.int64()),
    ("window_ms", pa.float64()),
    ("start_ns", pa.int64()),  # when the first window left the player
    ("peaks", pa.list_(pa.int16())),  # of the agent's audio as heard, per window
)

RECORDINGS = _schema(
    ("session", pa.string()),
    ("turn", pa.int64()),
    ("stimulus", pa.int64()),  # 0 where it is a turn's own
    ("rate_hz", pa.int64()),
    ("start_ns", pa.int64()),  # instant of the first sample, the same for both channels
    ("caller", pa.binary()),  # PCM16 as it was due on the microphone's schedule
    ("agent", pa.binary()),  # PCM16 as it left the player
)

PLC_MOS = _schema(
    ("session", pa.string()),
    ("turn", pa.int64()),
    ("heard_ms", pa.float64()),  # of the answer, from its first sound to its last
    ("plc_mos", pa.float64()),  # 1 to 5, by PLCMOS v2; made after the run
)
