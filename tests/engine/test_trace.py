import json
from dataclasses import fields
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from rtbench.core import client_events as c
from rtbench.core import response_events as r
from rtbench.core import server_events as s
from rtbench.core.audio import Audio
from rtbench.core.machine import Disconnected
from rtbench.dialects.openai_ga import CLIENT_TABLE, OPENAI_GA, SERVER_TABLE
from rtbench.engine import trace as trace_module
from rtbench.engine.trace import Trace
from rtbench.results.reader import read_trace
from rtbench.results.run_directory import RunDirectory

WORDS = "my card number is 4111"
IDS = {"response_id": "resp_1", "item_id": "item_1", "output_index": 0, "content_index": 0}
ITEM = {
    "type": "message",
    "id": "item_1",
    "role": "user",
    "content": [
        {"type": "input_text", "text": WORDS},
        {"type": "input_audio", "audio": "UklGRg==" * 40, "transcript": WORDS},
        {"type": "input_image", "image_url": "data:image/png;base64,iVBORw0KGgo=" + WORDS},
    ],
}
CALL = {"type": "function_call", "id": "item_2", "name": "look_up", "call_id": "call_1", "arguments": WORDS}
RESULT = {"type": "function_call_output", "call_id": "call_1", "output": WORDS}
RESPONSE = {"id": "resp_1", "status": "completed", "output": [ITEM, CALL], "usage": {"total_tokens": 9}}

WORDY = [
    r.AudioTranscriptDelta(**IDS, delta=WORDS),
    r.AudioTranscriptDone(**IDS, transcript=WORDS),
    r.TextDelta(**IDS, delta=WORDS),
    r.TextDone(**IDS, text=WORDS),
    r.FunctionArgumentsDelta(response_id="r", item_id="i", output_index=0, call_id="c", delta=WORDS),
    r.FunctionArgumentsDone(
        response_id="r", item_id="i", output_index=0, call_id="c", name="look_up", arguments=WORDS
    ),
    r.McpArgumentsDone(response_id="r", item_id="i", output_index=0, arguments=WORDS),
    r.ContentPartDone(**IDS, part={"type": "audio", "transcript": WORDS}),
    r.OutputItemDone(response_id="r", output_index=0, item=CALL),
    r.ResponseCreated(response=RESPONSE),
    r.ResponseDone(response=RESPONSE),
    s.ItemAdded(item=ITEM),
    s.ItemDone(item=RESULT),
    s.ItemRetrieved(item=ITEM),
    s.SessionUpdated(
        session={"id": "sess_1", "instructions": WORDS, "audio": {"output": {"voice": "marin"}}}
    ),
    s.InputTranscriptionDelta(item_id="i", delta=WORDS, logprobs=({"token": WORDS, "logprob": -0.1},)),
    s.InputTranscriptionCompleted(item_id="i", content_index=0, transcript=WORDS, usage={"seconds": 2}),
    s.InputTranscriptionSegment(
        item_id="i", content_index=0, id="g", speaker="A", start=0.0, end=1.0, text=WORDS
    ),
    s.UnknownEvent(type="response.novelty", payload={"utterance": WORDS, "n": 1}),
    s.MalformedEvent(reason="no `item_id`", type="response.output_text.delta", payload=f'{{"delta":"{WORDS}'),
    c.SessionUpdate(session={"type": "realtime", "instructions": WORDS}),
    c.ItemCreate(item=ITEM),
    c.ResponseCreate(response={"instructions": WORDS, "input": [ITEM]}),
]


@pytest.fixture
def directory(tmp_path) -> RunDirectory:
    directory = RunDirectory(tmp_path)
    directory.trace.mkdir()
    return directory


def new_trace(directory: RunDirectory, keep_words: bool = False) -> Trace:
    return Trace(directory.trace, "w0", OPENAI_GA.wire_type, keep_words)


