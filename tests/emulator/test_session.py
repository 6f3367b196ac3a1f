from __future__ import annotations

import gc
import weakref

import pytest

from rtbench.core.audio import Audio
from rtbench.core.client_events import (
    InputAudioAppend,
    InputAudioCommit,
    ItemCreate,
    ItemDelete,
    ItemRetrieve,
    ItemTruncate,
    OutputAudioClear,
    ResponseCancel,
    ResponseCreate,
)
from rtbench.core.response_events import ResponseDone
from rtbench.core.server_events import (
    ErrorReceived,
    ItemAdded,
    ItemDeleted,
    ItemRetrieved,
    ItemTruncated,
    MalformedEvent,
    SessionCreated,
    SessionUpdated,
    UnknownEvent,
)
from rtbench.emulator.session import MAX_APPEND_BYTES

HELLO = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "hello"}]}


def test_a_session_begins_with_session_created_and_its_defaults(call):
    caller = call()
    [created] = caller.of(SessionCreated)
    session = created.session
    assert session["id"] == caller.machine.session_id
    assert session["model"] == "gpt-realtime"
    assert session["expires_at"] == 1_800_000_000
    assert session["audio"]["input"]["turn_detection"]["silence_duration_ms"] == 500


def test_an_update_is_answered_with_the_whole_session(call):
    caller = call()
    [updated] = caller.update(instructions="Be brief.")
    assert type(updated) is SessionUpdated
    assert updated.session["instructions"] == "Be brief."
    assert updated.session["audio"]["output"]["voice"] == "marin"


@pytest.mark.parametrize(
    ("event", "code", "param"),
    [
        (UnknownEvent(type="session.begin", event_id="mine"), "invalid_value", "type"),
        (MalformedEvent(reason="not JSON: trailing characters", event_id="mine"), "invalid_json", None),
        (InputAudioCommit(event_id="mine"), "input_audio_buffer_commit_empty", None),
        (ResponseCancel(event_id="mine"), "response_cancel_not_active", None),
        (ResponseCancel(event_id="mine", response_id="resp_x"), "response_cancel_not_active", None),
        (OutputAudioClear(event_id="mine"), "invalid_value", "type"),
        (ItemDelete(event_id="mine", item_id="no"), "item_delete_invalid_item_id", "item_id"),
        (ItemRetrieve(event_id="mine", item_id="no"), "item_retrieve_invalid_item_id", "item_id"),
        (
            ItemTruncate(event_id="mine", item_id="no", content_index=0, audio_end_ms=1),
            "item_truncate_invalid_item_id",
            "item_id",
        ),
        (ItemCreate(event_id="mine", item={"type": "poem"}), "invalid_value", "item.type"),
        (
            ItemCreate(event_id="mine", item=HELLO, previous_item_id="no"),
            "item_create_invalid_previous_item_id",
            "previous_item_id",
        ),
        (ResponseCreate(event_id="mine", response={"colour": "red"}), "unknown_parameter", "response.colour"),
        (
            ResponseCreate(event_id="mine", response={"max_output_tokens": 0}),
            "integer_below_min_value",
            "response.max_output_tokens",
        ),
        (InputAudioAppend(event_id="mine", audio=Audio(base64="*")), "invalid_value", "audio"),
        (
            InputAudioAppend(event_id="mine", audio=Audio(bytes(MAX_APPEND_BYTES + 1))),
            "string_above_max_length",
            "audio",
        ),
    ],
)
def test_every_refusal_names_its_event_and_leaves_the_session_open(call, event, code, param):
    caller = call()
    [error] = caller.send(event)
    assert type(error) is ErrorReceived
    assert error.error.type == "invalid_request_error"
    assert (error.error.code, error.error.param, error.error.event_id) == (code, param, "mine")
    assert caller.machine.outcome is None
    assert [type(answer) for answer in caller.update(instructions="on")] == [SessionUpdated]


def test_a_second_response_is_refused_while_one_is_active(call):
    caller = call()
    caller.send(ResponseCreate())
    [error] = caller.send(ResponseCreate(event_id="second"))
    assert error.error.code == "conversation_already_has_active_response"
    assert error.error.message.startswith("Conversation already has an active response in progress: resp_")
    assert error.error.event_id == "second"


def test_a_refused_response_leaves_the_turn_to_be_answered(call):
    caller = call(response_delay="1 s")
    caller.by_hand()
    caller.send(ResponseCreate())
    caller.speak(400)
    caller.send(InputAudioCommit())
    caller.send(ResponseCreate())
    caller.wait(5_000)
    caller.send(ResponseCreate())
    caller.wait(5_000)

    first, second = caller.hang_up()
    assert (first.trigger, second.trigger) == ("client", "manual")


