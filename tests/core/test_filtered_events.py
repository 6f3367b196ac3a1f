"""What a caller infers from the few events that pass a filter."""

from __future__ import annotations

import pytest

from rtbench.core.filtered_events import TOLD, UNTOLD, Inference
from rtbench.core.response_events import (
    AudioTranscriptDelta,
    ResponseCreated,
    ResponseDone,
    TextDelta,
    TextDone,
)
from rtbench.core.server_events import (
    InputTranscriptionCompleted,
    ItemAdded,
    OutputAudioStarted,
    OutputAudioStopped,
    ServerEvent,
    SpeechStarted,
    SpeechStopped,
)
from rtbench.dialects.openai_ga import SERVER_TABLE
from rtbench.results import schema

HEARD = SpeechStarted(item_id="u", audio_start_ms=0)


def transcript(response_id: str = "r1") -> AudioTranscriptDelta:
    return AudioTranscriptDelta(
        response_id=response_id, item_id="i", output_index=0, content_index=0, delta="Hi"
    )


def completed(response_id: str = "r1") -> ResponseDone:
    return ResponseDone(response={"id": response_id, "status": "completed"})


def cancelled(response_id: str = "r1") -> ResponseDone:
    details = {"reason": "turn_detected"}
    return ResponseDone(response={"id": response_id, "status": "cancelled", "status_details": details})


def created(response_id: str = "r1") -> ResponseCreated:
    return ResponseCreated(response={"id": response_id})


@pytest.fixture
def inference() -> Inference:
    return Inference(interrupts_by_itself=True)


def completed_by(inference: Inference, *events: ServerEvent) -> list[ServerEvent]:
    return [each for event in events for each in inference.complete(event)]


def test_a_response_begins_where_it_is_first_named_and_ends_where_it_was_played(inference) -> None:
    started, stopped = OutputAudioStarted(response_id="r1"), OutputAudioStopped(response_id="r1")
    assert completed_by(inference, started, transcript(), stopped) == [
        created(),
        started,
        transcript(),
        completed(),
        stopped,
    ]


def test_a_written_response_ends_with_its_text(inference) -> None:
    place = {"response_id": "r1", "item_id": "i", "output_index": 0, "content_index": 0}
    delta, done = TextDelta(**place, delta="Hi"), TextDone(**place, text="Hi")
    assert completed_by(inference, delta, done) == [created(), delta, done, completed()]


def test_where_the_service_hears_the_caller_its_answer_is_over(inference) -> None:
    assert completed_by(inference, transcript(), HEARD, HEARD) == [
        created(),
        transcript(),
        HEARD,
        cancelled(),
        HEARD,
    ]


def test_a_service_that_is_told_not_to_interrupt_goes_on() -> None:
    inference = Inference(interrupts_by_itself=False)
    stopped = OutputAudioStopped(response_id="r1")
    assert completed_by(inference, transcript(), HEARD, stopped)[2:] == [HEARD, completed(), stopped]


def test_the_end_of_playing_ends_its_own_response_and_not_the_one_that_was_named_meanwhile(inference) -> None:
    first, second = OutputAudioStarted(response_id="r1"), OutputAudioStarted(response_id="r2")
    ends = OutputAudioStopped(response_id="r1"), OutputAudioStopped(response_id="r2")
    assert completed_by(inference, first, transcript("r2"), ends[0], second, ends[1]) == [
        created(),
        first,
        completed(),  # and not cancelled: it is played to its end
        created("r2"),
        transcript("r2"),
        ends[0],
        second,
        completed("r2"),
        ends[1],
    ]


def test_the_text_of_one_response_does_not_end_another(inference) -> None:
    done = TextDone(response_id="r1", item_id="i", output_index=0, content_index=0, text="Hi")
    completed_by(inference, transcript("r1"), transcript("r2"))
    assert completed_by(inference, done) == [done]


def test_what_was_cut_off_by_the_caller_plays_no_more(inference) -> None:
    completed_by(inference, OutputAudioStarted(response_id="r1"), HEARD, transcript("r2"))
    assert completed_by(inference, transcript("r3"))[0] == cancelled("r2")


def test_another_response_ends_the_one_before_of_which_nothing_was_played(inference) -> None:
    assert completed_by(inference, transcript(), transcript("r2")) == [
        created(),
        transcript(),
        cancelled(),
        created("r2"),
        transcript("r2"),
    ]


def test_a_response_that_is_over_does_not_begin_again(inference) -> None:
    completed_by(inference, transcript(), HEARD)
    assert completed_by(inference, transcript()) == [transcript()]


@pytest.mark.parametrize("event", [SpeechStopped(item_id="u", audio_end_ms=0), ItemAdded(item={"id": "i"})])
def test_what_stands_for_itself_is_left_alone(inference, event: ServerEvent) -> None:
    assert inference.complete(event) == [event]


def test_what_passes_are_events_of_the_api() -> None:
    assert {row.name for row in SERVER_TABLE} >= TOLD
    assert SERVER_TABLE.named("response.done") is not None and "response.done" not in TOLD
    assert any(row.event is InputTranscriptionCompleted for row in SERVER_TABLE if row.name in TOLD)


def test_the_name_of_a_session_is_told_in_no_table() -> None:
    tables = (name.lower() for name in vars(schema) if name.isupper())
    named = {name for name in tables if "session_id" in getattr(getattr(schema, name.upper()), "names", ())}
    assert named == {name for name, columns in UNTOLD.items() if "session_id" in columns}


def test_how_long_a_session_took_to_come_back_is_not_told() -> None:
    assert {"reconnect_ms", "restore_ms", "created_ns", "restored_ns"} <= UNTOLD["incidents"]
    assert "recovery_ms" not in UNTOLD["incidents"]  # an answer is heard


def test_what_is_not_told_are_columns_of_the_tables() -> None:
    for table, columns in UNTOLD.items():
        assert set(getattr(schema, table.upper()).names) >= columns