def rows_of(directory: RunDirectory) -> list[dict]:
    """All rows as Arrow has them, in the order written."""
    return [
        row for path in sorted(directory.trace.glob("*.parquet")) for row in pq.read_table(path).to_pylist()
    ]


def traced(directory: RunDirectory, *events, keep_words: bool = False) -> list[dict]:
    trace = new_trace(directory, keep_words)
    session = trace.session("w0-000001")
    for at_ns, event in enumerate(events):
        session.received(event, at_ns)
    assert trace.close() == ""
    return rows_of(directory)


def test_a_received_event_is_a_row_with_its_arrival(directory) -> None:
    event = s.SpeechStopped(event_id="event_1", item_id="item_ä", audio_end_ms=1_250)
    trace = new_trace(directory)
    trace.session("w0-000001").received(event, 123)
    trace.close()
    (row,) = rows_of(directory)
    assert json.loads(row.pop("detail")) == {"item_id": "item_ä", "audio_end_ms": 1_250}
    assert row == {
        "session": "w0-000001",
        "at_ns": 123,
        "sent": False,
        "type": "input_audio_buffer.speech_stopped",
        "size_bytes": 0,
        "due_ns": 123,
    }


def test_a_sent_event_has_the_instant_that_it_was_meant_for_too(directory) -> None:
    trace = new_trace(directory)
    trace.session("w0-000001").sent(c.InputAudioCommit(), due_ns=100, at_ns=140)
    trace.close()
    (row,) = rows_of(directory)
    assert (row["sent"], row["due_ns"], row["at_ns"], row["detail"]) == (True, 100, 140, "{}")


def test_what_was_appended_is_what_the_reader_finds(directory) -> None:
    trace = new_trace(directory, keep_words=True)
    texts = ["", "plain", "Grüße 你好 😀", 'quotes " and \\ and \n', "x" * 5_000, ""]
    sessions = [trace.session(f"w0-{number:06d}") for number in range(3)]
    for index, text in enumerate(texts):
        sessions[index % 3].received(r.TextDelta(**IDS, delta=text), 1_000 - index)
    trace.close()
    frame = read_trace(directory, ["w0-000000", "w0-000002"])
    expected = [("w0-000000", 997, texts[3]), ("w0-000000", 1_000, texts[0])]
    expected += [("w0-000002", 995, texts[5]), ("w0-000002", 998, texts[2])]
    assert [
        (row.session, row.at_ns, json.loads(row.detail)["delta"]) for row in frame.itertuples()
    ] == expected


def test_every_event_of_the_dialect_has_a_row_of_its_wire_type(directory) -> None:
    kinds = [row.event for row in (*CLIENT_TABLE, *SERVER_TABLE)]
    names = [row.name for row in (*CLIENT_TABLE, *SERVER_TABLE)]

    def blank(kind: type):
        event = object.__new__(kind)
        for field in fields(kind):
            object.__setattr__(event, field.name, Audio(b"") if field.type == "Audio" else None)
        return event

    assert [row["type"] for row in traced(directory, *map(blank, kinds))] == names


def test_audio_is_a_size_and_nothing_more(directory) -> None:
    rows = traced(
        directory,
        r.AudioDelta(**IDS, delta=Audio(base64="QUJDRA==")),
        c.InputAudioAppend(audio=Audio(b"123456")),
        r.AudioDelta(**IDS, delta=Audio(base64="!not base64!")),
        keep_words=True,
    )
    assert [row["size_bytes"] for row in rows] == [4, 6, 9]
    assert json.loads(rows[0]["detail"]) == IDS
    assert rows[1]["detail"] == "{}"


@pytest.mark.parametrize("event", WORDY, ids=lambda event: type(event).__name__)
def test_no_words_unless_transcripts_are_recorded(directory, event) -> None:
    (row,) = traced(directory, event)
    assert WORDS not in row["detail"]


