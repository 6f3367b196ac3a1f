"""The columns of a run's tables: every field and every metric has one, and a table holds what a record says."""

from __future__ import annotations

from dataclasses import fields

import pyarrow as pa
import pytest

from rtbench.core.metrics import SESSION_METRICS, STIMULUS_METRICS, TURN_METRICS
from rtbench.core.network import Network
from rtbench.core.sessions import Session
from rtbench.core.stimuli import Stimulus
from rtbench.core.turns import Turn
from rtbench.results import schema

TABLES = [
    (schema.TURNS, Turn, TURN_METRICS),
    (schema.SESSIONS, Session, SESSION_METRICS),
    (schema.STIMULI, Stimulus, STIMULUS_METRICS),
]
IDS = ["turns", "sessions", "stimuli"]


@pytest.mark.parametrize(("table", "record", "metrics"), TABLES, ids=IDS)
def test_every_field_and_every_metric_is_a_column(table, record, metrics) -> None:
    own = {field.name for field in fields(record)}
    if "network" in own:
        own = own - {"network"} | {field.name for field in fields(Network)}
    wanted = own | {metric.name for metric in metrics}
    assert wanted <= set(table.names)


@pytest.mark.parametrize(("table", "record", "metrics"), TABLES, ids=IDS)
def test_metrics_are_numbers_with_fractions(table, record, metrics) -> None:
    measured = [metric for metric in metrics if metric.unit != "count"]
    assert {str(table.field(metric.name).type) for metric in measured} == {"double"}


@pytest.mark.parametrize(("table", "record", "metrics"), TABLES, ids=IDS)
def test_instants_are_whole_nanoseconds(table, record, metrics) -> None:
    instants = [field for field in table if field.name.endswith("_ns")]
    assert instants and all(field.type == pa.int64() for field in instants)


@pytest.mark.parametrize(
    "table",
    [schema.TURNS, schema.SESSIONS, schema.STIMULI, schema.GENERATOR, schema.TRACE, schema.WAVEFORMS],
)
def test_no_column_occurs_twice(table) -> None:
    assert len(table.names) == len(set(table.names))


def test_rows_of_one_session_share_their_keys() -> None:
    keys = ("worker", "session", "session_id", "user", "iteration", "scenario", "transport")
    for table, _, _ in TABLES:
        assert tuple(table.names[: len(keys)]) == keys


def test_what_did_not_happen_is_null() -> None:
    row = pa.Table.from_pylist(
        [{"session": "w0-000000", "number": 1, "audible_ns": None}], schema=schema.TURNS
    )
    assert row["audible_ns"].to_pylist() == [None]
    assert row["voice_to_voice_ms"].to_pylist() == [None]
