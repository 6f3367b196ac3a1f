import json
from collections import Counter
from dataclasses import fields

import pyarrow as pa
import pytest

from rtbench.core.filtered_events import UNTOLD
from rtbench.core.network import Network
from rtbench.core.sessions import Session
from rtbench.core.turns import Turn
from rtbench.engine.messages import FromEngine, Row, Unpacker, pack
from rtbench.engine.rows import RowKeys, emit_told, session_row, turn_row, void_reason
from rtbench.results.schema import SESSIONS, TURNS

MS = 1_000_000
KEYS = RowKeys("w0", "w0-000007", user=3, iteration=2, scenario="quickstart", transport="websocket")


def answered_turn() -> Turn:
    """A turn whose four parts are 300, 200, 60 and 5 ms."""
    return Turn(
        number=1,
        clip="question",
        outcome="answered",
        user_speech_end_ns=1_000 * MS,
        speech_stopped_ns=1_300 * MS,
        first_audio_ns=1_500 * MS,
        audible_ns=1_565 * MS,
        leading_silence_ms=60.0,
        playout_wait_ms=5.0,
    )


def row_of(turn: Turn, late_max_ms: float = 0.4) -> dict:
    columns = {"at_unix_ns": 5, "concurrency": 6, "cost_usd": 0.01, "speech_end_sample": 24_000}
    return turn_row(KEYS, "sess_1", turn, late_max_ms, **columns)


def row_of_session(session: Session) -> dict:
    return session_row(
        KEYS,
        session,
        Counter({"response.done.novelty": 2}),
        at_unix_ns=5,
        bytes_sent=1,
        bytes_received=2,
        frames_sent=3,
        frame_late_max_ms=0.4,
    )


@pytest.mark.parametrize(
    ("row", "schema"),
    [(row_of(answered_turn()), TURNS), (row_of_session(Session()), SESSIONS)],
    ids=["turns", "sessions"],
)
def test_a_row_has_the_columns_of_its_table_no_more_and_no_fewer(row, schema) -> None:
    assert set(row) == set(schema.names)


@pytest.mark.parametrize(
    ("row", "schema"),
    [
        (row_of(answered_turn()), TURNS),
        (row_of(Turn(1, "question")), TURNS),
        (row_of_session(Session(errors=Counter(answer_timeout=2))), SESSIONS),
    ],
    ids=["an answered turn", "an empty turn", "a session"],
)
def test_a_row_goes_over_the_pipe_and_into_its_table_unchanged(row, schema) -> None:
    (message,) = Unpacker(FromEngine).feed(pack(Row("turns", row)))
    table = pa.Table.from_pylist([message.columns], schema=schema)
    assert table.to_pylist() == [{name: row[name] for name in schema.names}]


def test_a_turn_row_tells_its_session_its_fields_and_its_metrics() -> None:
    row = row_of(answered_turn())
    assert (row["session"], row["session_id"], row["user"], row["iteration"]) == ("w0-000007", "sess_1", 3, 2)
    assert (row["clip"], row["audible_ns"], row["concurrency"]) == ("question", 1_565 * MS, 6)
    assert row["voice_to_voice_ms"] == 565.0
    assert row["endpoint_delay_ms"] == 300.0
    assert row["speech_stop_to_first_audio_ms"] == 200.0


def test_every_field_of_a_turn_and_of_a_session_reaches_its_row() -> None:
    assert {field.name for field in fields(Turn)} <= set(row_of(answered_turn()))
    row = set(row_of_session(Session()))
    assert {field.name for field in fields(Session)} - {"network"} <= row
    assert {field.name for field in fields(Network)} <= row
    assert "network" not in row


def test_a_session_row_counts_errors_and_unknown_fields_as_json() -> None:
    row = row_of_session(Session(session_id="sess_1", errors=Counter(answer_timeout=2, protocol_error=1)))
    assert json.loads(row["errors"]) == {"answer_timeout": 2, "protocol_error": 1}
    assert json.loads(row["unknown_fields"]) == {"response.done.novelty": 2}
    assert row["errors_per_session"] == 3.0
    assert row["session_id"] == "sess_1"


def test_a_good_turn_is_not_void() -> None:
    row = row_of(answered_turn())
    assert (row["void"], row["void_reason"], row["identity_error_ms"]) == (False, "", 0.0)


def test_a_turn_with_a_frame_later_than_twenty_milliseconds_is_void() -> None:
    assert row_of(answered_turn(), late_max_ms=20.0)["void"] is False
    row = row_of(answered_turn(), late_max_ms=33.4)
    assert (row["void"], row["frame_late_max_ms"]) == (True, 33.4)
    assert row["void_reason"] == "a frame was sent 33 ms late"


def test_a_turn_whose_parts_miss_the_whole_is_void() -> None:
    turn = answered_turn()
    turn.playout_wait_ms = 7.5
    row = row_of(turn)
    assert (row["void"], row["identity_error_ms"]) == (True, -2.5)
    assert row["void_reason"] == "the parts of its latency miss the whole by -2.5 ms"


@pytest.mark.parametrize(
    ("late_max_ms", "identity_ms", "void"),
    [(0.0, None, False), (0.0, 0.1, False), (0.0, 0.11, True), (0.0, -0.11, True), (20.1, None, True)],
)
def test_void_reasons_at_their_limits(late_max_ms, identity_ms, void) -> None:
    assert bool(void_reason(late_max_ms, identity_ms)) is void


def test_a_turn_without_an_answer_is_not_void_for_the_parts_that_it_lacks() -> None:
    row = row_of(Turn(1, "question", user_speech_end_ns=MS))
    assert (row["void"], row["identity_error_ms"], row["voice_to_voice_ms"]) == (False, None, None)


def test_what_was_only_inferred_is_null_and_the_rest_is_as_it_was() -> None:
    row = row_of(answered_turn())
    emitted: list[tuple[str, dict[str, object]]] = []
    emit_told(lambda *each: emitted.append(each), "turns", row)
    ((table, told),) = emitted
    assert table == "turns"
    assert row.keys() == told.keys()
    assert {name for name in row if told[name] != row[name]} <= UNTOLD["turns"]
    assert told["response_done_ms"] is None and told["output_audio_tokens"] is None
    assert told["voice_to_voice_ms"] == row["voice_to_voice_ms"] is not None
    emit_told(lambda *each: emitted.append(each), "generator", {"worker": "w0"})
    assert emitted[-1] == ("generator", {"worker": "w0"})