@pytest.mark.parametrize("event", WORDY, ids=lambda event: type(event).__name__)
def test_words_where_transcripts_are_recorded(directory, event) -> None:
    (row,) = traced(directory, event, keep_words=True)
    assert WORDS in json.dumps(json.loads(row["detail"]))


@pytest.mark.parametrize("keep_words", [False, True])
def test_sound_and_pictures_within_items_are_never_kept(directory, keep_words) -> None:
    (row,) = traced(directory, s.ItemRetrieved(item=ITEM), keep_words=keep_words)
    assert "UklGRg" not in row["detail"]
    assert "iVBORw" not in row["detail"]


def test_what_is_left_of_an_item_and_a_response_without_words_is_their_shape(directory) -> None:
    item, done, session = traced(
        directory,
        s.ItemAdded(item=ITEM),
        r.ResponseDone(response=RESPONSE),
        s.SessionUpdated(session={"audio": {"output": {"voice": "marin"}}, "instructions": WORDS}),
    )
    assert json.loads(item["detail"])["item"] == {
        "type": "message",
        "id": "item_1",
        "role": "user",
        "content": [{"type": "input_text"}, {"type": "input_audio"}, {"type": "input_image"}],
    }
    assert json.loads(done["detail"])["response"] == {
        "id": "resp_1",
        "status": "completed",
        "output": [
            json.loads(item["detail"])["item"],
            {"type": "function_call", "id": "item_2", "name": "look_up", "call_id": "call_1"},
        ],
        "usage": {"total_tokens": 9},
    }
    assert json.loads(session["detail"])["session"] == {"audio": {"output": {"voice": "marin"}}}


def test_events_that_are_not_the_services_own_have_names_of_their_own(directory) -> None:
    rows = traced(
        directory,
        s.UnknownEvent(type="response.novelty", payload={"n": 1}),
        s.MalformedEvent(reason="not JSON", payload="garb"),
        Disconnected(1011, "overloaded"),
    )
    assert [row["type"] for row in rows] == ["response.novelty", "malformed", "disconnected"]
    assert json.loads(rows[1]["detail"])["reason"] == "not JSON"
    assert json.loads(rows[2]["detail"]) == {
        "code": 1011,
        "reason": "overloaded",
        "error_class": "",
    }


def test_an_error_of_the_service_is_kept_whole(directory) -> None:
    error = s.ErrorDetail(type="invalid_request_error", code="bad", message="it is bad", param="x")
    (row,) = traced(directory, s.ErrorReceived(error=error))
    kept = json.loads(row["detail"])["error"]
    assert (kept["code"], kept["message"], kept["param"]) == ("bad", "it is bad", "x")


@pytest.mark.parametrize("keep_words", [False, True])
def test_numbers_beyond_64_bits_are_kept(directory, keep_words) -> None:
    event = s.SessionCreated(session={"expires_at": 10**30})
    (row,) = traced(directory, event, keep_words=keep_words)
    assert json.loads(row["detail"])["session"]["expires_at"] == 10**30


def test_numbers_that_the_fast_encoder_refuses_are_written_by_the_slow_one(directory, monkeypatch) -> None:
    def refuse(detail):
        raise OverflowError

    monkeypatch.setattr(trace_module, "_encode_json", refuse)
    (row,) = traced(directory, s.SessionCreated(session={"expires_at": 10**30, "instructions": WORDS}))
    assert json.loads(row["detail"]) == {"session": {"expires_at": 10**30}}


def test_an_object_nested_beyond_reason_is_left_out_and_harms_nobody(directory) -> None:
    nested: dict = {}
    for _ in range(100_000):
        nested = {"a": nested}
    deep, after = traced(directory, s.SessionCreated(session=nested), s.InputAudioCleared())
    assert (deep["type"], deep["detail"]) == ("session.created", "{}")
    assert after["type"] == "input_audio_buffer.cleared"