def test_items_are_made_retrieved_and_deleted(call):
    caller = call()
    added, done = caller.send(ItemCreate(item={**HELLO, "id": "item_mine"}))
    assert (added.item, added.previous_item_id) == (done.item, None)
    [retrieved] = caller.send(ItemRetrieve(item_id="item_mine"))
    assert type(retrieved) is ItemRetrieved and retrieved.item["content"] == HELLO["content"]
    assert [type(event) for event in caller.send(ItemDelete(item_id="item_mine"))] == [ItemDeleted]


def test_an_answer_is_truncated_to_what_was_heard(call):
    caller = call(response_delay="0 ms", pace="burst")
    caller.send(ResponseCreate())
    item_id = caller.of(ResponseDone)[0].response["output"][0]["id"]
    [truncated] = caller.send(ItemTruncate(item_id=item_id, content_index=0, audio_end_ms=300))
    assert type(truncated) is ItemTruncated and truncated.audio_end_ms == 300

    caller.send(ItemTruncate(item_id=item_id, content_index=0, audio_end_ms=301))
    assert caller.errors() == [("invalid_value", "audio_end_ms")]


def test_an_answer_is_truncated_while_it_is_still_spoken_and_stays_so_when_it_is_interrupted(call):
    caller = call(response_delay="0 ms", pace="1x")
    caller.send(ResponseCreate())
    caller.wait(250)
    item_id = caller.of(ItemAdded)[0].item["id"]
    caller.send(ItemTruncate(item_id=item_id, content_index=0, audio_end_ms=301))
    assert caller.errors() == [("invalid_value", "audio_end_ms")]
    [truncated] = caller.send(ItemTruncate(item_id=item_id, content_index=0, audio_end_ms=180))
    assert truncated.audio_end_ms == 180
    caller.send(ResponseCancel())
    [retrieved] = caller.send(ItemRetrieve(item_id=item_id))
    assert retrieved.item["content"] == [{"type": "output_audio"}]
    [row] = caller.hang_up()
    assert (row.truncate_audio_end_ms, row.truncate_rejected) == (180, False)
    assert row.truncate_received_ns == row.cancel_received_ns == 1_250_000_000


def test_what_the_user_said_cannot_be_truncated(call):
    caller = call()
    caller.by_hand()
    caller.speak(400)
    caller.send(InputAudioCommit())
    item_id = caller.of(ItemAdded)[0].item["id"]
    [error] = caller.send(ItemTruncate(item_id=item_id, content_index=0, audio_end_ms=1))
    assert (error.error.code, error.error.param) == ("invalid_value", "item_id")


def test_a_session_ends_at_its_limit(call):
    caller = call(session_limit="2 min")
    caller.wait(120_000)
    [error] = caller.take()
    assert error.error.code == "session_expired"
    assert caller.machine.outcome == "expired"
    assert caller.machine.next_wake() is None
    assert caller.send(ResponseCreate()) == []


def test_a_lost_connection_ends_the_session_and_keeps_the_truth_of_what_was_begun(call):
    caller = call(response_delay="1 s")
    caller.send(ResponseCreate())
    [row] = caller.hang_up()
    assert caller.machine.outcome == "disconnected"
    assert (row.status, row.first_audio_sent_ns) == ("in_progress", None)


def test_the_same_seed_and_number_draw_the_same_delays(call):
    def drawn(number: int) -> list[float]:
        caller = call(number=number, response_delay={"normal": {"mean": "300 ms", "sd": "50 ms"}})
        for _ in range(3):
            caller.send(ResponseCreate())
            caller.wait(3_000)
        return [row.response_delay_drawn_ms for row in caller.hang_up()]

    assert drawn(1) == drawn(1)
    assert drawn(1) != drawn(2)


def test_an_event_of_no_client_is_a_mistake_of_the_shell(call):
    with pytest.raises(TypeError, match="SessionCreated is not an event of a client"):
        call().send(SessionCreated(session={}))


def test_a_call_of_an_hour_is_answered_to_its_end(call):
    caller = call(response_delay="300 ms")
    for _ in range(59):
        caller.speak(400)
        caller.pause(600)
        caller.wait(59_000)
    assert caller.machine.outcome is None
    caller.wait(60_000)
    assert caller.machine.outcome == "expired"
    rows = caller.hang_up()
    assert len(rows) == 59
    assert {row.status for row in rows} == {"completed"}


def test_a_session_that_nobody_holds_is_gone_at_once(call):
    """Not with the next full collection, which a process that keeps time avoids."""
    caller = call()
    caller.speak(1_000)
    machine = weakref.ref(caller.machine)
    gc.disable()
    try:
        del caller
        assert machine() is None
    finally:
        gc.enable()