def test_a_long_run_is_written_in_shards_as_it_goes(directory) -> None:
    trace = new_trace(directory)
    rows = 2 * trace_module.SHARD_ROWS + 5
    for number in range(rows):
        trace.append(f"w0-{number % 7:06d}", s.InputAudioCommitted(item_id=f"item_{number}"), number, None)
    trace.close()
    shards = [pq.read_table(path) for path in sorted(directory.trace.iterdir())]
    assert [shard.num_rows for shard in shards] == [trace_module.SHARD_ROWS, trace_module.SHARD_ROWS, 5]
    written = [row for shard in shards for row in shard.select(["session", "at_ns", "detail"]).to_pylist()]
    assert [row["at_ns"] for row in written] == list(range(rows))
    assert all(row["session"] == f"w0-{number % 7:06d}" for number, row in enumerate(written))
    assert written[-1]["detail"] == f'{{"item_id":"item_{rows - 1}"}}'
    assert len(read_trace(directory, ["w0-000003"])) == len(range(3, rows, 7))


def test_a_shard_of_large_events_ends_before_its_rows_do(directory, monkeypatch) -> None:
    monkeypatch.setattr(trace_module, "SHARD_DETAIL_BYTES", 1_000)
    traced(directory, *[s.InputAudioCommitted(item_id="x" * 600)] * 5)
    shards = sorted(directory.trace.iterdir())
    assert [pq.read_table(path).num_rows for path in shards] == [2, 2, 1]


def test_shards_are_named_by_worker_and_number_and_are_whole_or_absent(directory, monkeypatch) -> None:
    writing: list[str] = []
    write_table = pq.write_table

    def write(batch, path, **options):
        writing.append(Path(path).name)
        assert not list(directory.trace.glob("*.parquet"))
        write_table(batch, path, **options)

    monkeypatch.setattr(trace_module.pq, "write_table", write)
    traced(directory, s.InputAudioCleared())
    assert writing == ["w0-00001.part"]
    assert [path.name for path in directory.trace.iterdir()] == ["w0-00001.parquet"]


def test_what_a_kill_left_half_written_is_not_read(directory) -> None:
    traced(directory, s.InputAudioCleared())
    (directory.trace / "w0-00002.part").write_bytes(b"PAR1 half a")
    assert len(read_trace(directory, ["w0-000001"])) == 1


def test_a_trace_without_events_writes_nothing(directory) -> None:
    trace = new_trace(directory)
    assert trace.close() == ""
    assert list(directory.trace.iterdir()) == []


def test_a_folder_that_is_not_there_is_made(tmp_path) -> None:
    """A worker on another machine has no run directory."""
    directory = RunDirectory(tmp_path / "elsewhere" / "run")
    assert len(traced(directory, s.InputAudioCleared())) == 1


def test_a_disk_that_refuses_is_reported_at_the_end_and_never_raised(directory, monkeypatch) -> None:
    def refuse(batch, path, **options):
        Path(path).write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(trace_module, "SHARD_ROWS", 2)
    monkeypatch.setattr(trace_module.pq, "write_table", refuse)
    trace = new_trace(directory)
    for at_ns in range(5):
        trace.session("w0-000001").received(s.InputAudioCleared(), at_ns)
    assert trace.close() == (
        f"{directory.trace}: part of the trace could not be written (No space left on device)."
    )
    assert list(directory.trace.iterdir()) == []


def test_the_shards_after_a_refused_one_are_written(directory, monkeypatch) -> None:
    write_table = pq.write_table
    refused = []

    def write(batch, path, **options):
        if not refused:
            refused.append(path)
            raise OSError(5, "Input/output error")
        write_table(batch, path, **options)

    monkeypatch.setattr(trace_module, "SHARD_ROWS", 2)
    monkeypatch.setattr(trace_module.pq, "write_table", write)
    trace = new_trace(directory)
    for at_ns in range(5):
        trace.session("w0-000001").received(s.InputAudioCleared(), at_ns)
    assert "Input/output error" in trace.close()
    assert [row["at_ns"] for row in rows_of(directory)] == [2, 3, 4]
